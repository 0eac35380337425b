/**
 * Door: each name server and each address judged for itself, beside the pull. The pull takes the first that works; who is
 * responsible wants to know that one of three does not. Evidence, never the verdict; a handful of packets.
 */
import { isIP } from 'node:net';
import { bad, good, type Outcome } from '#pull/outcome.ts';
import type { Evidence } from '#pull/rehearsal.ts';
import type { Resolver } from '#pull/view.ts';
import { joinHostPort } from './address.ts';
import { askServer, type NameServer, type Reply } from './dns-exchange.ts';
import { faultOf, nameList } from './resolve.ts';
import { openOne } from './tcp.ts';

const serverLimitMs = 2_000;
const addressLimitMs = 3_000;
/** Of each kind; what goes beyond it is left out. */
const most = 8;

/** Nothing for an address and for a name that the hosts file answers: no server is asked for these. */
export async function judgeNameServers(
  resolver: Resolver,
  host: string,
  elapsedMs: () => number,
): Promise<readonly Evidence[]> {
  const inFile = resolver.order[0] === 'files' && Object.hasOwn(resolver.hosts, host.toLowerCase().replace(/\.$/, ''));
  const [name] = nameList(resolver, host);
  if (isIP(host) !== 0 || inFile || name === undefined) return [];
  const servers = resolver.servers.slice(0, most);
  return Promise.all(
    servers.map(async (server) => {
      const startMs = elapsedMs();
      const reply = await askBoth(server, name, resolver.useTcp);
      const ms = elapsedMs() - startMs;
      const target = joinHostPort(server.address, server.port);
      const outcome: Outcome<{ note: string }> =
        reply.is === 'addresses'
          ? good({ note: reply.addresses.slice(0, most).join(', ') })
          : bad(faultOf(reply, { host, server: target, afterMs: Math.round(ms) }));
      return { of: 'name_server', host, target, ms, outcome } as const;
    }),
  );
}

/** IPv6 is asked for where there is no IPv4 address, within the same two seconds. */
async function askBoth(server: NameServer, name: string, useTcp: boolean): Promise<Reply> {
  const over = AbortSignal.timeout(serverLimitMs);
  const manner = { timeoutMs: serverLimitMs, useTcp, signal: over };
  const reply = await askServer(server, { name, type: 'A' }, manner);
  return reply.is === 'absent' ? askServer(server, { name, type: 'AAAA' }, manner) : reply;
}

export async function judgeAddresses(
  at: { readonly host: string; readonly port: number; readonly addresses: readonly string[] },
  elapsedMs: () => number,
): Promise<readonly Evidence[]> {
  const { host, port } = at;
  const within = { timeoutMs: addressLimitMs, elapsedMs, signal: new AbortController().signal };
  return Promise.all(
    at.addresses.slice(0, most).map(async (address) => {
      const startMs = elapsedMs();
      const opened = await openOne({ address, port }, within);
      if (opened.ok) opened.value.destroy();
      const ms = elapsedMs() - startMs;
      const outcome = opened.ok ? good({ note: 'connected' }) : opened;
      return { of: 'address', host, target: joinHostPort(address, port), ms, outcome } as const;
    }),
  );
}
