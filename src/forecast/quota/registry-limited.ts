/**
 * A registry has just answered 429 to this node, for another image or for the first attempt: limits that are not a pull quota. A
 * burst limit is over in seconds and only delays; a monthly volume, an abuse limit or a locked login lasts longer.
 */
import type { ImageFacts } from '#forecast/facts.ts';
import { valueAt } from '#data/value-at.ts';
import type { LimitHistory } from '#forecast/history/limits.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const registryLimited: ImageRule = {
  name: 'registry-limited',
  meta: {
    title: "A registry limits this node's requests",
    why: 'A registry that has just answered 429 may do so again for the next pull. A burst limit is over within minutes; an abuse limit or a locked login lasts for a quarter of an hour or more, a monthly volume until the month ends.',
    needs: 'An answer 429 within the time that such a limit lasts.',
    remedy:
      'Wait, log in, or pull through a mirror; find out what sends so many requests from behind the same address.',
  },
  evaluate,
};

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

/** `quota` is not here: quota-runs-out and rate-limit-nears handle it. */
const meanings: { readonly [S in Exclude<LimitHistory['scope'], 'quota'>]: Meaning } = {
  burst: {
    lastsMs: atLeast(5 * minuteMs),
    likelihood: 'possible',
    effect: 'delays',
    what: 'too many requests in a short time',
    remedy:
      'One such answer needs no action; when it happens often, pull serially (serializeImagePulls) or through a mirror.',
  },
  unknown: {
    lastsMs: atLeast(5 * minuteMs),
    likelihood: 'possible',
    effect: 'delays',
    what: 'too many requests',
    remedy: 'Wait; when it happens often, pull through a mirror.',
  },
  // No answer says how long; Docker says to wait for a minute, and reports from users mention longer (hub-feedback#1907, #2511).
  abuse: {
    lastsMs: atLeast(15 * minuteMs),
    likelihood: 'possible',
    effect: 'fails',
    what: 'so many requests of any kind that it suspects abuse',
    remedy: 'Find out what sends so many requests from behind the same address; the limit applies to logins as well.',
  },
  login: {
    lastsMs: atLeast(15 * minuteMs),
    likelihood: 'possible',
    effect: 'fails',
    what: 'too many failed logins, and has locked the account',
    remedy: 'Remove the wrong password from every pull secret; the lock ends by itself after 15 minutes.',
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
  // The monthly volume counts only pulls without a login.
  if (limit.scope === 'monthly' && plan.identities.ok && plan.identities.value.some(({ credential }) => credential))
    return [];
  const ago = ageMs < 2 * minuteMs ? 'just now' : `${Math.round(ageMs / minuteMs)} min ago`;
  const because = `${registry} answered 429 ${ago}: ${what}`;
  return [{ about: registry, fault: 'api.rate_limited', likelihood, effect, withinS: 0, because, remedy }];
}

/** Docker Hub counts no HEAD as a pull and has no other limit on requests: a refused HEAD means the abuse limit. */
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
