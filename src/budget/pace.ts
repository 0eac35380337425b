/**
 * How soon an image is rehearsed again, by its verdict. What may recover by itself and costs no quota is tried again soon, with
 * back-off; what another attempt could make worse (a quota, a login) is tried later than usual. Pure.
 */
import { isUpcoming } from '#report/upcoming.ts';
import type { Fault, FaultCode, Owner } from '#report/fault.ts';
import { rootOf, ownerOf } from '#report/fault.ts';
import type { Verdict } from '#report/verdict.ts';
import type { Demand } from '#kubelet/demand.ts';

/** `eager`: sooner than the cadence, backing off towards it. `steady`: at the cadence. `shy`: later than the cadence. */
type RetryKind = 'eager' | 'steady' | 'shy';

const retryKinds: { readonly [S in Owner]: RetryKind } = {
  workload: 'steady',
  credentials: 'steady',
  node: 'eager',
  network: 'eager',
  registry: 'eager',
  agent: 'steady',
};

/** Codes that are not retried as their owner's other faults are. */
const exceptions: { readonly [C in FaultCode]?: RetryKind } = {
  'api.rate_limited': 'shy',
  // Docker Hub locks an account after repeated failed logins.
  'auth.rejected': 'shy',
  'auth.realm_failed': 'shy',
  // A plugin may be rate-limited per account by its cloud.
  'credential.provider_failed': 'steady',
  // Content does not change within seconds, and requests for it are not free.
  'manifest.digest_mismatch': 'steady',
  'manifest.malformed': 'steady',
  'blob.missing': 'steady',
  'blob.digest_mismatch': 'steady',
  'agent.out_of_time': 'eager',
};

export function retryKindOf(verdict: Verdict): RetryKind {
  switch (verdict.is) {
    case 'pulls':
    case 'at_risk':
      return 'steady';
    case 'fails':
    case 'unknown': {
      // A rate limit behind a redirect or a realm is a rate limit too.
      const code = rootOf(verdict.fault).code;
      return exceptions[code] ?? retryKinds[ownerOf(code)];
    }
  }
}

export interface Pace {
  /** Between two regular rehearsals. */
  readonly cadenceMs: number;
  /** Before the first early rehearsal; doubled each time. */
  readonly soonestMs: number;
  /** The longest wait of a shy image, unless Retry-After is longer. */
  readonly longestMs: number;
}

export const defaultPace = { soonestMs: 15_000, longestMs: 60 * 60_000 } as const;

/**
 * How many cadences lie between two rehearsals of an image. An image for which a container start would not query the registry is less
 * urgent: the next node, image garbage collection or new credential will. So is an image of a Pod that is yet to come.
 */
export function cadencesOf({ asks, present, requestedBy }: Paced): number {
  if (requestedBy !== undefined && isUpcoming(requestedBy)) return 6;
  if (asks === 'no') return 6;
  return asks === 'perhaps' && present === 'yes' ? 3 : 1;
}

type Paced = Pick<Demand, 'asks' | 'present'> & Partial<Pick<Demand, 'requestedBy'>>;

/** The pace of an image that is rehearsed only after this many cadences. */
export function slowed(pace: Pace, cadences: number): Pace {
  if (cadences === 1) return pace;
  const { cadenceMs, soonestMs } = pace;
  return { ...pace, cadenceMs: cadenceMs * cadences, soonestMs: Math.max(soonestMs, cadenceMs) };
}

/** Whether an image that is rehearsed after this many cadences skips the regular pass at `nowMs`. Passes begin with jitter. */
export function rests(cadences: number, { lastMs, cadenceMs, nowMs }: Resting): boolean {
  return cadences > 1 && nowMs - lastMs < (cadences - 0.5) * cadenceMs;
}

interface Resting {
  /** The last rehearsal. */
  readonly lastMs: number;
  readonly cadenceMs: number;
  readonly nowMs: number;
}

interface LastRehearsal {
  readonly verdict: Verdict;
  readonly endedMs: number;
  /** Consecutive rehearsals that did not pull, this one included. */
  readonly failures: number;
}

/**
 * When the image is due: at the earliest for `shy`, exactly for `eager`; undefined: at the regular cadence. `dice` is a random
 * number in [0, 1).
 */
export function dueAt(last: LastRehearsal, pace: Pace, dice: number): number | undefined {
  const doublings = Math.min(Math.max(last.failures - 1, 0), 30);
  switch (retryKindOf(last.verdict)) {
    case 'steady':
      return undefined;
    case 'eager': {
      const waitMs = jitter(pace.soonestMs * 2 ** doublings, 0.2, dice);
      return waitMs < pace.cadenceMs ? last.endedMs + waitMs : undefined;
    }
    case 'shy': {
      const asked = retryAfterMs(last.verdict);
      const waitMs = Math.min(pace.cadenceMs * 2 ** (doublings + 1), Math.max(pace.longestMs, pace.cadenceMs));
      // Never before Retry-After: the jitter only adds.
      return last.endedMs + Math.max(waitMs, asked) * (1 + 0.2 * dice);
    }
  }
}

/** Whether an image takes part in a regular pass at `nowMs`; shy images do not until they are due. */
export function takesPart(verdict: Verdict, due: number | undefined, nowMs: number): boolean {
  return retryKindOf(verdict) !== 'shy' || due === undefined || due <= nowMs;
}

/** `ms` moved by up to `share` either way. */
function jitter(ms: number, share: number, dice: number): number {
  return ms * (1 - share + 2 * share * dice);
}

/** A day: longer than any quota's window, shorter than a month, in which a limit may be raised. */
const longestAskedMs = 24 * 3_600_000;

function retryAfterMs(verdict: Verdict): number {
  if (verdict.is !== 'fails' && verdict.is !== 'unknown') return 0;
  const root: Fault = rootOf(verdict.fault);
  if (root.code !== 'api.rate_limited') return 0;
  const asked = (root.limit.retryAfterS ?? 0) * 1000;
  return Number.isFinite(asked) ? Math.min(Math.max(asked, 0), longestAskedMs) : 0;
}

/**
 * Orders a pass so that registries alternate: the images of one registry are spread over the pass and do not arrive in a burst, and a
 * slow registry does not delay the others. Within a registry the given order stays. At most `budget` images of one registry go in one
 * pass; `later` holds the others.
 */
export function spread<T>(
  items: readonly T[],
  registryOf: (item: T) => string,
  budget: number,
): { readonly now: readonly T[]; readonly later: readonly T[] } {
  const groups = [...Map.groupBy(items, registryOf).values()];
  const now: T[] = [];
  const longest = Math.min(Math.max(0, ...groups.map((group) => group.length)), budget);
  for (let rank = 0; rank < longest; rank += 1) {
    for (const group of groups) now.push(...group.slice(rank, rank + 1));
  }
  return { now, later: groups.flatMap((group) => group.slice(budget)) };
}
