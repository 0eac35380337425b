/** Which buckets of Docker Hub's quota are to be looked at now, and how soon the next look is due. Pure. */
import { exhaustionOf, type Family, type QuotaPlace, type QuotaSeries } from '#report/quota.ts';

/**
 * The image whose quota headers stand for all (docker/docs, usage/pulls.md): others may be exempt. Asked for by HEAD alone, which
 * counts as no pull.
 */
export const previewImage = 'docker.io/ratelimitpreview/test:latest';

/** A look costs this many requests: the challenge, the token, and the HEAD that tells. */
export const requestsPerSample = 3;

const minuteMs = 60_000;
const usualMs = 5 * minuteMs;
/** More than this share left: nothing happens within a quarter of an hour. */
const plenty = 0.8;
const plentyMs = 15 * minuteMs;
const closeMs = minuteMs;
const closeWithinMs = 60 * minuteMs;
/** A family without a route, or an account without a limit. */
const seldomMs = 60 * minuteMs;

/** How the last look that was made on purpose ended. */
export interface LastSample extends QuotaPlace {
  readonly atMs: number;
  readonly ended: 'reported' | 'reported_nothing' | 'unreachable' | 'refused';
}

/** Accounts are counted wherever they come from; addresses for each family, unless a proxy's own is what is seen. */
export function bucketsOf(account: string, isProxied: boolean): readonly QuotaPlace[] {
  const families: readonly Family[] = account !== 'anonymous' ? ['any'] : isProxied ? ['proxy'] : ['ipv4', 'ipv6'];
  return families.map((family) => ({ registry: 'docker.io', account, family }));
}

/** Milliseconds since the epoch from which on a bucket may be looked at: what a rehearsal showed counts as well. */
export function dueAtMs(
  place: QuotaPlace,
  known: { readonly quotas: readonly QuotaSeries[]; readonly samples: readonly LastSample[] },
  nowMs: number,
): number {
  const series = known.quotas.filter((one) => isSame(one, place));
  const readView = known.samples.find((one) => isSame(one, place));
  const reported = series.filter(({ reported }) => reported === 'numbers').toSorted((a, b) => b.seenMs - a.seenMs)[0];
  const reportedDue = reported === undefined ? 0 : reported.seenMs + cadenceOf(reported, nowMs);
  if (readView === undefined) return reportedDue;
  // What has just been looked at in vain is not looked at again at once, whatever was known of it before.
  return Math.max(reportedDue, readView.atMs + pauses[readView.ended]);
}

const pauses: { readonly [E in LastSample['ended']]: number } = {
  reported: closeMs,
  reported_nothing: seldomMs,
  unreachable: seldomMs,
  refused: usualMs,
};

function cadenceOf(series: QuotaSeries, nowMs: number): number {
  const end = exhaustionOf(series);
  if (end !== undefined && end.atMs - nowMs < closeWithinMs) return closeMs;
  const left = series.points.at(-1)?.[1] ?? 0;
  return left > (series.limit ?? Infinity) * plenty ? plentyMs : usualMs;
}

function isSame(one: QuotaPlace, other: QuotaPlace): boolean {
  return one.registry === other.registry && one.account === other.account && one.family === other.family;
}
