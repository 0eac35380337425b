/** What was left of pull quotas over their window, one series a bucket: registry, source, account and address family. */
import { accountOf } from '#kubelet/logins.ts';
import type { QuotaSample, QuotaSeries } from '#report/quota.ts';
import type { Exchange } from '#report/rehearsal.ts';
import type { PullReport } from '#report/report.ts';
import { itemsIn, numberIn, textIn, wordIn, type Readable } from './tolerant.ts';

export type QuotasHistory = readonly QuotaSeries[];

const mostSeries = 24;
const mostPoints = 128;
const usualWindowMs = 6 * 3_600_000;
/** A bucket that nobody has seen for so long is another one by now. */
const forgottenMs = 24 * 3_600_000;

export function learnQuotas(quotas: QuotasHistory, report: PullReport): QuotasHistory {
  return samplesIn(report).reduce(learnSample, quotas);
}

/** The last one of each bucket: within a rehearsal nothing is used. */
function samplesIn(report: PullReport): readonly QuotaSample[] {
  const found = new Map<string, QuotaSample>();
  for (const exchange of report.attempts.flatMap(({ exchanges }) => exchanges)) {
    const sample = sampleIn(report, exchange);
    if (sample !== undefined) found.set([sample.registry, sample.account, sample.family].join('\n'), sample);
  }
  return [...found.values()];
}

function sampleIn(report: PullReport, { act, route, as, outcome }: Exchange): QuotaSample | undefined {
  if (act === 'token' || !outcome.ok) return undefined;
  const { rateLimit: limit, status, family } = outcome.value;
  // A window of seconds or minutes is over before the next look.
  if (limit?.scope !== 'quota' && (limit?.scope !== 'unknown' || limit.remaining === undefined)) return undefined;
  const account = accountOf(report.plan?.logins ?? [], as);
  return {
    registry: placeOf(report, route),
    account,
    family: account === 'anonymous' ? (family ?? 'any') : 'any',
    atMs: Date.parse(report.at),
    limit,
    ...(status === 429 ? { refused: true } : {}),
  };
}

function placeOf({ registry, plan }: PullReport, route: number): string {
  const at = plan?.routes[route];
  return at?.role === 'mirror' ? (/^https?:\/\/([^/]+)/.exec(at.url)?.[1] ?? at.url) : (registry ?? '');
}

export function learnSample(quotas: QuotasHistory, sample: QuotaSample): QuotasHistory {
  const { registry, account, family, atMs, limit } = sample;
  if (Number.isNaN(atMs)) return quotas;
  const source = limit?.source ?? '';
  const isSame = (one: QuotaSeries): boolean =>
    one.registry === registry && one.account === account && one.family === family && one.source === source;
  const known = quotas.find(isSame) ?? {
    registry,
    account,
    family,
    source,
    seenMs: atMs,
    reported: 'nothing',
    points: [],
  };
  if (known.seenMs > atMs) return quotas;
  const others = quotas.filter((one) => !isSame(one) && atMs - one.seenMs < forgottenMs);
  return [...others, longer(known, sample)].toSorted((a, b) => b.seenMs - a.seenMs).slice(0, mostSeries);
}

function longer(known: QuotaSeries, { atMs, limit, refused: isRefused }: QuotaSample): QuotaSeries {
  const { registry, account, family, source, refusedMs } = known;
  const place = { registry, account, family, source, seenMs: atMs };
  const refused = isRefused === true ? { refusedMs: atMs } : refusedMs === undefined ? {} : { refusedMs };
  if (limit?.remaining === undefined) {
    const reported = limit?.windowS === undefined && limit?.limit === undefined ? 'nothing' : 'empty';
    return { ...known, ...refused, seenMs: atMs, reported };
  }
  const allowed = limit.limit ?? known.limit;
  const windowS = limit.windowS ?? known.windowS;
  // Another limit is another plan, and a new count.
  const before = known.limit === undefined || known.limit === allowed ? known.points : [];
  return {
    ...place,
    ...refused,
    reported: 'numbers',
    ...(allowed === undefined ? {} : { limit: allowed }),
    ...(windowS === undefined ? {} : { windowS }),
    points: withPoint(before, [atMs, limit.remaining], windowS === undefined ? usualWindowMs : windowS * 1000),
  };
}

type Points = QuotaSeries['points'];

/** What is older than the window is kept as one point, so that the series says what stood at its beginning. */
function withPoint(points: Points, point: Points[number], windowMs: number): Points {
  const isLevel = points.length > 1 && points.slice(-2).every(([, remaining]) => remaining === point[1]);
  const longer = [...(isLevel ? points.slice(0, -1) : points), point];
  const first = longer.findLastIndex(([atMs]) => atMs <= point[0] - windowMs);
  return thinned(longer.slice(Math.max(0, first)));
}

/** The older half at half the density: the sum of what was used stays. */
function thinned(points: Points): Points {
  if (points.length <= mostPoints) return points;
  const half = mostPoints / 2;
  return points.filter((_, i) => i >= half || i % 2 === 0);
}

export function readQuotas(value: unknown): QuotasHistory {
  return itemsIn(value, readSeries).slice(0, mostSeries);
}

function readSeries(value: Readable): QuotaSeries | undefined {
  const [registry, account, source] = ['registry', 'account', 'source'].map((name) => textIn(value, name));
  const family = wordIn(value, 'family', ['ipv4', 'ipv6', 'proxy', 'any']);
  const reported = wordIn(value, 'said', ['numbers', 'empty', 'nothing']);
  const [seenMs, limit, windowS] = ['seenMs', 'limit', 'windowS'].map((name) => numberIn(value, name));
  if (registry === undefined || account === undefined || source === undefined || family === undefined) return undefined;
  if (reported === undefined || seenMs === undefined) return undefined;
  return {
    registry,
    account,
    family,
    source,
    seenMs,
    reported,
    ...(limit === undefined ? {} : { limit }),
    ...(windowS === undefined ? {} : { windowS }),
    points: readPoints(value.get('points')),
  };
}

function readPoints(value: unknown): Points {
  const points = itemsOf(value).flatMap((one): Points => {
    const [atMs, remaining] = itemsOf(one);
    return typeof atMs === 'number' && typeof remaining === 'number' ? [[atMs, remaining]] : [];
  });
  return points.toSorted(([a], [b]) => a - b).slice(-mostPoints);
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
