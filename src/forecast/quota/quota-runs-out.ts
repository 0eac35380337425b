/** A pull quota that will be used up if consumption goes on as it was seen: the one that pulls are counted in, or the one beside it. */
import type { ImageFacts } from '#forecast/facts.ts';
import { accountOf, loginsOf } from '#kubelet/logins.ts';
import { exhaustionOf, type Exhaustion, type Family, type QuotaSeries } from '#report/quota.ts';
import { spanText } from '#report/time-text.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const quotaRunsOut: ImageRule = { name: 'quota-runs-out', evaluate };

/** What was seen longer ago says nothing of now. */
const staleMs = 2 * 3_600_000;

function evaluate(facts: ImageFacts): readonly Prediction[] {
  const { history, now } = facts;
  return history.quotas
    .filter(({ seenMs }) => now.getTime() - seenMs < staleMs)
    .flatMap((series): Prediction[] => {
      const bears = bearing(facts, series);
      const end = bears === undefined ? undefined : exhaustionOf(series);
      if (bears === undefined || end === undefined) return [];
      return [bears.is === 'this' ? ofThis(series, end, now) : ofOther(series, end, { now, over: bears.over })];
    });
}

function ofThis(series: QuotaSeries, end: Exhaustion, now: Date): Prediction {
  const { registry, account } = series;
  return {
    ...common(series, end, now),
    likelihood: 'likely',
    effect: 'fails',
    remedy:
      account === 'anonymous'
        ? `Give the Pods a pull secret for ${registry}, or pull through a mirror; see what else pulls from behind the same address.`
        : `Use an account of ${registry} with a larger quota, or pull through a mirror; see what else pulls as ${account}.`,
  };
}

/** The runtime takes another family as long as it can: this bucket counts from the day on which it cannot (RFC 6724, dial fallback). */
function ofOther(
  series: QuotaSeries,
  end: Exhaustion,
  { now, over }: { readonly now: Date; readonly over: Family },
): Prediction {
  const { registry, family } = series;
  const { because, ...shown } = common(series, end, now);
  return {
    ...shown,
    likelihood: 'possible',
    effect: 'none',
    because: `${because}; pulls go over ${nameOf(over)} now, and would meet it over ${nameOf(family)}`,
    remedy: `See what pulls from ${registry} over ${nameOf(family)} behind the same address, or give the Pods a pull secret: an account counts alike over both.`,
  };
}

function common(
  { registry, account, source, limit = 0, points }: QuotaSeries,
  end: Exhaustion,
  now: Date,
): Omit<Prediction, 'likelihood' | 'effect' | 'remedy'> {
  const withinS = Math.max(0, Math.round((end.atMs - now.getTime()) / 1000));
  const whose = account === 'anonymous' ? 'pulls without a login' : `the account ${account}`;
  const where = source === '' || source === account ? '' : ` (${source})`;
  return {
    about: `${registry} quota of ${account === 'anonymous' && source !== '' ? source : account}`,
    fault: 'api.rate_limited',
    withinS,
    assuming: end.assuming,
    because: `${registry} has ${points.at(-1)?.[1] ?? 0} of ${limit} pulls left for ${whose}${where}; ${end.perHour} an hour are used, so none is left in ${spanText(withinS * 1000)}`,
  };
}

function nameOf(family: Family): string {
  return family === 'ipv6' ? 'IPv6' : 'IPv4';
}

/** Whether the pull that was rehearsed would be counted there, or if it went over the other address family. */
function bearing(
  { plan, rehearsal }: ImageFacts,
  series: QuotaSeries,
): { readonly is: 'this' } | { readonly is: 'other'; readonly over: Family } | undefined {
  const last = rehearsal.attempts.at(-1);
  if (last?.ending.is !== 'pulled' || !plan.routes.ok) return undefined;
  const { resolvedBy } = last.ending.content;
  const route = plan.routes.value[resolvedBy];
  const registry = route?.role === 'mirror' ? route.authority : plan.image.registry;
  if (series.registry !== registry || series.account !== accountOf(loginsOf(plan), last.as)) return undefined;
  const over = last.exchanges.flatMap(({ route: by, outcome }) =>
    by === resolvedBy && outcome.ok ? (outcome.value.family ?? []) : [],
  );
  if (series.family === 'any' || over.length === 0 || over.includes(series.family)) return { is: 'this' };
  const [taken] = over;
  return isAddressed(series.family) && taken !== undefined && isAddressed(taken)
    ? { is: 'other', over: taken }
    : undefined;
}

/** A proxy's address is neither ours nor chosen by us. */
function isAddressed(family: Family): boolean {
  return family === 'ipv4' || family === 'ipv6';
}
