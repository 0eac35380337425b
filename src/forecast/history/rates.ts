/** How fast each host sent last, since a sample is taken a few times a day only. One entry a host. */
import { valueAt } from '#data/value-at.ts';
import { rateOf, type Rate } from '#report/throughput.ts';
import type { PullReport } from '#report/report.ts';
import { numberIn, recordsIn, type Readable } from './tolerant.ts';

export interface RateHistory extends Omit<Rate, 'host'> {
  readonly atMs: number;
}
export type RatesHistory = Readonly<Record<string, RateHistory>>;

const mostHosts = 50;
const longestMs = 86_400_000;

export function learnRates(history: RatesHistory, { at, attempts }: PullReport): RatesHistory {
  const atMs = Date.parse(at);
  const found = attempts
    .flatMap(({ exchanges }) => exchanges)
    .flatMap((exchange): readonly (readonly [string, RateHistory])[] => {
      const rate = rateOf(exchange);
      if (rate === undefined) return [];
      const { host, ...rest } = rate;
      return [[host, { ...rest, atMs }]];
    });
  if (found.length === 0) return history;
  const all = new Map([...Object.entries(history).filter(([, one]) => atMs - one.atMs <= longestMs), ...found]);
  const newest = [...all].toSorted(([, a], [, b]) => b.atMs - a.atMs);
  return Object.fromEntries(newest.slice(0, mostHosts));
}

/** Undefined where it was not measured, or too long ago. */
export function rateAt(history: RatesHistory, host: string, nowMs: number): RateHistory | undefined {
  const rate = valueAt(history, host);
  return rate !== undefined && nowMs - rate.atMs <= longestMs ? rate : undefined;
}

export function readRates(value: unknown): RatesHistory {
  return recordsIn(value, readRate, mostHosts);
}

function readRate(value: Readable): RateHistory | undefined {
  const [atMs, bytesPerS, waitMs] = ['atMs', 'bytesPerS', 'waitMs'].map((name) => numberIn(value, name));
  const isLimited = value.get('isLimited');
  if (atMs === undefined || bytesPerS === undefined || waitMs === undefined) return undefined;
  return typeof isLimited === 'boolean' ? { atMs, bytesPerS, waitMs, isLimited } : undefined;
}
