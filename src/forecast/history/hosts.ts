/**
 * What was seen of each host that this node connected to: registries, mirrors, token services, CDNs and proxies, by name
 * without a port. Its addresses with when each was first and last given, the certificate with how long before their ends its
 * predecessors were replaced, the last times that connecting took, and how often the host as a whole and each address family
 * worked and failed (an address of its own is tried often enough to be judged only where it stays). Name servers are among them as
 * `10.0.0.2:53`. At most 400, the longest unseen go first.
 */
import { ownerOf, type FaultCode } from '#report/fault.ts';
import { valueAt } from '#data/value-at.ts';
import type { Evidence, Exchange, Step } from '#report/rehearsal.ts';
import type { PullReport } from '#report/report.ts';
import { learnCertificate, readCertificate, type CertificateHistory } from './certificates.ts';
import { numberIn, numbersIn, recordsIn, type Readable } from './tolerant.ts';
import { noTries, readTries, tried, type Tries } from './tries.ts';

export interface HostHistory {
  readonly firstMs: number;
  readonly seenMs: number;
  /** By address; the 16 that were given last. */
  readonly addresses: Readonly<Record<string, AddressHistory>>;
  /** What name servers say of a name that /etc/hosts answers; absent for all others. */
  readonly named?: Readonly<Record<string, AddressHistory>>;
  /** Of the last connections, oldest first. */
  readonly dialsMs: readonly number[];
  /** Requests, whatever the status below 500. */
  readonly requests: Tries;
  /** Connections, by the family of the address. */
  readonly v4: Tries;
  readonly v6: Tries;
  readonly certificate?: CertificateHistory;
}
interface AddressHistory {
  readonly firstMs: number;
  readonly seenMs: number;
}
export type HostsHistory = Readonly<Record<string, HostHistory>>;

const mostHosts = 400;
const mostAddresses = 16;
const mostDials = 9;

export function learnHosts(hosts: HostsHistory, { at, attempts, evidence }: PullReport): HostsHistory {
  const atMs = Date.parse(at);
  const learning = new Map<string, HostHistory>();
  const learn = (host: string, change: (history: HostHistory) => HostHistory): void => {
    const known = learning.get(host) ?? valueAt(hosts, host) ?? fresh(atMs);
    learning.set(host, { ...change(known), seenMs: atMs });
  };
  for (const exchange of attempts.flatMap(({ exchanges }) => exchanges)) {
    const host = hostOf(exchange.url);
    const trouble = troubleOf(exchange);
    if (host !== '' && trouble !== 'ours')
      learn(host, (history) => ({ ...history, requests: tried(history.requests, atMs, trouble) }));
    for (const step of exchange.steps) learn(bare(step.target), (history) => withStep(history, step, atMs));
  }
  for (const one of evidence) {
    if (one.of === 'address') learn(one.host, (history) => withAddress(history, one, atMs));
    if (one.of === 'name_server') learn(one.target, (history) => withAnswer(history, one, atMs));
    if (one.of === 'pinned_name') learn(one.host, (history) => withPinned(history, one, atMs));
  }
  if (learning.size === 0) return hosts;
  return bounded({ ...hosts, ...Object.fromEntries(learning) });
}

/** Its name or address as it stands in a URL, without port and brackets; empty where the text is no URL. */
export function hostOf(url: string): string {
  return bare(/^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?([^/?#]+)/i.exec(url)?.[1] ?? '');
}

/** `[2001:db8::1]:443` and `reg.test:443` without port and brackets. */
export function bare(authority: string): string {
  const name = /^\[([^\]]+)\]/.exec(authority)?.[1] ?? authority;
  return name.split(':').length === 2 ? name.replace(/:\d*$/, '') : name;
}

/** Everything that it has to say, 500 and above not: then it is there and does not work. What we broke off says nothing of it. */
function troubleOf({ outcome }: Exchange): FaultCode | 'ours' | undefined {
  if (!outcome.ok) return ownerOf(outcome.fault.code) === 'agent' ? 'ours' : outcome.fault.code;
  return outcome.value.status >= 500 ? 'api.unavailable' : undefined;
}

function withStep(history: HostHistory, step: Step, atMs: number): HostHistory {
  const { outcome } = step;
  if (step.step === 'dns') {
    if (!step.outcome.ok) return history;
    return { ...history, addresses: withGiven(history.addresses, step.outcome.value.addresses, atMs) };
  }
  if (step.step === 'tls') return step.outcome.ok ? learnCertificate(history, step.outcome.value, atMs) : history;
  if (step.step !== 'tcp' || (!outcome.ok && outcome.fault.code === 'agent.out_of_time')) return history;
  const address = step.outcome.ok ? step.outcome.value.address : addressIn(step.outcome.fault);
  const family = address.includes(':') ? 'v6' : 'v4';
  const dialsMs = outcome.ok ? [...history.dialsMs, Math.round(step.ms)].slice(-mostDials) : history.dialsMs;
  return { ...history, dialsMs, [family]: tried(history[family], atMs, outcome.ok ? undefined : outcome.fault.code) };
}

function addressIn(fault: object): string {
  return 'address' in fault && typeof fault.address === 'string' ? fault.address : '';
}

type Addresses = Readonly<Record<string, AddressHistory>>;

function withGiven(before: Addresses, given: readonly string[], atMs: number): Addresses {
  const now = given.map((address) => {
    const known = valueAt(before, address);
    return [address, { firstMs: known?.firstMs ?? atMs, seenMs: atMs }] as const;
  });
  return latest({ ...before, ...Object.fromEntries(now) }, mostAddresses);
}

/** That a name is not there is an answer too. */
function withAnswer(history: HostHistory, { outcome }: Evidence, atMs: number): HostHistory {
  const fault = outcome.ok || outcome.fault.code === 'dns.not_found' ? undefined : outcome.fault.code;
  return { ...history, requests: tried(history.requests, atMs, fault) };
}

function withPinned(history: HostHistory, { outcome }: Evidence, atMs: number): HostHistory {
  if (!outcome.ok) return history;
  return { ...history, named: withGiven(history.named ?? {}, outcome.value.addresses ?? [], atMs) };
}

function withAddress(history: HostHistory, { target, outcome }: Evidence, atMs: number): HostHistory {
  const family = bare(target).includes(':') ? 'v6' : 'v4';
  return { ...history, [family]: tried(history[family], atMs, outcome.ok ? undefined : outcome.fault.code) };
}

function fresh(atMs: number): HostHistory {
  return { firstMs: atMs, seenMs: atMs, addresses: {}, dialsMs: [], requests: noTries, v4: noTries, v6: noTries };
}

function bounded(hosts: HostsHistory): HostsHistory {
  return latest(hosts, mostHosts);
}

function latest<T extends { readonly seenMs: number }>(all: Readonly<Record<string, T>>, most: number) {
  const entries = Object.entries(all);
  if (entries.length <= most) return all;
  return Object.fromEntries(entries.toSorted(([, a], [, b]) => b.seenMs - a.seenMs).slice(0, most));
}

export function readHosts(value: unknown): HostsHistory {
  return bounded(recordsIn(value, readHost));
}

function readHost(value: Readable): HostHistory | undefined {
  const times = readTimes(value);
  if (times === undefined) return undefined;
  const named = value.get('named');
  const certificate = readCertificate(value.get('certificate'));
  return {
    ...times,
    addresses: readAddresses(value.get('addresses')),
    ...(named === undefined ? {} : { named: readAddresses(named) }),
    dialsMs: numbersIn(value, 'dialsMs').slice(-mostDials),
    requests: readTries(value.get('requests')),
    v4: readTries(value.get('v4')),
    v6: readTries(value.get('v6')),
    ...(certificate === undefined ? {} : { certificate }),
  };
}

function readAddresses(value: unknown): Addresses {
  return latest(recordsIn(value, readTimes), mostAddresses);
}

function readTimes(value: Readable): { readonly firstMs: number; readonly seenMs: number } | undefined {
  const [firstMs, seenMs] = [numberIn(value, 'firstMs'), numberIn(value, 'seenMs')];
  return firstMs === undefined || seenMs === undefined ? undefined : { firstMs, seenMs };
}
