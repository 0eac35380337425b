/** How much of a pull quota is left, as it was seen over time, and when it will be used up. Pure. */
import type { RateLimit } from './fault.ts';

/** How the registry was reached: it counts IPv4 addresses and IPv6 networks apart; accounts wherever they come from (`any`). */
export type Family = 'ipv4' | 'ipv6' | 'proxy' | 'any';

/** Whom a registry counts pulls for, as far as this node can tell. */
export interface QuotaPlace {
  /** `docker.io`, or the mirror that counts for itself. */
  readonly registry: string;
  /** `anonymous`, or a user name. */
  readonly account: string;
  readonly family: Family;
}

/** One look at a quota. */
export interface QuotaSample extends QuotaPlace {
  readonly atMs: number;
  /** Absent: the registry said nothing about it. */
  readonly limit?: RateLimit;
  /** It answered 429. */
  readonly refused?: true;
}

/** What one bucket held over time. */
export interface QuotaSeries extends QuotaPlace {
  /** The address, network or account that the registry counts for; empty where it does not say. */
  readonly source: string;
  readonly limit?: number;
  readonly windowS?: number;
  /** When it was asked last, and how it answered: with numbers, with its headers empty, or without any. */
  readonly seenMs: number;
  readonly reported: 'numbers' | 'empty' | 'nothing';
  /** When it last answered that the quota is used up. */
  readonly refusedMs?: number;
  /** What was left, oldest first; of a stretch without change its two ends. */
  readonly points: readonly (readonly [atMs: number, remaining: number])[];
}

export interface Exhaustion {
  readonly atMs: number;
  /** Pulls an hour, as far as they were seen. */
  readonly perHour: number;
  readonly assuming: string;
}

const hourMs = 3_600_000;
const minuteMs = 60_000;
/** Shorter windows are about bursts: what they leave says nothing of the next minute. */
const leastWindowS = 3600;
/** A few pulls in a few minutes are no pace. */
const leastSpanMs = 15 * minuteMs;
const leastPulls = 3;

/**
 * When nothing will be left if consumption goes on; undefined where it will not come to that, or too little was seen. Docker
 * Hub's window rolls: each pull returns one window after it was made (hub-feedback#2272).
 */
export function exhaustionOf(series: QuotaSeries): Exhaustion | undefined {
  const found = predicted.get(series) ?? { exhaustion: predict(series) };
  predicted.set(series, found);
  return found.exhaustion;
}

/** Many images share a series that does not change. */
const predicted = new WeakMap<QuotaSeries, { readonly exhaustion: Exhaustion | undefined }>();

function predict(series: QuotaSeries): Exhaustion | undefined {
  const { limit, windowS, points } = series;
  const last = points.at(-1);
  if (limit === undefined || windowS === undefined || windowS < leastWindowS || last === undefined) return undefined;
  const [lastMs, remaining] = last;
  if (remaining <= 0) return undefined;
  const lately = points.filter(([atMs]) => atMs >= lastMs - hourMs);
  const spanMs = lastMs - (lately[0]?.[0] ?? lastMs);
  const seenUses = uses(lately);
  const used = seenUses.reduce((sum, [, pulls]) => sum + pulls, 0);
  if (spanMs < leastSpanMs || used < Math.max(leastPulls, limit / 50)) return undefined;
  // One roll-out is over when it is over, unless one more like it would be one too many.
  const lastedMs = (seenUses.at(-1)?.[0] ?? 0) - (seenUses[0]?.[0] ?? 0);
  if (lastedMs < leastSpanMs && used < remaining) return undefined;
  const returns = returnsOf(series, limit, windowS * 1000);
  const perMs = ((used + returns(lastMs - spanMs, lastMs)) / spanMs) * haste(series);
  const endMs = lastMs + windowS * 1000;
  let left = remaining;
  for (let atMs = lastMs; atMs < endMs; atMs += minuteMs) {
    left = Math.min(limit, left - perMs * minuteMs + returns(atMs, atMs + minuteMs));
    if (left > 0) continue;
    const seen = spanMs >= hourMs - leastSpanMs ? 'hour' : `${Math.round(spanMs / minuteMs)} minutes`;
    return {
      atMs: Math.round(atMs + minuteMs),
      perHour: Math.round(perMs * hourMs),
      assuming: `the last ${seen}'s consumption goes on, and what was used before it was watched returns evenly`,
    };
  }
  return undefined;
}

/** containerd asks again at once where it is answered 429 (resolver.go retryRequest): whoever is refused asks twice as much. */
function haste({ refusedMs, points }: QuotaSeries): number {
  const lastMs = points.at(-1)?.[0] ?? 0;
  return refusedMs !== undefined && refusedMs > lastMs - hourMs ? 2 : 1;
}

/** Pulls that were seen: when, and how many. */
function uses(points: QuotaSeries['points']): readonly (readonly [atMs: number, pulls: number])[] {
  return points.flatMap(([atMs, remaining], i) => {
    const before = points[i - 1]?.[1] ?? remaining;
    return before > remaining ? [[atMs, before - remaining] as const] : [];
  });
}

/** How many pulls come back between two moments: those that were seen, and those from before, spread over their window. */
function returnsOf({ points }: QuotaSeries, limit: number, windowMs: number): (fromMs: number, toMs: number) => number {
  const seen = uses(points);
  const [firstMs, firstLeft] = points[0] ?? [0, limit];
  const perMs = (limit - firstLeft) / windowMs;
  return (fromMs, toMs) => {
    const own = seen.filter(([atMs]) => atMs + windowMs > fromMs && atMs + windowMs <= toMs);
    const unwatchedMs = Math.max(0, Math.min(toMs, firstMs + windowMs) - Math.max(fromMs, firstMs));
    return own.reduce((sum, [, pulls]) => sum + pulls, 0) + perMs * unwatchedMs;
  };
}
