/**
 * SOCKS 5 as Go's net/http speaks it (golang.org/x/net/internal/socks client.go): no login or user and password, and the
 * name is left to the proxy to resolve.
 */
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { bad, good, type Outcome } from '#report/outcome.ts';
import type { ProxyTarget } from '#go/http-proxy.ts';
import type { ProxyFacts } from '#report/rehearsal.ts';
import { joinHostPort } from './host-port.ts';
import type { Reader } from './reader.ts';
import type { Tunnel } from './proxy-tunnel.ts';

const version = 5;

/** client.go Reply.String. */
const replies: readonly string[] = [
  'succeeded',
  'general SOCKS server failure',
  'connection not allowed by ruleset',
  'network unreachable',
  'host unreachable',
  'connection refused',
  'TTL expired',
  'command not supported',
  'address type not supported',
];

export async function passSocks(reader: Reader, tunnel: Tunnel): Promise<Outcome<ProxyFacts>> {
  const { proxy, target } = tunnel;
  const shown = joinHostPort(target.host, target.port);
  // client.go Dialer.DialWithConn: a net.OpError from the proxy's address to the target's name.
  const refused = (status: number, why: string): Outcome<never> => {
    const reason = `socks connect tcp ${reader.peer}->${shown}: ${why}`;
    return bad({ code: 'proxy.refused', proxy: proxy.shown, target: shown, status, reason });
  };
  const methods = proxy.login === undefined ? [0] : [0, 2];
  reader.write(Uint8Array.from([version, methods.length, ...methods]));
  const chosen = await reader.readBytes(2);
  if (!chosen.ok) return chosen;
  if (chosen.value[0] !== version) return refused(0, 'unexpected protocol version');
  const method = chosen.value[1] ?? 255;
  if (method === 2 && proxy.login !== undefined) {
    const admitted = await logIn(reader, proxy.login);
    if (!admitted.ok) return admitted;
    if (!admitted.value) return refused(1, 'username/password authentication failed');
  } else if (method !== 0) return refused(method, 'no acceptable authentication methods');
  const address = addressOf(target.host);
  if (address === undefined) return refused(0, 'FQDN too long');
  reader.write(Uint8Array.from([version, 1, 0, ...address, target.port >> 8, target.port & 255]));
  const reply = await reader.readBytes(4);
  if (!reply.ok) return reply;
  const [, status = 255, , kind] = reply.value;
  if (status !== 0) return refused(status, `unknown error ${replies[status] ?? `unknown code: ${status}`}`);
  const bound = await skipBound(reader, kind);
  if (bound === undefined) return refused(0, 'unknown address type');
  return bound.ok ? good({ proxy: proxy.shown, status: 0 }) : bound;
}

/** RFC 1929. */
async function logIn(reader: Reader, login: NonNullable<ProxyTarget['login']>): Promise<Outcome<boolean>> {
  const username = Buffer.from(login.username.reveal());
  const password = Buffer.from(login.password.reveal());
  const usable = username.length > 0 && username.length < 256 && password.length > 0 && password.length < 256;
  if (!usable) return good(false);
  reader.write(Uint8Array.from([1, username.length, ...username, password.length, ...password]));
  const answer = await reader.readBytes(2);
  return answer.ok ? good(answer.value[1] === 0) : answer;
}

function addressOf(host: string): readonly number[] | undefined {
  if (isIPv4(host) || isIPv6(host)) {
    const bytes = ipaddr.parse(host).toByteArray();
    return [bytes.length === 4 ? 1 : 4, ...bytes];
  }
  const name = Buffer.from(host);
  return name.length > 255 ? undefined : [3, name.length, ...name];
}

/** The address that the proxy speaks from: of no use, but in the way. undefined: of a kind that is not known. */
async function skipBound(reader: Reader, kind: number | undefined): Promise<Outcome<Buffer> | undefined> {
  if (kind === 1) return reader.readBytes(4 + 2);
  if (kind === 4) return reader.readBytes(16 + 2);
  if (kind !== 3) return undefined;
  const length = await reader.readBytes(1);
  return length.ok ? reader.readBytes((length.value[0] ?? 0) + 2) : length;
}
