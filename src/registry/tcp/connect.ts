/**
 * TCP as Go's net.Dialer opens it (dial.go dialParallel, dialSerial, partialDeadline, Go 1.26): the family of the first
 * address is tried first, the other one after 300 ms or as soon as the first has failed; within a family one address
 * after the other, each with an equal share of the time that is left. The error is that of the first family's first address.
 */
import { connect, isIPv6, type Socket } from 'node:net';
import { bad, good, type Bad, type Outcome } from '#report/outcome.ts';
import type { Step } from '#report/rehearsal.ts';
import { ignore } from './ignore.ts';
import { wireFault } from '#registry/fault.ts';

/** net.Dialer.FallbackDelay's default. */
const fallbackDelayMs = 300;
/** dial.go partialDeadline saneMinimum. */
const leastShareMs = 2_000;
/** containerd's net.Dialer.KeepAlive. */
const keepAliveMs = 30_000;
/** More would be an attack, and each costs up to its share of the time. */
const mostAddresses = 32;

export interface TcpGoal {
  /** As asked for; names the steps. */
  readonly host: string;
  readonly port: number;
  /** In the order in which they are to be tried. */
  readonly addresses: readonly string[];
  readonly timeoutMs: number;
  readonly elapsedMs: () => number;
  readonly signal: AbortSignal;
}

export interface TcpOpened {
  /** One for each address that was tried to an end. */
  readonly steps: readonly Step[];
  readonly outcome: Outcome<Socket>;
}

/** A goal under way. */
interface Run extends TcpGoal {
  readonly deadlineMs: number;
  readonly steps: Step[];
  /** Aborted when the other family has won: what it cuts off tells nothing. */
  readonly lost: AbortSignal;
}

export async function openTcp(goal: TcpGoal): Promise<TcpOpened> {
  const addresses = goal.addresses.slice(0, mostAddresses);
  const [first] = addresses;
  if (first === undefined) {
    const fault = { code: 'tcp.unreachable', address: '', port: goal.port, why: 'missing address' } as const;
    return { steps: [], outcome: bad(fault) };
  }
  const lost = new AbortController();
  const signal = AbortSignal.any([goal.signal, lost.signal]);
  const deadlineMs = goal.elapsedMs() + goal.timeoutMs;
  const run: Run = { ...goal, signal, deadlineMs, steps: [], lost: lost.signal };
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
    const timeoutMs = shareOf(remaining, addresses.length - i);
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

/** partialDeadline. */
export function shareOf(remainingMs: number, addressesLeft: number): number {
  return Math.min(remainingMs, Math.max(remainingMs / addressesLeft, leastShareMs));
}

/** One connection to one address; destroyed where the time or the asker's patience ends first. */
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
      socket.off('connect', onConnect).off('error', onError).on('error', ignore);
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
