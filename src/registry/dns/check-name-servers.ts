/**
 * Door: each name server judged for itself, beside the pull. The pull takes the first that works; who is responsible wants to
 * know that one of three does not. Evidence, never the verdict; a handful of packets.
 */
import { isIP } from 'node:net';
import { bad, good, type Outcome } from '#report/outcome.ts';
import type { Evidence, EvidenceFacts } from '#report/rehearsal.ts';
import type { Resolver } from '#node/view.ts';
import { joinHostPort } from '#registry/tcp/host-port.ts';
import { askServer, type NameServer, type Reply } from './exchange.ts';
import { faultOf, isDomainName, nameList } from './resolve.ts';

const serverLimitMs = 2_000;
/** Of each kind; what goes beyond it is left out. */
const most = 8;

export interface NameAsked {
  readonly host: string;
  /** Which of the search list's names answered the pull; absent: none, or the first. */
  readonly name?: string;
}

/** Nothing for an address, a name that the hosts file answers, and one that is none: no server is asked for these. */
export async function judgeNameServers(
  resolver: Resolver,
  asked: NameAsked,
  elapsedMs: () => number,
): Promise<readonly Evidence[]> {
  const { host } = asked;
  const inFile = resolver.order[0] === 'files' && Object.hasOwn(resolver.hosts, host.toLowerCase().replace(/\.$/, ''));
  const name = asked.name ?? nameList(resolver, host)[0];
  if (isIP(host) !== 0 || inFile || name === undefined || !isDomainName(host)) return [];
  const servers = resolver.servers.slice(0, most);
  return Promise.all(
    servers.map(async (server) => {
      const startMs = elapsedMs();
      const reply = await askBoth(server, name, resolver.useTcp);
      const ms = elapsedMs() - startMs;
      const target = joinHostPort(server.address, server.port);
      const outcome: Outcome<EvidenceFacts> =
        reply.is === 'addresses'
          ? good(saying(reply.addresses))
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

/** What name servers say of a name that the hosts file answers: who moves it there is not heard here. undefined: nobody knows it. */
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
    const reply = await askBoth(server, name, useTcp);
    if (reply.is === 'absent') return undefined;
    if (reply.is !== 'addresses') continue;
    const target = joinHostPort(server.address, server.port);
    const outcome = good(saying(reply.addresses));
    return { of: 'pinned_name', host, target, ms: elapsedMs() - startMs, outcome };
  }
  return undefined;
}

function isLocal(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

function saying(addresses: readonly string[]): EvidenceFacts {
  const shown = addresses.slice(0, most);
  return { note: shown.join(', '), addresses: shown };
}
