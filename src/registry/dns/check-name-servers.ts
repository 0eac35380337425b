/**
 * Checks each name server separately, beside the pull. The pull uses the first that works; an operator also needs to know that
 * one of three does not. The result is evidence and never the verdict; it costs a few packets.
 */
import { isIP } from 'node:net';
import { bad, good, type Outcome } from '#report/outcome.ts';
import type { Evidence, EvidenceFacts } from '#report/rehearsal.ts';
import type { Resolver } from '#node/view.ts';
import { joinHostPort } from '#go/host-port.ts';
import { queryServer, type NameServer, type Reply } from './exchange.ts';
import { faultOf, isDomainName, nameList } from './resolve.ts';

const serverLimitMs = 2_000;
/** Of each kind; more are left out. */
const most = 8;

export interface NameCheck {
  readonly host: string;
  /** The name of the search list that the pull got an answer for; absent: none, or the first. */
  readonly name?: string;
}

/** Empty for an address, for a name that the hosts file answers and for an invalid name: no server is queried for these. */
export async function judgeNameServers(
  resolver: Resolver,
  check: NameCheck,
  elapsedMs: () => number,
): Promise<readonly Evidence[]> {
  const { host } = check;
  const inFile = resolver.order[0] === 'files' && Object.hasOwn(resolver.hosts, host.toLowerCase().replace(/\.$/, ''));
  const name = check.name ?? nameList(resolver, host)[0];
  if (isIP(host) !== 0 || inFile || name === undefined || !isDomainName(host)) return [];
  const servers = resolver.servers.slice(0, most);
  return Promise.all(
    servers.map(async (server) => {
      const startMs = elapsedMs();
      const reply = await queryBoth(server, name, resolver.useTcp);
      const ms = elapsedMs() - startMs;
      const target = joinHostPort(server.address, server.port);
      const outcome: Outcome<EvidenceFacts> =
        reply.is === 'addresses'
          ? good(noteOf(reply.addresses))
          : bad(faultOf(reply, { host, server: target, afterMs: Math.round(ms) }));
      return { of: 'name_server', host, target, ms, outcome } as const;
    }),
  );
}

/** Queries for IPv6 where there is no IPv4 address, within the same two seconds. */
async function queryBoth(server: NameServer, name: string, useTcp: boolean): Promise<Reply> {
  const options = { timeoutMs: serverLimitMs, useTcp, signal: AbortSignal.timeout(serverLimitMs) };
  const reply = await queryServer(server, { name, type: 'A' }, options);
  return reply.is === 'absent' ? queryServer(server, { name, type: 'AAAA' }, options) : reply;
}

/** The name servers' answer for a name that the hosts file pins: a change in DNS does not reach this node. undefined: no answer. */
export async function judgePinned(
  resolver: Resolver,
  host: string,
  elapsedMs: () => number,
): Promise<Evidence | undefined> {
  const { useTcp } = resolver;
  const [name] = nameList(resolver, host);
  if (isIP(host) !== 0 || name === undefined || isLocal(host) || !isDomainName(host)) return undefined;
  for (const server of resolver.servers.slice(0, 2)) {
    const startMs = elapsedMs();
    const reply = await queryBoth(server, name, useTcp);
    if (reply.is === 'absent') return undefined;
    if (reply.is !== 'addresses') continue;
    const target = joinHostPort(server.address, server.port);
    const outcome = good(noteOf(reply.addresses));
    return { of: 'pinned_name', host, target, ms: elapsedMs() - startMs, outcome };
  }
  return undefined;
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

function noteOf(addresses: readonly string[]): EvidenceFacts {
  const shown = addresses.slice(0, most);
  return { note: shown.join(', '), addresses: shown };
}
