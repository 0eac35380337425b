/** A pull quota with little left. */
import type { ImageFacts } from '#forecast/facts.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const rateLimitNears: ImageRule = { name: 'rate-limit-nears', evaluate };

const littleShare = 0.1;

function evaluate({ rehearsal }: ImageFacts): readonly Prediction[] {
  const found = new Map<string, Prediction>();
  for (const { url, outcome } of rehearsal.attempts.flatMap(({ exchanges }) => exchanges)) {
    if (!outcome.ok || outcome.value.rateLimit === undefined) continue;
    const { limit, remaining, source, windowS, scope } = outcome.value.rateLimit;
    if (scope !== 'quota' || limit === undefined || remaining === undefined || remaining > limit * littleShare)
      continue;
    const host = /^https?:\/\/([^/]+)/.exec(url)?.[1] ?? url;
    const who = source === undefined ? '' : ` for ${source}`;
    const window = windowS === undefined ? '' : ` in ${Math.round(windowS / 3600)} h`;
    found.set(host, {
      about: host,
      fault: 'api.rate_limited',
      likelihood: remaining === 0 ? 'certain' : 'likely',
      effect: 'fails',
      because: `${host} has ${remaining} of ${limit} pulls${window} left${who}`,
      remedy: `Log in to ${host} with a pull secret of an account with a larger quota, or pull through a mirror.`,
    });
  }
  return [...found.values()];
}
