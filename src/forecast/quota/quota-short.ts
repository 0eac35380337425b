/** A pull quota that has less left than this node would pull: now, for what is missing, or all at once where it starts anew. */
import type { NodeFacts } from '#forecast/facts.ts';
import type { Entry } from '#report/ledger.ts';
import { accountOf } from '#kubelet/logins.ts';
import type { QuotaSeries } from '#report/quota.ts';
import type { Prediction, NodeRule } from '#forecast/rule.ts';

export const quotaShort: NodeRule = { name: 'quota-short', evaluate };

const staleMs = 2 * 3_600_000;

function evaluate({ entries, history, now }: NodeFacts): readonly Prediction[] {
  return history.quotas.flatMap((series): Prediction[] => {
    const left = series.points.at(-1)?.[1];
    if (left === undefined || series.reported !== 'numbers' || now.getTime() - series.seenMs > staleMs) return [];
    const ours = entries.filter((entry) => isCountedBy(entry, series));
    const all = pullsOf(ours);
    const missing = pullsOf(ours.filter(({ report }) => report.present === 'no'));
    if (all <= left) return [];
    const { registry, account, source } = series;
    const isDue = missing > left;
    const what = isDue
      ? `${missing} images that this node lacks need a pull each`
      : `the ${all} images of this node would need a pull each if it started anew`;
    return [
      {
        about: `${registry} quota of ${account === 'anonymous' && source !== '' ? source : account}`,
        fault: 'api.rate_limited',
        likelihood: isDue ? 'likely' : 'possible',
        effect: 'fails',
        ...(isDue ? { withinS: 0 } : {}),
        assuming: 'each image counts as one pull',
        because: `${registry} has ${left} pulls left, and ${what}`,
        remedy: `Log in to ${registry} with an account with a larger quota, or pull through a mirror, before this node is replaced.`,
      },
    ];
  });
}

function isCountedBy({ report }: Entry, { registry, account, family }: QuotaSeries): boolean {
  const last = report.attempts.at(-1);
  if (report.registry !== registry || last === undefined) return false;
  const over = last.exchanges.flatMap(({ outcome }) => (outcome.ok ? (outcome.value.family ?? []) : []));
  if (family !== 'any' && over.length > 0 && !over.includes(family)) return false;
  return accountOf(report.plan?.logins ?? [], last.as) === account;
}

/** An image under two names is one pull, because the second finds its content there. */
function pullsOf(entries: readonly Entry[]): number {
  const contents = entries.map(({ report: { attempts, image } }) => {
    const ending = attempts.at(-1)?.ending;
    return ending?.is === 'pulled' ? ending.content.digest : image;
  });
  return new Set(contents).size;
}
