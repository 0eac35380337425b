/**
 * A registry that has just had enough of this node, for another image or for the first try: limits that are no quota. A burst
 * is over in seconds and only delays; a month's volume, an abuse limit or a locked login stands for longer.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import { valueAt } from '#data/value-at.ts';
import type { LimitHistory } from '#forecast/history/limits.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const registryLimited: ImageRule = { name: 'registry-limited', evaluate };

const minuteMs = 60_000;

interface Meaning {
  readonly lastsMs: (limit: LimitHistory) => number;
  readonly likelihood: Prediction['likelihood'];
  readonly effect: Prediction['effect'];
  readonly what: string;
  readonly remedy: string;
}

const atLeast =
  (ms: number) =>
  ({ retryAfterS = 0 }: LimitHistory): number =>
    Math.max(ms, retryAfterS * 1000);

/** `quota` is not here: what is left of it is counted. */
const meanings: { readonly [S in Exclude<LimitHistory['scope'], 'quota'>]: Meaning } = {
  burst: {
    lastsMs: atLeast(5 * minuteMs),
    likelihood: 'possible',
    effect: 'delays',
    what: 'too many requests in a short time',
    remedy: 'Nothing for one; where it comes often, pull serially (serializeImagePulls) or through a mirror.',
  },
  unknown: {
    lastsMs: atLeast(5 * minuteMs),
    likelihood: 'possible',
    effect: 'delays',
    what: 'too many requests',
    remedy: 'Wait; where it comes often, pull through a mirror.',
  },
  // No answer says how long; Docker asks to wait for a minute and field reports tell of more (hub-feedback#1907, #2511).
  abuse: {
    lastsMs: atLeast(15 * minuteMs),
    likelihood: 'possible',
    effect: 'fails',
    what: 'so many requests of any kind that it suspects abuse',
    remedy: 'Find what asks so much from behind the same address; it counts for logins as well.',
  },
  login: {
    lastsMs: atLeast(15 * minuteMs),
    likelihood: 'possible',
    effect: 'fails',
    what: 'too many failed logins, and has locked the account',
    remedy: 'Take the wrong password out of every pull secret; the lock goes by itself after 15 minutes.',
  },
  monthly: {
    lastsMs: untilMonthEnds,
    likelihood: 'likely',
    effect: 'fails',
    what: "more than a month's volume without a login",
    remedy: 'Pull with a login, or through a mirror.',
  },
};

function evaluate({ plan, history, now }: ImageFacts): readonly Prediction[] {
  const { registry } = plan.image;
  const limit = valueAt(history.limits, registry);
  if (limit === undefined || limit.scope === 'quota') return [];
  const { lastsMs, likelihood, effect, what, remedy } = meanings[meantBy(registry, limit.scope)];
  const ageMs = now.getTime() - limit.atMs;
  if (!(ageMs <= lastsMs(limit))) return [];
  // With a login of one's own the volume of strangers is not counted.
  if (limit.scope === 'monthly' && plan.identities.ok && plan.identities.value.some(({ credential }) => credential))
    return [];
  const ago = ageMs < 2 * minuteMs ? 'just now' : `${Math.round(ageMs / minuteMs)} min ago`;
  const because = `${registry} answered 429 ${ago}: ${what}`;
  return [{ about: registry, fault: 'api.rate_limited', likelihood, effect, withinS: 0, because, remedy }];
}

/** Docker Hub counts no HEAD as a pull and has no other limit on requests: what refuses one suspects abuse. */
function meantBy(
  registry: string,
  scope: Exclude<LimitHistory['scope'], 'quota'>,
): Exclude<LimitHistory['scope'], 'quota'> {
  return registry === 'docker.io' && (scope === 'burst' || scope === 'unknown') ? 'abuse' : scope;
}

function untilMonthEnds({ atMs }: LimitHistory): number {
  const at = new Date(atMs);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1) - atMs;
}
