/** How fast each host sent last, since a sample is taken a few times a day only. One entry a host. */
import { valueAt } from '#data/value-at.ts';
import { rateOf, type Rate } from '#report/throughput.ts';
import type { PullReport } from '#report/report.ts';
import { numberIn, recordsIn, type Readable } from './tolerant.ts';

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
  const rate = valueAt(past, host);
  return rate !== undefined && nowMs - rate.atMs <= longestMs ? rate : undefined;
}

export function readRates(value: unknown): RatesPast {
  return recordsIn(value, readRate, mostHosts);
}

function readRate(value: Readable): RatePast | undefined {
  const [atMs, bytesPerS, waitMs] = ['atMs', 'bytesPerS', 'waitMs'].map((name) => numberIn(value, name));
  const isLimited = value.get('isLimited');
  if (atMs === undefined || bytesPerS === undefined || waitMs === undefined) return undefined;
  return typeof isLimited === 'boolean' ? { atMs, bytesPerS, waitMs, isLimited } : undefined;
}
