/**
 * A way through a proxy over a connection to it: CONNECT (net/http Transport.dialConn, one minute) or SOCKS 5
 * (golang.org/x/net/internal/socks). The password goes to the proxy and nowhere else.
 */
import type { Socket } from 'node:net';
import type { Fault } from '#report/fault.ts';
import { bad, good, type Outcome } from '#report/outcome.ts';
import type { ProxyTarget } from '#go/http-proxy.ts';
import type { ProxyFacts, StepOf } from '#report/rehearsal.ts';
import { joinHostPort } from './host-port.ts';
import { Reader } from './reader.ts';
import { passSocks } from './socks.ts';

/** Transport.dialConn: CONNECT's own deadline. */
const connectLimitMs = 60_000;
const mostHeaderBytes = 64 * 1024;

export interface Tunnel {
  readonly proxy: ProxyTarget;
  readonly target: { readonly host: string; readonly port: number };
  readonly elapsedMs: () => number;
  readonly signal: AbortSignal;
}

export interface Tunnelled {
  readonly step: StepOf<'proxy', ProxyFacts>;
  readonly outcome: Outcome<ProxyFacts>;
}

export async function openTunnel(
  peer: { readonly socket: Socket; readonly address: string; readonly port: number },
  tunnel: Tunnel,
): Promise<Tunnelled> {
  const { proxy, target, elapsedMs, signal } = tunnel;
  const startMs = elapsedMs();
  const reader = new Reader(peer.socket, { ...peer, host: proxy.host, timeoutMs: connectLimitMs, elapsedMs, signal });
  const speak = proxy.scheme === 'socks5' || proxy.scheme === 'socks5h' ? passSocks : passConnect;
  const outcome = unreachable(await speak(reader, tunnel), proxy);
  reader.release();
  if (!outcome.ok) peer.socket.destroy();
  const ms = elapsedMs() - startMs;
  return { step: { step: 'proxy', target: joinHostPort(target.host, target.port), startMs, ms, outcome }, outcome };
}

/** What broke on the way to the proxy is the proxy's fault; what the proxy said is said already. */
function unreachable(outcome: Outcome<ProxyFacts>, proxy: ProxyTarget): Outcome<ProxyFacts> {
  if (outcome.ok) return outcome;
  const { fault } = outcome;
  if (fault.code === 'proxy.refused' || fault.code === 'agent.out_of_time') return outcome;
  return bad({ code: 'proxy.unreachable', proxy: proxy.shown, cause: fault });
}

async function passConnect(reader: Reader, tunnel: Tunnel): Promise<Outcome<ProxyFacts>> {
  const { proxy } = tunnel;
  const target = joinHostPort(tunnel.target.host, tunnel.target.port);
  const login = proxy.authorization === undefined ? '' : `Proxy-Authorization: ${proxy.authorization.reveal()}\r\n`;
  reader.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nUser-Agent: Go-http-client/1.1\r\n${login}\r\n`);
  const head = await reader.readHead(mostHeaderBytes);
  if (!head.ok) return head;
  const status = /^HTTP\/1\.[01] (\d{3})(?: ([^\r\n]*))?\r?\n/.exec(head.value);
  if (status === null) {
    const fault: Fault = { code: 'api.malformed', host: proxy.host, why: 'malformed HTTP response' };
    return bad(fault);
  }
  const code = Number(status[1]);
  if (code === 200) return good({ proxy: proxy.shown, status: code });
  // Go's error is the text behind the status code, and names that code where there is none.
  const reason = status[2] === undefined || status[2] === '' ? 'unknown status code' : status[2].slice(0, 200);
  return bad({ code: 'proxy.refused', proxy: proxy.shown, target, status: code, reason });
}
