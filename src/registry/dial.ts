/**
 * Opens one connection as containerd's http.Transport would: name, proxy, TCP, TLS, each a step with its time. The socket
 * that was measured is the socket that the request uses. Redirects, retries and requests are not its business.
 */
import type { Socket } from 'node:net';
import type { Fault } from '#report/fault.ts';
import { bad, good, type Outcome } from '#report/outcome.ts';
import type { ProxyTarget } from '#go/http-proxy.ts';
import type { DnsFacts, Step } from '#report/rehearsal.ts';
import type { TlsRule } from '#node/view.ts';
import { handshake } from '#registry/tls/handshake.ts';
import type { Patience } from '#registry/dns/resolve.ts';
import { openTcp } from '#registry/tcp/connect.ts';
import { openTunnel } from '#registry/tcp/proxy-tunnel.ts';
import type { NetworkSettings } from './wire.ts';

export interface Target {
  readonly scheme: 'https' | 'http';
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly tls: TlsRule;
  readonly proxy: ProxyTarget | null;
  /** Look-up and connection together, over all addresses. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What dialling stands on: the footing, and look-ups that are shared. */
export interface DialDependencies {
  readonly network: NetworkSettings;
  readonly lookUp: (host: string, patience: Patience) => Promise<NameLookup>;
}

export interface NameLookup {
  readonly outcome: Outcome<DnsFacts>;
  /** It was known, or somebody else asked for it. */
  readonly shared: boolean;
}

export interface Peer {
  readonly socket: Socket;
  /** As dialled: the proxy's where there is one. */
  readonly address: string;
  readonly port: number;
}

export interface Dialled {
  readonly steps: readonly Step[];
  readonly outcome: Outcome<Peer>;
}

export async function dial(target: Target, dialing: DialDependencies): Promise<Dialled> {
  const { proxy } = target;
  if (proxy !== null) return dialThrough(proxy, target, dialing);
  const opened = await reach(target, target, dialing);
  if (!opened.outcome.ok || target.scheme === 'http') return opened;
  return secure(opened, target, { target, dialing });
}

/** net/http Transport.dialConn with a proxy: the target's name is left to the proxy. */
async function dialThrough(proxy: ProxyTarget, target: Target, dialing: DialDependencies): Promise<Dialled> {
  const reached = await reach(proxy, target, dialing);
  // Transport.addTLS takes the registry's own TLS settings for the proxy too, with the proxy's name.
  const wrap = proxy.scheme === 'https' && reached.outcome.ok;
  const opened = wrap ? await secure(reached, proxy, { target, dialing }) : reached;
  if (!opened.outcome.ok) return { ...opened, outcome: bad(behind(proxy, opened.outcome.fault)) };
  const byName = target.scheme === 'http' && (proxy.scheme === 'http' || proxy.scheme === 'https');
  if (byName) return opened;
  const peer = opened.outcome.value;
  const { elapsedMs } = dialing.network;
  const tunnel = await openTunnel(peer, { proxy, target, elapsedMs, signal: target.signal });
  const steps = [...opened.steps, tunnel.step];
  if (!tunnel.outcome.ok) return { steps, outcome: tunnel.outcome };
  const through = { steps, outcome: opened.outcome };
  return target.scheme === 'http' ? through : secure(through, target, { target, dialing });
}

function behind(proxy: ProxyTarget, cause: Fault): Fault {
  return cause.code === 'agent.out_of_time' ? cause : { code: 'proxy.unreachable', proxy: proxy.shown, cause };
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Name and TCP. */
async function reach(place: Place, target: Target, dialing: DialDependencies): Promise<Dialled> {
  const { elapsedMs } = dialing.network;
  const { timeoutMs, signal } = target;
  const { host, port } = place;
  const startMs = elapsedMs();
  const found = await dialing.lookUp(host, { timeoutMs, elapsedMs, signal });
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

/** TLS with the place's name, by the target's rule. */
async function secure(
  opened: Dialled,
  place: Place,
  by: { readonly target: Target; readonly dialing: DialDependencies },
): Promise<Dialled> {
  if (!opened.outcome.ok) return opened;
  const peer = opened.outcome.value;
  const { roots, now, elapsedMs, rsaKeyExchange = false } = by.dialing.network;
  const { tls: rule, signal } = by.target;
  const { host } = place;
  const { address, port } = peer;
  const offer = { rule, roots, rsaKeyExchange };
  const session = await handshake(peer.socket, { host, address, port, ...offer, now, elapsedMs, signal });
  const steps = [...opened.steps, session.step];
  return { steps, outcome: session.outcome.ok ? good({ ...peer, socket: session.outcome.value }) : session.outcome };
}
