/**
 * Checks each address of a host, and the path that a restarted runtime would take to it, beside the pull. The pull uses the first
 * address that works; an operator also needs to know that one of three does not, or presents another certificate. The result is
 * evidence and never the verdict.
 */
import { bad, good, type Outcome } from '#report/outcome.ts';
import { proxyFor, type ProxyRules } from '#go/http-proxy.ts';
import type { Evidence, EvidenceFacts } from '#report/rehearsal.ts';
import type { TlsRule } from '#node/view.ts';
import { joinHostPort } from '#go/host-port.ts';
import { dial } from './dial.ts';
import { handshake } from '#registry/tls/handshake.ts';
import { lookup, type LookupOptions } from '#registry/dns/resolve.ts';
import { openOne } from '#registry/tcp/connect.ts';
import type { NetworkSettings } from './wire.ts';

const limitMs = 3_000;
/** Of each kind; more are left out. */
const most = 8;

export type PathSettings = Omit<NetworkSettings, 'proxy' | 'perOrigin'>;

export interface AddressCheck {
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
  /** Absent: TCP only. With it, TLS as well: one of several addresses may present another certificate. */
  readonly tls?: TlsRule;
}

export async function judgeAddresses(at: AddressCheck, settings: PathSettings): Promise<readonly Evidence[]> {
  const { host, port, addresses } = at;
  return Promise.all(
    addresses.slice(0, most).map(async (address) => {
      const startMs = settings.elapsedMs();
      const outcome = await judgeOne(address, at, settings);
      const target = joinHostPort(address, port);
      return { of: 'address', host, target, ms: settings.elapsedMs() - startMs, outcome } as const;
    }),
  );
}

async function judgeOne(
  address: string,
  { host, port, tls }: AddressCheck,
  { elapsedMs, now, roots, rsaKeyExchange = false }: PathSettings,
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

/** Connects up to and including TLS, by other proxy rules than the runtime's present ones. */
export async function judgePath(to: PathRequest, rules: ProxyRules, settings: PathSettings): Promise<Evidence> {
  const proxy = proxyFor(rules, to);
  const startMs = settings.elapsedMs();
  const made = (target: string, outcome: Evidence['outcome']): Evidence => {
    return { of: 'after_restart', host: to.host, target, ms: settings.elapsedMs() - startMs, outcome };
  };
  if (!proxy.ok) return made('a proxy', proxy);
  const network = { ...settings, proxy: rules, perOrigin: 1 };
  const dependencies = {
    network,
    lookup: async (host: string, options: LookupOptions) => ({
      outcome: await lookup(settings.resolver, host, options),
      shared: false,
    }),
  };
  const { signal } = new AbortController();
  const dialled = await dial({ ...to, proxy: proxy.value, timeoutMs: limitMs, signal }, dependencies);
  if (dialled.outcome.ok) dialled.outcome.value.socket.destroy();
  const outcome = dialled.outcome.ok ? good({ note: 'connected' }) : bad(dialled.outcome.fault);
  return made(proxy.value?.shown ?? 'directly', outcome);
}
