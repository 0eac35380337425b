/** A pull quota with little left. */
import type { Forecast } from '#pull/forecast.ts';
import type { Facts } from './foresee.ts';

const littleShare = 0.1;

export function rateLimitNears({ rehearsal }: Facts): readonly Forecast[] {
  const found = new Map<string, Forecast>();
  for (const { url, outcome } of rehearsal.performances.flatMap(({ exchanges }) => exchanges)) {
    if (!outcome.ok || outcome.value.rateLimit === undefined) continue;
    const { limit, remaining, source, windowS, scope } = outcome.value.rateLimit;
    if (scope !== 'quota' || limit === undefined || remaining === undefined || remaining > limit * littleShare)
      continue;
    const host = /^https?:\/\/([^/]+)/.exec(url)?.[1] ?? url;
    const who = source === undefined ? '' : ` for ${source}`;
    const window = windowS === undefined ? '' : ` in ${Math.round(windowS / 3600)} h`;
    found.set(host, {
      rule: 'rate-limit-nears',
      fault: 'api.rate_limited',
      likelihood: remaining === 0 ? 'certain' : 'likely',
      because: `${host} has ${remaining} of ${limit} pulls${window} left${who}`,
      remedy: `Log in to ${host} with a pull secret of an account with a larger quota, or pull through a mirror.`,
    });
  }
  return [...found.values()];
}
