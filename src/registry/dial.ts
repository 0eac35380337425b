/**
 * Opens one connection as containerd's http.Transport would: name, proxy, TCP and TLS, each a timed step. The request then uses
 * the socket that was measured.
 */
import type { Socket } from 'node:net';
import type { Fault } from '#report/fault.ts';
import { bad, good, type Outcome } from '#report/outcome.ts';
import type { HostPort, Origin } from '#go/host-port.ts';
import type { ProxyTarget } from '#go/http-proxy.ts';
import type { DnsFacts, Step } from '#report/rehearsal.ts';
import type { TlsRule } from '#node/view.ts';
import { handshake } from '#registry/tls/handshake.ts';
import type { LookupOptions } from '#registry/dns/resolve.ts';
import { openTcp } from '#registry/tcp/connect.ts';
import { openTunnel } from '#registry/tcp/proxy-tunnel.ts';
import type { NetworkSettings } from './wire.ts';

export interface Target extends Origin {
  readonly tls: TlsRule;
  readonly proxy: ProxyTarget | null;
  /** Lookup and connection together, over all addresses. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface DialDependencies {
  readonly network: NetworkSettings;
  readonly lookup: (host: string, options: LookupOptions) => Promise<NameLookup>;
}

export interface NameLookup {
  readonly outcome: Outcome<DnsFacts>;
  /** The answer of an earlier or concurrent lookup was reused. */
  readonly shared: boolean;
}

export interface Peer {
  readonly socket: Socket;
  /** The address of the connection: the proxy's where there is a proxy. */
  readonly address: string;
  readonly port: number;
}

export interface Dialled {
  readonly steps: readonly Step[];
  readonly outcome: Outcome<Peer>;
}

export async function dial(target: Target, dependencies: DialDependencies): Promise<Dialled> {
  const { proxy } = target;
  if (proxy !== null) return dialThrough(proxy, target, dependencies);
  const opened = await connectTo(target, target, dependencies);
  if (!opened.outcome.ok || target.scheme === 'http') return opened;
  return secure(opened, target, { target, dependencies });
}

/** net/http Transport.dialConn with a proxy: the proxy resolves the target's name. */
async function dialThrough(proxy: ProxyTarget, target: Target, dependencies: DialDependencies): Promise<Dialled> {
  const reached = await connectTo(proxy, target, dependencies);
  // Transport.addTLS uses the registry's own TLS settings for the proxy too, with the proxy's name.
  const wrap = proxy.scheme === 'https' && reached.outcome.ok;
  const opened = wrap ? await secure(reached, proxy, { target, dependencies }) : reached;
  if (!opened.outcome.ok) return { ...opened, outcome: bad(proxyFault(proxy, opened.outcome.fault)) };
  const withoutTunnel = target.scheme === 'http' && (proxy.scheme === 'http' || proxy.scheme === 'https');
  if (withoutTunnel) return opened;
  const peer = opened.outcome.value;
  const { elapsedMs } = dependencies.network;
  const tunnel = await openTunnel(peer, { proxy, target, elapsedMs, signal: target.signal });
  const steps = [...opened.steps, tunnel.step];
  if (!tunnel.outcome.ok) return { steps, outcome: tunnel.outcome };
  const through = { steps, outcome: opened.outcome };
  return target.scheme === 'http' ? through : secure(through, target, { target, dependencies });
}

function proxyFault(proxy: ProxyTarget, cause: Fault): Fault {
  return cause.code === 'agent.out_of_time' ? cause : { code: 'proxy.unreachable', proxy: proxy.shown, cause };
}

/** Name and TCP. The addresses of the lookup are the ones that are connected to. */
async function connectTo({ host, port }: HostPort, target: Target, dependencies: DialDependencies): Promise<Dialled> {
  const { elapsedMs } = dependencies.network;
  const { timeoutMs, signal } = target;
  const startMs = elapsedMs();
  const found = await dependencies.lookup(host, { timeoutMs, elapsedMs, signal });
  const took = elapsedMs() - startMs;
  const steps: Step[] = found.shared ? [] : [{ step: 'dns', target: host, startMs, ms: took, outcome: found.outcome }];
  if (!found.outcome.ok) return { steps, outcome: found.outcome };
  const { addresses } = found.outcome.value;
  const left = Math.max(1, timeoutMs - took);
  const opened = await openTcp({ host, port, addresses, timeoutMs: left, elapsedMs, signal });
  steps.push(...opened.steps);
  if (!opened.outcome.ok) return { steps, outcome: opened.outcome };
  const socket = opened.outcome.value;
  return { steps, outcome: good({ socket, address: socket.remoteAddress ?? '', port }) };
}

/** TLS with the name of the proxy or of the target, by the target's rule. */
async function secure(
  opened: Dialled,
  { host }: HostPort,
  by: { readonly target: Target; readonly dependencies: DialDependencies },
): Promise<Dialled> {
  if (!opened.outcome.ok) return opened;
  const peer = opened.outcome.value;
  const { roots, now, elapsedMs, rsaKeyExchange = false } = by.dependencies.network;
  const { tls: rule, signal } = by.target;
  const { address, port } = peer;
  const offer = { rule, roots, rsaKeyExchange };
  const session = await handshake(peer.socket, { host, address, port, ...offer, now, elapsedMs, signal });
  const steps = [...opened.steps, session.step];
  return { steps, outcome: session.outcome.ok ? good({ ...peer, socket: session.outcome.value }) : session.outcome };
}
