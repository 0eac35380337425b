/** How fast each host sent last, since a sample is taken a few times a day only. One entry a host. */
import { rateOf, type Rate } from '../rate.ts';
import type { PullReport } from '../report.ts';

export interface RatePast extends Omit<Rate, 'host'> {
  readonly atMs: number;
}
export type RatesPast = Readonly<Record<string, RatePast>>;

const mostHosts = 50;
const longestMs = 86_400_000;

export function learnRates(past: RatesPast, { at, performances }: PullReport): RatesPast {
  const atMs = Date.parse(at);
  const found = performances
    .flatMap(({ exchanges }) => exchanges)
    .flatMap((exchange): readonly (readonly [string, RatePast])[] => {
      const rate = rateOf(exchange);
      if (rate === undefined) return [];
      const { host, ...rest } = rate;
      return [[host, { ...rest, atMs }]];
    });
  if (found.length === 0) return past;
  const all = new Map([...Object.entries(past).filter(([, one]) => atMs - one.atMs <= longestMs), ...found]);
  const newest = [...all].toSorted(([, a], [, b]) => b.atMs - a.atMs);
  return Object.fromEntries(newest.slice(0, mostHosts));
}

/** Undefined where it was not measured, or too long ago. */
export function rateAt(past: RatesPast, host: string, nowMs: number): RatePast | undefined {
  const rate = Object.hasOwn(past, host) ? past[host] : undefined;
  return rate !== undefined && nowMs - rate.atMs <= longestMs ? rate : undefined;
}

export function readRates(value: unknown): RatesPast {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const known = Object.entries(value).flatMap(([host, one]: [string, unknown]) => {
    const rate = readRate(one);
    return rate === undefined ? [] : [[host, rate] as const];
  });
  return Object.fromEntries(known.slice(0, mostHosts));
}

function readRate(value: unknown): RatePast | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!('atMs' in value) || !('bytesPerS' in value) || !('waitMs' in value) || !('isLimited' in value))
    return undefined;
  const { atMs, bytesPerS, waitMs, isLimited } = value;
  if (typeof atMs !== 'number' || typeof bytesPerS !== 'number' || typeof waitMs !== 'number') return undefined;
  return typeof isLimited === 'boolean' ? { atMs, bytesPerS, waitMs, isLimited } : undefined;
}
