/**
 * What was seen of each host that this node connected to: registries, mirrors, token services, CDNs and proxies, by name
 * without a port. Its addresses with when each was first and last given, the certificate with how long before their ends its
 * predecessors were replaced, the last times that connecting took, and how often the host as a whole and each address family
 * worked and failed (an address of its own is tried often enough to be judged only where it stays). Name servers are among them as
 * `10.0.0.2:53`. At most 400, the longest unseen go first.
 */
import { sideOf, type FaultCode } from '#report/fault.ts';
import { valueAt } from '#data/value-at.ts';
import type { Evidence, Exchange, Step } from '#report/rehearsal.ts';
import type { PullReport } from '#report/report.ts';
import { learnCertificate, readCertificate, type CertificatePast } from './certificates.ts';
import { numberIn, numbersIn, recordsIn, type Readable } from './tolerant.ts';
import { noTries, readTries, tried, type Tries } from './tries.ts';

export interface HostPast {
  readonly firstMs: number;
  readonly seenMs: number;
  /** By address; the 16 that were given last. */
  readonly addresses: Readonly<Record<string, AddressPast>>;
  /** What name servers say of a name that /etc/hosts answers; absent for all others. */
  readonly named?: Readonly<Record<string, AddressPast>>;
  /** Of the last connections, oldest first. */
  readonly dialsMs: readonly number[];
  /** Requests, whatever the status below 500. */
  readonly requests: Tries;
  /** Connections, by the family of the address. */
  readonly v4: Tries;
  readonly v6: Tries;
  readonly certificate?: CertificatePast;
}
export interface AddressPast {
  readonly firstMs: number;
  readonly seenMs: number;
}
export type HostsPast = Readonly<Record<string, HostPast>>;

const mostHosts = 400;
const mostAddresses = 16;
const mostDials = 9;

export function learnHosts(hosts: HostsPast, { at, performances, evidence }: PullReport): HostsPast {
  const atMs = Date.parse(at);
  const learning = new Map<string, HostPast>();
  const learn = (host: string, change: (past: HostPast) => HostPast): void => {
    const known = learning.get(host) ?? valueAt(hosts, host) ?? fresh(atMs);
    learning.set(host, { ...change(known), seenMs: atMs });
  };
  for (const exchange of performances.flatMap(({ exchanges }) => exchanges)) {
    const host = hostOf(exchange.url);
    const trouble = troubleOf(exchange);
    if (host !== '' && trouble !== 'ours')
      learn(host, (past) => ({ ...past, requests: tried(past.requests, atMs, trouble) }));
    for (const step of exchange.steps) learn(bare(step.target), (past) => withStep(past, step, atMs));
  }
  for (const one of evidence) {
    if (one.of === 'address') learn(one.host, (past) => withAddress(past, one, atMs));
    if (one.of === 'name_server') learn(one.target, (past) => withAnswer(past, one, atMs));
    if (one.of === 'pinned_name') learn(one.host, (past) => withPinned(past, one, atMs));
  }
  if (learning.size === 0) return hosts;
  return bounded({ ...hosts, ...Object.fromEntries(learning) });
}

export function medianDialMs({ dialsMs }: HostPast): number | undefined {
  return dialsMs.toSorted((a, b) => a - b)[Math.floor(dialsMs.length / 2)];
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
  if (!outcome.ok) return sideOf(outcome.fault.code) === 'agent' ? 'ours' : outcome.fault.code;
  return outcome.value.status >= 500 ? 'api.unavailable' : undefined;
}

function withStep(past: HostPast, step: Step, atMs: number): HostPast {
  const { outcome } = step;
  if (step.step === 'dns') {
    if (!step.outcome.ok) return past;
    return { ...past, addresses: withGiven(past.addresses, step.outcome.value.addresses, atMs) };
  }
  if (step.step === 'tls') return step.outcome.ok ? learnCertificate(past, step.outcome.value, atMs) : past;
  if (step.step !== 'tcp' || (!outcome.ok && outcome.fault.code === 'agent.out_of_time')) return past;
  const address = step.outcome.ok ? step.outcome.value.address : addressIn(step.outcome.fault);
  const family = address.includes(':') ? 'v6' : 'v4';
  const dialsMs = outcome.ok ? [...past.dialsMs, Math.round(step.ms)].slice(-mostDials) : past.dialsMs;
  return { ...past, dialsMs, [family]: tried(past[family], atMs, outcome.ok ? undefined : outcome.fault.code) };
}

function addressIn(fault: object): string {
  return 'address' in fault && typeof fault.address === 'string' ? fault.address : '';
}

type Addresses = Readonly<Record<string, AddressPast>>;

function withGiven(before: Addresses, given: readonly string[], atMs: number): Addresses {
  const now = given.map((address) => {
    const known = valueAt(before, address);
    return [address, { firstMs: known?.firstMs ?? atMs, seenMs: atMs }] as const;
  });
  return latest({ ...before, ...Object.fromEntries(now) }, mostAddresses);
}

/** That a name is not there is an answer too. */
function withAnswer(past: HostPast, { outcome }: Evidence, atMs: number): HostPast {
  const fault = outcome.ok || outcome.fault.code === 'dns.not_found' ? undefined : outcome.fault.code;
  return { ...past, requests: tried(past.requests, atMs, fault) };
}

function withPinned(past: HostPast, { outcome }: Evidence, atMs: number): HostPast {
  if (!outcome.ok) return past;
  return { ...past, named: withGiven(past.named ?? {}, outcome.value.addresses ?? [], atMs) };
}

function withAddress(past: HostPast, { target, outcome }: Evidence, atMs: number): HostPast {
  const family = bare(target).includes(':') ? 'v6' : 'v4';
  return { ...past, [family]: tried(past[family], atMs, outcome.ok ? undefined : outcome.fault.code) };
}

function fresh(atMs: number): HostPast {
  return { firstMs: atMs, seenMs: atMs, addresses: {}, dialsMs: [], requests: noTries, v4: noTries, v6: noTries };
}

function bounded(hosts: HostsPast): HostsPast {
  return latest(hosts, mostHosts);
}

function latest<T extends { readonly seenMs: number }>(all: Readonly<Record<string, T>>, most: number) {
  const entries = Object.entries(all);
  if (entries.length <= most) return all;
  return Object.fromEntries(entries.toSorted(([, a], [, b]) => b.seenMs - a.seenMs).slice(0, most));
}

export function readHosts(value: unknown): HostsPast {
  return bounded(recordsIn(value, readHost));
}

function readHost(value: Readable): HostPast | undefined {
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
