/**
 * Door: addresses and ways to a host judged for themselves, beside the pull. The pull takes the first that works; who is
 * responsible wants to know that one of three does not, or shows another certificate. Evidence, never the verdict.
 */
import { bad, good, type Outcome } from '#report/outcome.ts';
import { proxyFor } from '#go/http-proxy.ts';
import type { Evidence, EvidenceFacts } from '#report/rehearsal.ts';
import type { ProxyRules, TlsRule } from '#node/view.ts';
import { joinHostPort } from '#registry/tcp/host-port.ts';
import { dial } from './dial.ts';
import { handshake } from '#registry/tls/handshake.ts';
import { lookUp } from '#registry/dns/resolve.ts';
import { openOne } from '#registry/tcp/connect.ts';
import type { NetworkSettings } from './wire.ts';

const limitMs = 3_000;
/** Of each kind; what goes beyond it is left out. */
const most = 8;

export type PathDependencies = Omit<NetworkSettings, 'proxy' | 'perOrigin'>;

export interface AddressesAsked {
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
  /** With it each is greeted too: one of several may show another certificate. */
  readonly tls?: TlsRule;
}

export async function judgeAddresses(at: AddressesAsked, paths: PathDependencies): Promise<readonly Evidence[]> {
  const { host, port, addresses } = at;
  return Promise.all(
    addresses.slice(0, most).map(async (address) => {
      const startMs = paths.elapsedMs();
      const outcome = await judgeOne(address, at, paths);
      const target = joinHostPort(address, port);
      return { of: 'address', host, target, ms: paths.elapsedMs() - startMs, outcome } as const;
    }),
  );
}

async function judgeOne(
  address: string,
  { host, port, tls }: AddressesAsked,
  { elapsedMs, now, roots, rsaKeyExchange = false }: PathDependencies,
): Promise<Outcome<EvidenceFacts>> {
  const { signal } = new AbortController();
  const opened = await openOne({ address, port }, { timeoutMs: limitMs, elapsedMs, signal });
  if (!opened.ok) return opened;
  const socket = opened.value;
  if (tls === undefined) {
    socket.destroy();
    return good({ note: 'connected' });
  }
  const { step, outcome } = await handshake(socket, {
    host,
    address,
    port,
    rule: tls,
    roots,
    rsaKeyExchange,
    now,
    elapsedMs,
    signal,
    limitMs,
  });
  if (outcome.ok) outcome.value.destroy();
  return step.outcome.ok ? good({ note: 'connected', tls: step.outcome.value }) : step.outcome;
}

export interface PathRequest {
  readonly scheme: 'https' | 'http';
  readonly host: string;
  readonly port: number;
  readonly tls: TlsRule;
}

/** As far as TLS, by other proxy rules than the runtime's own of today. */
export async function judgePath(to: PathRequest, rules: ProxyRules, paths: PathDependencies): Promise<Evidence> {
  const proxy = proxyFor(rules, to);
  const startMs = paths.elapsedMs();
  const made = (target: string, outcome: Evidence['outcome']): Evidence => {
    return { of: 'after_restart', host: to.host, target, ms: paths.elapsedMs() - startMs, outcome };
  };
  if (!proxy.ok) return made('a proxy', proxy);
  const network = { ...paths, proxy: rules, perOrigin: 1 };
  const dialing = {
    network,
    lookUp: async (host: string, patience: Parameters<typeof lookUp>[2]) => ({
      outcome: await lookUp(paths.resolver, host, patience),
      shared: false,
    }),
  };
  const { signal } = new AbortController();
  const dialled = await dial({ ...to, proxy: proxy.value, timeoutMs: limitMs, signal }, dialing);
  if (dialled.outcome.ok) dialled.outcome.value.socket.destroy();
  const outcome = dialled.outcome.ok ? good({ note: 'connected' }) : bad(dialled.outcome.fault);
  return made(proxy.value?.shown ?? 'directly', outcome);
}
