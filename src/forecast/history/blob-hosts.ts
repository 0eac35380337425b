/**
 * Which hosts served the blobs of each registry, since when, and how the last requests to them went. The set changes without
 * notice, and what a firewall lets through does not: a host never seen before is the first sign of pulls that will fail.
 */
import { rootOf, ownerOf, type FaultCode } from '#report/fault.ts';
import { lastExchanges } from '#report/last-exchanges.ts';
import { valueAt } from '#data/value-at.ts';
import type { Exchange, Attempt } from '#report/rehearsal.ts';
import type { PullReport } from '#report/report.ts';
import { faultIn, numberIn, recordsIn, textIn, textsIn, type Readable } from './tolerant.ts';

export interface BlobHostHistory {
  /** When it was first asked for a blob. */
  readonly sinceMs: number;
  /** When it last served one, and when it last failed to; absent: never. */
  readonly okMs?: number;
  readonly failMs?: number;
  /** What it failed with last. */
  readonly fault?: FaultCode;
  /** The last requests, oldest first: `1` served, `0` not. */
  readonly recent: string;
  /** Images that it failed, as written, each once, the latest last: one alone may itself be broken. */
  readonly failed?: readonly string[];
}
/** By registry, then by host. */
export type BlobHostsHistory = Readonly<Record<string, Readonly<Record<string, BlobHostHistory>>>>;

const mostRegistries = 100;
const mostHosts = 24;
const keptRequests = 40;
const keptImages = 4;
/** Requests further apart than this say nothing together. */
const gapMs = 24 * 3_600_000;

/** One request for a blob, by the host that had the last word on it. */
export interface BlobSample {
  readonly host: string;
  /** Absent: it was served. */
  readonly fault?: FaultCode;
}

export function blobSamples(attempts: readonly Attempt[]): readonly BlobSample[] {
  return attempts.flatMap(({ exchanges, ending }) => {
    const samples = lastExchanges(exchanges).flatMap(sampleOf);
    if (ending.is !== 'failed') return samples;
    const { fault } = ending;
    const broke = fault.code === 'blob.interrupted' || fault.code === 'blob.digest_mismatch';
    return broke ? [...samples, { host: fault.host, fault: fault.code }] : samples;
  });
}

function sampleOf({ act, url, outcome }: Exchange): readonly BlobSample[] {
  const host = /^https?:\/\/([^/?#]+)/.exec(url)?.[1];
  if ((act !== 'config' && act !== 'layer') || host === undefined) return [];
  if (!outcome.ok) {
    const fault = rootOf(outcome.fault).code;
    return ownerOf(fault) === 'agent' ? [] : [{ host, fault }];
  }
  const { status } = outcome.value;
  if (status < 300) return [{ host }];
  // Where it leads has the last word; a login that is asked for, a range refused and content of another host's are no failures.
  if (status < 400 || status === 401 || status === 404 || status === 416) return [];
  return [{ host, fault: status === 403 ? 'blob.denied' : 'blob.unavailable' }];
}

export function learnBlobHosts(
  history: BlobHostsHistory,
  { registry, attempts, at, image }: PullReport,
): BlobHostsHistory {
  const samples = blobSamples(attempts);
  if (registry === undefined || samples.length === 0) return history;
  const known = valueAt(history, registry);
  if (known === undefined && Object.keys(history).length >= mostRegistries) return history;
  const turn = { atMs: Date.parse(at), image };
  const hosts = samples.reduce((before, sample) => withSample(before, sample, turn), known ?? {});
  return { ...history, [registry]: hosts };
}

type Hosts = Readonly<Record<string, BlobHostHistory>>;

/** When, and for which image as written. */
export interface SampledBlobHost {
  readonly atMs: number;
  readonly image: string;
}

function withSample(hosts: Hosts, sample: BlobSample, turn: SampledBlobHost): Hosts {
  const known = valueAt(hosts, sample.host);
  const next = { ...hosts, [sample.host]: sampled(known, sample, turn) };
  if (known !== undefined || Object.keys(next).length <= mostHosts) return next;
  const [oldest] = Object.entries(hosts).toSorted(([, a], [, b]) => lastMs(a) - lastMs(b));
  return Object.fromEntries(Object.entries(next).filter(([host]) => host !== oldest?.[0]));
}

/** The memory of one host with one more request. */
export function sampled(
  known: BlobHostHistory | undefined,
  { fault }: BlobSample,
  { atMs, image }: SampledBlobHost,
): BlobHostHistory {
  const isOld = known !== undefined && atMs - lastMs(known) > gapMs;
  const recent = `${known === undefined || isOld ? '' : known.recent}${fault === undefined ? '1' : '0'}`;
  const kept = recent.slice(-keptRequests);
  const others = (isOld ? [] : (known?.failed ?? [])).filter((one) => one !== image);
  const failed = fault === undefined ? (known?.failed ?? []) : [...others, image].slice(-keptImages);
  return {
    sinceMs: known?.sinceMs ?? atMs,
    ...(known?.okMs === undefined ? {} : { okMs: known.okMs }),
    ...(known?.failMs === undefined ? {} : { failMs: known.failMs }),
    ...(known?.fault === undefined ? {} : { fault: known.fault }),
    ...(fault === undefined ? { okMs: atMs } : { failMs: atMs, fault }),
    recent: kept,
    ...(failed.length === 0 || !kept.includes('0') ? {} : { failed }),
  };
}

function lastMs({ sinceMs, okMs = sinceMs, failMs = sinceMs }: BlobHostHistory): number {
  return Math.max(okMs, failMs);
}

export function readBlobHosts(value: unknown): BlobHostsHistory {
  const registries = recordsIn(value, (hosts) => readHosts(Object.fromEntries(hosts)));
  return Object.fromEntries(Object.entries(registries).slice(0, mostRegistries));
}

function readHosts(value: unknown): Hosts | undefined {
  const hosts = recordsIn(value, readHost, mostHosts);
  return Object.keys(hosts).length === 0 ? undefined : hosts;
}

function readHost(value: Readable): BlobHostHistory | undefined {
  const [sinceMs, okMs, failMs] = ['sinceMs', 'okMs', 'failMs'].map((name) => numberIn(value, name));
  const [recent, fault] = [textIn(value, 'recent'), faultIn(value)];
  if (sinceMs === undefined || recent === undefined || !/^[01]*$/.test(recent)) return undefined;
  const failed = textsIn(value, 'failed').slice(-keptImages);
  return {
    sinceMs,
    ...(okMs === undefined ? {} : { okMs }),
    ...(failMs === undefined ? {} : { failMs }),
    ...(fault === undefined ? {} : { fault }),
    recent: recent.slice(-keptRequests),
    ...(failed.length === 0 ? {} : { failed }),
  };
}
