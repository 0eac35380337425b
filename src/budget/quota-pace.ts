/** Which of Docker Hub's pull quotas are sampled, and when the next sample of each is due. Pure. */
import { exhaustionOf, type Family, type QuotaPlace, type QuotaSeries } from '#report/quota.ts';

/**
 * The image whose quota headers hold for all images (docker/docs, usage/pulls.md): others may be exempt. Only HEAD requests are sent,
 * which do not count as pulls.
 */
export const previewImage = 'docker.io/ratelimitpreview/test:latest';

/** The requests of one sample: the challenge, the token, and the HEAD. */
export const requestsPerSample = 3;

const minuteMs = 60_000;
const usualMs = 5 * minuteMs;
/** With more than this share left, the quota does not run out within a quarter of an hour. */
const plenty = 0.8;
const plentyMs = 15 * minuteMs;
const closeMs = minuteMs;
const closeWithinMs = 60 * minuteMs;
/** A family without a route, or an account without a limit. */
const rareMs = 60 * minuteMs;

/** The result of the last sample. */
export interface LastSample extends QuotaPlace {
  readonly atMs: number;
  readonly ended: 'reported' | 'reported_nothing' | 'unreachable' | 'refused';
}

/** Docker Hub counts an account from all addresses together, and an anonymous address for each family. Behind a proxy it counts the proxy's. */
export function bucketsOf(account: string, isProxied: boolean): readonly QuotaPlace[] {
  const families: readonly Family[] = account !== 'anonymous' ? ['any'] : isProxied ? ['proxy'] : ['ipv4', 'ipv6'];
  return families.map((family) => ({ registry: 'docker.io', account, family }));
}

/** When the next sample is due, in milliseconds since the epoch. Quota headers that a rehearsal got count as a sample. */
export function dueAtMs(
  place: QuotaPlace,
  known: { readonly quotas: readonly QuotaSeries[]; readonly samples: readonly LastSample[] },
  nowMs: number,
): number {
  const series = known.quotas.filter((one) => isSame(one, place));
  const last = known.samples.find((one) => isSame(one, place));
  const reported = series.filter(({ reported }) => reported === 'numbers').toSorted((a, b) => b.seenMs - a.seenMs)[0];
  const reportedDue = reported === undefined ? 0 : reported.seenMs + cadenceOf(reported, nowMs);
  if (last === undefined) return reportedDue;
  // After a sample without a result, wait, whatever was known before.
  return Math.max(reportedDue, last.atMs + pauses[last.ended]);
}

const pauses: { readonly [E in LastSample['ended']]: number } = {
  reported: closeMs,
  reported_nothing: rareMs,
  unreachable: rareMs,
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
