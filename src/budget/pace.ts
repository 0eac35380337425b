/**
 * Who may ask what when: how soon an image is rehearsed again, by how it went. What may mend itself and costs nobody is asked
 * again soon, with back-off; what another try could make worse (a quota, a login) is asked later than usual, never sooner. Pure:
 * the clock and the dice come in.
 */
import { isComing } from '#catalog/share.ts';
import type { Fault, FaultCode, Owner } from '#report/fault.ts';
import { rootOf, ownerOf } from '#report/fault.ts';
import type { Verdict } from '#report/verdict.ts';
import type { Demand } from '#node/view.ts';

/** `eager`: sooner than the cadence, backing off towards it. `steady`: at the cadence. `shy`: later than the cadence. */
export type RetryKind = 'eager' | 'steady' | 'shy';

const tempers: { readonly [S in Owner]: RetryKind } = {
  workload: 'steady',
  credentials: 'steady',
  node: 'eager',
  network: 'eager',
  registry: 'eager',
  agent: 'steady',
};

/** Codes whose temper is not that of their side. */
const exceptions: { readonly [C in FaultCode]?: RetryKind } = {
  'api.rate_limited': 'shy',
  // Docker Hub locks an account after repeated failed logins (registries.md §1.4).
  'auth.rejected': 'shy',
  'auth.realm_failed': 'shy',
  // A plugin may be rate-limited per account by its cloud.
  'credential.provider_failed': 'steady',
  // Content does not mend within seconds, and asking for it is not free.
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
      // A rate limit met behind a redirect or a realm is a rate limit.
      const code = rootOf(verdict.fault).code;
      return exceptions[code] ?? tempers[ownerOf(code)];
    }
  }
}

export interface Pace {
  /** Between two regular rehearsals. */
  readonly cadenceMs: number;
  /** Before the first rehearsal out of turn; doubled each time. */
  readonly soonestMs: number;
  /** A shy image waits no longer than this, unless the registry itself asked for more. */
  readonly longestMs: number;
}

export const defaultPace = { soonestMs: 15_000, longestMs: 60 * 60_000 } as const;

/**
 * How many cadences lie between two rehearsals of an image. One that a start of its Pods would not ask the registry for is in
 * less of a hurry: the next node, the next cleanup or the next credential will ask. So is one that is yet to come.
 */
export function cadencesOf({ asks, present, requestedBy }: Paced): number {
  if (requestedBy !== undefined && isComing(requestedBy)) return 6;
  if (asks === 'no') return 6;
  return asks === 'perhaps' && present === 'yes' ? 3 : 1;
}

type Paced = Pick<Demand, 'asks' | 'present'> & Partial<Pick<Demand, 'requestedBy'>>;

/** The pace of an image that rests for so many cadences: nothing about it is urgent. */
export function slowed(pace: Pace, cadences: number): Pace {
  if (cadences === 1) return pace;
  const { cadenceMs, soonestMs } = pace;
  return { ...pace, cadenceMs: cadenceMs * cadences, soonestMs: Math.max(soonestMs, cadenceMs) };
}

/** Whether an image that rests for so many cadences sits out the regular pass at `nowMs`. Passes begin with jitter. */
export function rests(cadences: number, { lastMs, cadenceMs, nowMs }: Resting): boolean {
  return cadences > 1 && nowMs - lastMs < (cadences - 0.5) * cadenceMs;
}

interface Resting {
  /** When it was rehearsed last. */
  readonly lastMs: number;
  readonly cadenceMs: number;
  readonly nowMs: number;
}

export interface LastRehearsal {
  readonly verdict: Verdict;
  readonly endedMs: number;
  /** Turns in a row that did not pull, this one included. */
  readonly failures: number;
}

/**
 * When the image is due: at the earliest for `shy`, exactly for `eager`; undefined: whenever the regular cadence comes round.
 * `dice` is in [0, 1).
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
      // Never before what the registry asked for: the jitter only adds.
      return last.endedMs + Math.max(waitMs, asked) * (1 + 0.2 * dice);
    }
  }
}

/** Whether an image takes part in a regular pass at `nowMs`; shy images sit out until they are due. */
export function takesPart(verdict: Verdict, due: number | undefined, nowMs: number): boolean {
  return retryKindOf(verdict) !== 'shy' || due === undefined || due <= nowMs;
}

/** `ms` moved by up to `share` either way. */
export function jitter(ms: number, share: number, dice: number): number {
  return ms * (1 - share + 2 * share * dice);
}

/** A day: longer than any quota's window, shorter than a month whose limit may be raised meanwhile. */
const longestAskedMs = 24 * 3_600_000;

function retryAfterMs(verdict: Verdict): number {
  if (verdict.is !== 'fails' && verdict.is !== 'unknown') return 0;
  const root: Fault = rootOf(verdict.fault);
  if (root.code !== 'api.rate_limited') return 0;
  const asked = (root.limit.retryAfterS ?? 0) * 1000;
  return Number.isFinite(asked) ? Math.min(Math.max(asked, 0), longestAskedMs) : 0;
}

/**
 * One pass in an order that shares the load: registries take turns, so that the images of one registry are spread over the pass
 * instead of arriving in a burst, and a slow registry does not hold up the others. Within a registry the given order stays.
 * At most `budget` images of one registry go in one pass; the rest is left over for the next, in `later`.
 */
export function spread<T>(
  items: readonly T[],
  registryOf: (item: T) => string,
  budget: number,
): { readonly now: readonly T[]; readonly later: readonly T[] } {
  const budgetKeys = [...Map.groupBy(items, registryOf).values()];
  const now: T[] = [];
  const longest = Math.min(Math.max(0, ...budgetKeys.map((budgetKey) => budgetKey.length)), budget);
  for (let rank = 0; rank < longest; rank += 1) {
    for (const budgetKey of budgetKeys) now.push(...budgetKey.slice(rank, rank + 1));
  }
  return { now, later: budgetKeys.flatMap((budgetKey) => budgetKey.slice(budget)) };
}
