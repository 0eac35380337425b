/**
 * Names to addresses as Go's own resolver finds them with the node's files (net/dnsclient_unix.go goLookupIPCNAMEOrder,
 * tryOneName, nameList; net/dnsclient.go isDomainName; net/lookup.go, Go 1.26). Never asks this process's resolver.
 */
import { isIP } from 'node:net';
import type { Fault } from '#report/fault.ts';
import { bad, good, type Outcome } from '#report/outcome.ts';
import { valueAt } from '#data/value-at.ts';
import type { DnsFacts } from '#report/rehearsal.ts';
import type { Resolver } from '#node/view.ts';
import { joinHostPort } from '#registry/tcp/host-port.ts';
import { inOrder } from '#registry/tcp/address-order.ts';
import { askServer, type Question, type Reply } from './exchange.ts';

export interface Patience {
  readonly timeoutMs: number;
  readonly elapsedMs: () => number;
  readonly signal: AbortSignal;
}

/** More than one answer holds in practice; it bounds the ordering, which opens a socket for each. */
const mostAddresses = 64;

export async function lookUp(resolver: Resolver, host: string, patience: Patience): Promise<Outcome<DnsFacts>> {
  if (isIP(host) !== 0) return good({ addresses: [host], answeredBy: 'a literal address' });
  const [source, next] = resolver.order;
  if (source === 'files') {
    const found = await fromHosts(resolver, host);
    if (found !== undefined || next === undefined) return found ?? bad(notFound(host, ''));
  }
  if (!resolver.order.includes('dns')) return bad(notFound(host, ''));
  const outcome = isDomainName(host) ? await fromServers(resolver, host, patience) : bad(notFound(host, ''));
  if (outcome.ok || source === 'files' || next !== 'files') return outcome;
  return (await fromHosts(resolver, host)) ?? outcome;
}

/** goLookupIPFiles. */
async function fromHosts(resolver: Resolver, host: string): Promise<Outcome<DnsFacts> | undefined> {
  const name = host.toLowerCase().replace(/\.$/, '');
  const addresses = valueAt(resolver.hosts, name);
  if (addresses === undefined || addresses.length === 0) return undefined;
  return good({ addresses: await inOrder(addresses.slice(0, mostAddresses)), answeredBy: '/etc/hosts' });
}

/** What one search is made of. */
interface Search extends Patience {
  readonly resolver: Resolver;
  readonly host: string;
  readonly startMs: number;
  readonly deadline: AbortSignal;
}

async function fromServers(resolver: Resolver, host: string, patience: Patience): Promise<Outcome<DnsFacts>> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), patience.timeoutMs);
  const deadline = AbortSignal.any([over.signal, patience.signal]);
  try {
    return await search({ ...patience, resolver, host, startMs: patience.elapsedMs(), deadline });
  } finally {
    clearTimeout(timer);
  }
}

async function search(run: Search): Promise<Outcome<DnsFacts>> {
  const { resolver, host } = run;
  let last: Fault | undefined;
  const candidates = nameList(resolver, host);
  for (const [i, name] of candidates.entries()) {
    const askedMs = run.elapsedMs();
    const tried = await bothFamilies(run, name);
    const found = tried.flatMap((one) => (one.ok ? one.addresses : []));
    const server = tried.find((one) => one.ok)?.server ?? '';
    if (found.length > 0) {
      const searched = { names: candidates.slice(0, i), ms: Math.round(askedMs - run.startMs) };
      return good({
        addresses: await inOrder(found.slice(0, mostAddresses)),
        answeredBy: server,
        ...(i === 0 ? {} : { searched }),
        ...(name === `${host}.` || name === host ? {} : { fullName: name }),
      });
    }
    for (const one of tried) {
      // The first error stands, unless the name as written has one of its own.
      if (!one.ok && (last === undefined || name === `${host}.`)) last = one.fault;
    }
    const cut = cutOff(run);
    if (cut !== undefined) return bad(cut);
  }
  if (last?.code === 'dns.not_found') return bad({ ...last, asked: candidates });
  return bad(last ?? notFound(host, ''));
}

/** Go's context ended: no server is to blame. */
function cutOff(run: Search): Fault | undefined {
  const afterMs = Math.round(run.elapsedMs() - run.startMs);
  if (run.signal.aborted) return { code: 'agent.out_of_time', step: 'dns', afterMs };
  return run.deadline.aborted ? { code: 'dns.timed_out', host: run.host, server: '', afterMs } : undefined;
}

type Tried =
  | { readonly ok: true; readonly addresses: readonly string[]; readonly server: string }
  | { readonly ok: false; readonly fault: Fault };

async function bothFamilies(run: Search, name: string): Promise<readonly Tried[]> {
  const questions = [
    { name, type: 'A' },
    { name, type: 'AAAA' },
  ] as const;
  if (!run.resolver.singleRequest) return Promise.all(questions.map((question) => tryOneName(run, question)));
  const tried: Tried[] = [];
  for (const question of questions) tried.push(await tryOneName(run, question));
  return tried;
}

/** Each round asks every server once; only an answer about the name itself ends it. */
async function tryOneName(run: Search, question: Question): Promise<Tried> {
  const { resolver, deadline } = run;
  const { servers } = resolver;
  const offset = offsetOf(resolver);
  let fault: Fault = notFound(run.host, '');
  for (let i = 0; i < resolver.attempts * servers.length; i += 1) {
    const server = servers[(offset + (i % servers.length)) % servers.length];
    if (server === undefined || deadline.aborted) break;
    const manner = { timeoutMs: resolver.timeoutMs, useTcp: resolver.useTcp, signal: deadline };
    const reply = await askServer(server, question, manner);
    if (reply.is === 'addresses')
      return { ok: true, addresses: reply.addresses, server: joinHostPort(server.address, server.port) };
    fault = faultOf(reply, {
      host: run.host,
      server: joinHostPort(server.address, server.port),
      afterMs: Math.round(run.elapsedMs() - run.startMs),
    });
    if (reply.is === 'absent') break;
  }
  return { ok: false, fault };
}

const turns = new WeakMap<Resolver, number>();

/** dnsConfig.serverOffset: with `rotate` each question starts with the next server. */
function offsetOf(resolver: Resolver): number {
  if (!resolver.rotate) return 0;
  const turn = turns.get(resolver) ?? 0;
  turns.set(resolver, turn + 1);
  return turn;
}

/** A name server's word as a fault of the name that was looked up. */
export function faultOf(
  reply: Exclude<Reply, { is: 'addresses' }>,
  at: { readonly host: string; readonly server: string; readonly afterMs: number },
): Fault {
  const { host, server, afterMs } = at;
  switch (reply.is) {
    case 'absent':
      return notFound(host, server);
    case 'failed':
      return { code: 'dns.server_failed', host, server, rcode: reply.rcode };
    case 'malformed':
      return { code: 'dns.malformed', host, server, why: reply.why };
    case 'silent':
      return { code: 'dns.timed_out', host, server, afterMs };
    case 'refused':
      return { code: 'dns.refused', host, server };
    case 'broken':
      return { code: 'dns.server_failed', host, server, rcode: reply.why };
  }
}

function notFound(host: string, server: string): Fault & { readonly code: 'dns.not_found' } {
  return { code: 'dns.not_found', host, server, asked: [] };
}

/** dnsConfig.nameList: which full names are asked for, in order. */
export function nameList(resolver: Pick<Resolver, 'ndots' | 'search'>, host: string): readonly string[] {
  if (host.length > 254 || (host.length === 254 && !host.endsWith('.'))) return [];
  if (host.endsWith('.')) return isOnion(host) ? [] : [host];
  const dots = host.split('.').length - 1;
  const written = `${host}.`;
  const suffixed = resolver.search
    .map((suffix) => `${written}${suffix.replace(/\.$/, '')}.`.replace(/\.\.$/, '.'))
    .filter((name) => name.length <= 254);
  const names = dots >= resolver.ndots ? [written, ...suffixed] : [...suffixed, written];
  return names.filter((name) => !isOnion(name));
}

/** dnsclient_unix.go avoidDNS. */
function isOnion(name: string): boolean {
  return name === '' || /\.onion\.?$/i.test(name);
}

/** dnsclient.go isDomainName. */
export function isDomainName(name: string): boolean {
  if (name === '.') return true;
  if (name.length > 254 || (name.length === 254 && !name.endsWith('.'))) return false;
  const labels = name.replace(/\.$/, '').split('.');
  // Letters, digits, inner hyphens and, against the standard, underscores; at least one character that is no digit.
  return labels.every((label) => /^(?!-)[\w-]{1,63}$/.test(label) && !label.endsWith('-')) && /[^\d.]/.test(name);
}
