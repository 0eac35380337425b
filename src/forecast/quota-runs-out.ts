/** A pull quota that will be used up if consumption goes on as it was seen. */
import type { ImageFacts } from '#pull/facts.ts';
import { accountOf, loginsOf } from '#pull/logins.ts';
import { exhaustionOf, type QuotaSeries } from '#pull/quota.ts';
import { spanText } from '#pull/time-text.ts';
import type { Foreseen, ImageRule } from './rule.ts';

export const quotaRunsOut: ImageRule = { name: 'quota-runs-out', foresee };

/** What was seen longer ago says nothing of now. */
const staleMs = 2 * 3_600_000;

function foresee(facts: ImageFacts): readonly Foreseen[] {
  const { past, now } = facts;
  return past.quotas
    .filter((series) => isOurs(facts, series) && now.getTime() - series.seenMs < staleMs)
    .flatMap((series): Foreseen[] => {
      const end = exhaustionOf(series);
      if (end === undefined) return [];
      const { registry, account, source, limit = 0, points } = series;
      const withinS = Math.max(0, Math.round((end.atMs - now.getTime()) / 1000));
      const whose = account === 'anonymous' ? 'pulls without a login' : `the account ${account}`;
      const where = source === '' || source === account ? '' : ` (${source})`;
      return [
        {
          about: `${registry} quota of ${account === 'anonymous' && source !== '' ? source : account}`,
          fault: 'api.rate_limited',
          likelihood: 'likely',
          effect: 'fails',
          withinS,
          assuming: end.assuming,
          because: `${registry} has ${points.at(-1)?.[1] ?? 0} of ${limit} pulls left for ${whose}${where}; ${end.perHour} an hour are used, so none is left in ${spanText(withinS * 1000)}`,
          remedy:
            account === 'anonymous'
              ? `Give the Pods a pull secret for ${registry}, or pull through a mirror; see what else pulls from behind the same address.`
              : `Use an account of ${registry} with a larger quota, or pull through a mirror; see what else pulls as ${account}.`,
        },
      ];
    });
}

/** Whether the pull that was rehearsed would be counted there. */
function isOurs({ plan, rehearsal }: ImageFacts, series: QuotaSeries): boolean {
  const last = rehearsal.performances.at(-1);
  if (last?.ending.is !== 'pulled' || !plan.routes.ok) return false;
  const { resolvedBy } = last.ending.content;
  const route = plan.routes.value[resolvedBy];
  const registry = route?.role === 'mirror' ? route.authority : plan.image.registry;
  if (series.registry !== registry || series.account !== accountOf(loginsOf(plan), last.as)) return false;
  const over = last.exchanges.flatMap(({ route: by, outcome }) =>
    by === resolvedBy && outcome.ok ? (outcome.value.family ?? []) : [],
  );
  return series.family === 'any' || over.length === 0 || over.includes(series.family);
}
