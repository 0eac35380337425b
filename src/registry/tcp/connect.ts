/**
 * TCP as Go's net.Dialer opens it (dial.go dialParallel, dialSerial, partialDeadline, Go 1.26): the family of the first
 * address is tried first, the other one after 300 ms or as soon as the first has failed; within a family one address
 * after the other, each with an equal share of the time that is left. The error is that of the first family's first address.
 */
import { connect, isIPv6, type Socket } from 'node:net';
import { bad, good, type Bad, type Outcome } from '#report/outcome.ts';
import type { Step } from '#report/rehearsal.ts';
import { partialDeadline } from './partial-deadline.ts';
import { wireFault } from '#registry/fault.ts';

/** net.Dialer.FallbackDelay's default. */
const fallbackDelayMs = 300;
/** containerd's net.Dialer.KeepAlive. */
const keepAliveMs = 30_000;
/** No honest name has more; each address costs up to its share of the time. */
const mostAddresses = 32;

export interface TcpOptions {
  /** The host of the request, for the steps. */
  readonly host: string;
  readonly port: number;
  /** In the order in which they are tried. */
  readonly addresses: readonly string[];
  readonly timeoutMs: number;
  readonly elapsedMs: () => number;
  readonly signal: AbortSignal;
}

export interface TcpOpened {
  /** One for each address that was tried until it opened or failed. */
  readonly steps: readonly Step[];
  readonly outcome: Outcome<Socket>;
}

interface Run extends TcpOptions {
  readonly deadlineMs: number;
  readonly steps: Step[];
  /** Aborted when the other family has opened a connection: an attempt that it cuts off is no step. */
  readonly lost: AbortSignal;
}

export async function openTcp(options: TcpOptions): Promise<TcpOpened> {
  const addresses = options.addresses.slice(0, mostAddresses);
  const [first] = addresses;
  if (first === undefined) {
    const fault = { code: 'tcp.unreachable', address: '', port: options.port, why: 'missing address' } as const;
    return { steps: [], outcome: bad(fault) };
  }
  const lost = new AbortController();
  const signal = AbortSignal.any([options.signal, lost.signal]);
  const deadlineMs = options.elapsedMs() + options.timeoutMs;
  const run: Run = { ...options, signal, deadlineMs, steps: [], lost: lost.signal };
  const primaries = addresses.filter((address) => isIPv6(address) === isIPv6(first));
  const fallbacks = addresses.filter((address) => isIPv6(address) !== isIPv6(first));
  const outcome =
    fallbacks.length === 0 ? await inOrder(primaries, run) : await inParallel({ primaries, fallbacks, lost }, run);
  return { steps: [...run.steps], outcome };
}

/** dialParallel. */
async function inParallel(
  race: {
    readonly primaries: readonly string[];
    readonly fallbacks: readonly string[];
    readonly lost: AbortController;
  },
  run: Run,
): Promise<Outcome<Socket>> {
  return new Promise((resolve) => {
    let won = false;
    let failed: { primary?: Bad; fallback?: Bad } = {};
    let started = false;
    const finish = (as: 'primary' | 'fallback', outcome: Outcome<Socket>): void => {
      if (won) {
        if (outcome.ok) outcome.value.destroy();
        return;
      }
      if (outcome.ok) {
        won = true;
        clearTimeout(timer);
        race.lost.abort();
        resolve(outcome);
        return;
      }
      failed = { ...failed, [as]: outcome };
      if (as === 'primary') startFallback();
      if (failed.primary !== undefined && failed.fallback !== undefined) resolve(failed.primary);
    };
    const startFallback = (): void => {
      if (started) return;
      started = true;
      clearTimeout(timer);
      void inOrder(race.fallbacks, run).then((outcome) => finish('fallback', outcome));
    };
    const timer = setTimeout(startFallback, fallbackDelayMs);
    void inOrder(race.primaries, run).then((outcome) => finish('primary', outcome));
  });
}

/** dialSerial: the first error counts. */
async function inOrder(addresses: readonly string[], run: Run): Promise<Outcome<Socket>> {
  let firstFault: Bad | undefined;
  for (const [i, address] of addresses.entries()) {
    const remaining = run.deadlineMs - run.elapsedMs();
    if (remaining <= 0 || run.signal.aborted) break;
    const timeoutMs = partialDeadline(remaining, addresses.length - i);
    const startMs = run.elapsedMs();
    const outcome = await openOne({ address, port: run.port }, { ...run, timeoutMs });
    const ms = run.elapsedMs() - startMs;
    const target = `${run.host}:${run.port}`;
    if (!run.lost.aborted) {
      const known = outcome.ok ? good({ address, port: run.port }) : outcome;
      run.steps.push({ step: 'tcp', target, startMs, ms, outcome: known });
    }
    if (outcome.ok) return outcome;
    firstFault ??= outcome;
  }
  if (firstFault !== undefined) return firstFault;
  if (run.signal.aborted) return bad({ code: 'agent.out_of_time', step: 'tcp', afterMs: 0 });
  const afterMs = Math.round(run.timeoutMs);
  return bad({ code: 'tcp.timed_out', address: addresses[0] ?? '', port: run.port, afterMs });
}

/** One connection to one address. It is destroyed where the timeout or the signal ends first. */
export async function openOne(
  to: { readonly address: string; readonly port: number },
  within: { readonly timeoutMs: number; readonly elapsedMs: () => number; readonly signal: AbortSignal },
): Promise<Outcome<Socket>> {
  const { address, port } = to;
  const { signal, timeoutMs } = within;
  const startMs = within.elapsedMs();
  const afterMs = (): number => Math.round(within.elapsedMs() - startMs);
  return new Promise((resolve) => {
    const socket = connect({
      host: address,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
      autoSelectFamily: false,
    });
    const settle = (outcome: Outcome<Socket>): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('connect', onConnect).off('error', onError).on('error', ignoreError);
      if (!outcome.ok) socket.destroy();
      resolve(outcome);
    };
    const onConnect = (): void => {
      settle(good(socket));
    };
    const onError = (error: Error): void => {
      const spot = { host: address, address, port, failurePoint: 'connecting', afterMs: afterMs() } as const;
      settle(bad(wireFault(error, spot)));
    };
    const onAbort = (): void => {
      settle(bad({ code: 'agent.out_of_time', step: 'tcp', afterMs: afterMs() }));
    };
    const timer = setTimeout(() => {
      settle(bad({ code: 'tcp.timed_out', address, port, afterMs: Math.round(timeoutMs) }));
    }, timeoutMs);
    signal.addEventListener('abort', onAbort);
    socket.on('connect', onConnect).on('error', onError);
    if (signal.aborted) onAbort();
  });
}

/**
 * For a socket between two owners: an error without a listener would end the process. The next owner finds the socket
 * destroyed.
 */
export function ignoreError(): void {
  return;
}
