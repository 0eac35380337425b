/**
 * When each host that pulls ask (registry, mirror, token service, blob host) answered and when it did not, as spans. Bounded by
 * count; spans that failed outlive those that worked.
 */
import { rootOf, ownerOf, type FaultCode } from '#report/fault.ts';
import { lastExchanges } from '#report/last-exchanges.ts';
import { valueAt } from '#data/value-at.ts';
import type { Exchange } from '#report/rehearsal.ts';
import type { PullReport } from '#report/report.ts';
import { faultIn, fieldsOf, itemsIn, numberIn, recordsIn, wordIn, type Readable } from './tolerant.ts';

/** `falters`: of the requests of one minute, some. */
const routeStates = ['works', 'falters', 'fails'] as const;
export type RouteState = (typeof routeStates)[number];

export interface RouteSpan {
  readonly fromMs: number;
  /** The last request that agreed. */
  readonly toMs: number;
  readonly is: RouteState;
  /** What it failed with last; absent where it works. */
  readonly fault?: FaultCode;
}
/** The requests since `fromMs`, which are not a span yet: many images ask the same host within one pass. */
interface RouteMinute {
  readonly fromMs: number;
  readonly toMs: number;
  readonly works: number;
  readonly fails: number;
  readonly fault?: FaultCode;
}
export interface RouteHistory {
  /** Oldest first, none like the one before it. */
  readonly spans: readonly RouteSpan[];
  readonly minute: RouteMinute;
}
/** By host, with its port where that is not the scheme's own. */
export type RoutesHistory = Readonly<Record<string, RouteHistory>>;

const mostHosts = 100;
const keptSpans = 24;
const minuteMs = 60_000;

export function learnRoutes(history: RoutesHistory, { attempts, at }: PullReport): RoutesHistory {
  const atMs = Date.parse(at);
  const spells = new Map<string, { works: number; fails: number; fault?: FaultCode }>();
  for (const exchange of attempts.flatMap(({ exchanges }) => lastExchanges(exchanges))) {
    const host = /^https?:\/\/([^/?#]+)/.exec(exchange.url)?.[1];
    const fault = faultOf(exchange);
    if (host === undefined || fault === 'ours') continue;
    const spell = spells.get(host) ?? { works: 0, fails: 0 };
    if (fault === undefined) spell.works += 1;
    else {
      spell.fails += 1;
      spell.fault = fault;
    }
    spells.set(host, spell);
  }
  if (spells.size === 0) return history;
  const next: Record<string, RouteHistory> = { ...history };
  for (const [host, spell] of spells) {
    const known = valueAt(history, host);
    next[host] = withSpan(known, { ...spell, fromMs: atMs, toMs: atMs });
  }
  return capped(next);
}

/** A host that answers is there, whatever it answers; one that is broken or has had enough of us is not. */
function faultOf({ outcome }: Exchange): FaultCode | 'ours' | undefined {
  if (outcome.ok) {
    const { status } = outcome.value;
    return status >= 500 ? 'api.unavailable' : status === 429 ? 'api.rate_limited' : undefined;
  }
  const { code } = rootOf(outcome.fault);
  return ownerOf(code) === 'agent' ? 'ours' : code;
}

function withSpan(known: RouteHistory | undefined, spell: RouteMinute): RouteHistory {
  if (known === undefined) return { spans: [], minute: spell };
  const { minute } = known;
  if (spell.toMs - minute.fromMs > minuteMs) return { spans: extended(known.spans, spanOf(minute)), minute: spell };
  const fault = spell.fault ?? minute.fault;
  const joined = { works: minute.works + spell.works, fails: minute.fails + spell.fails };
  const toMs = Math.max(minute.toMs, spell.toMs);
  return { ...known, minute: { fromMs: minute.fromMs, toMs, ...joined, ...(fault === undefined ? {} : { fault }) } };
}

function spanOf({ fromMs, toMs, works, fails, fault }: RouteMinute): RouteSpan {
  const is = fails === 0 ? 'works' : works === 0 ? 'fails' : 'falters';
  return { fromMs, toMs, is, ...(fault === undefined || is === 'works' ? {} : { fault }) };
}

function extended(spans: readonly RouteSpan[], next: RouteSpan): readonly RouteSpan[] {
  const last = spans.at(-1);
  if (last?.is === next.is && last.fault === next.fault) return [...spans.slice(0, -1), { ...last, toMs: next.toMs }];
  const all = [...spans, next];
  if (all.length <= keptSpans) return all;
  const happy = all.slice(0, -1).findIndex(({ is }) => is === 'works');
  return all.filter((_, index) => index !== Math.max(happy, 0));
}

/** Hosts that nobody asked for longest make room. */
function capped(history: RoutesHistory): RoutesHistory {
  const all = Object.entries(history);
  if (all.length <= mostHosts) return history;
  return Object.fromEntries(all.toSorted(([, a], [, b]) => b.minute.toMs - a.minute.toMs).slice(0, mostHosts));
}

/** One host's past with its last minute in it; the last span is the present. */
export function spansOf({ spans, minute }: RouteHistory): readonly RouteSpan[] {
  return extended(spans, spanOf(minute));
}

export function readRoutes(value: unknown): RoutesHistory {
  return recordsIn(value, readRoute, mostHosts);
}

function readRoute(value: Readable): RouteHistory | undefined {
  const minute = readMinute(fieldsOf(value.get('minute')));
  if (!Array.isArray(value.get('spans')) || minute === undefined) return undefined;
  return { spans: itemsIn(value.get('spans'), readSpan).slice(-keptSpans), minute };
}

function readMinute(value: Readable): RouteMinute | undefined {
  const times = readTimes(value);
  const [works, fails] = [numberIn(value, 'works'), numberIn(value, 'fails')];
  return times === undefined || works === undefined || fails === undefined ? undefined : { ...times, works, fails };
}

function readSpan(value: Readable): RouteSpan | undefined {
  const times = readTimes(value);
  const is = wordIn(value, 'is', routeStates);
  return times === undefined || is === undefined ? undefined : { ...times, is };
}

function readTimes(value: Readable): Pick<RouteSpan, 'fromMs' | 'toMs' | 'fault'> | undefined {
  const [fromMs, toMs, fault] = [numberIn(value, 'fromMs'), numberIn(value, 'toMs'), faultIn(value)];
  if (fromMs === undefined || toMs === undefined) return undefined;
  return { fromMs, toMs, ...(fault === undefined ? {} : { fault }) };
}
