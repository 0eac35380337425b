/** What was seen of Docker Hub's quota for pulls without a login, by how many minutes ago. */
import type { QuotaSeries } from '#report/quota.ts';

export const hubPlace = { registry: 'docker.io', account: 'anonymous', family: 'ipv4' } as const;

export function hubQuota(
  nowMs: number,
  points: readonly (readonly [minutesAgo: number, remaining: number])[],
  over: Partial<QuotaSeries> = {},
): QuotaSeries {
  return {
    ...hubPlace,
    source: '192.0.2.1',
    limit: 100,
    windowS: 21_600,
    seenMs: nowMs,
    reported: 'numbers',
    points: points.map(([minutesAgo, remaining]) => [nowMs - minutesAgo * 60_000, remaining]),
    ...over,
  };
}

/** 60 an hour of a hundred: 40 minutes. */
export const runningOut = [
  [60, 100],
  [30, 70],
  [0, 40],
] as const;
