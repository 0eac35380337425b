/**
 * How a pull would go after the next start of containerd and the kubelet, where files that they read then have changed: the whole
 * story once more, by a view and over a wire of its own. Evidence, never the verdict.
 */
import type { Image } from '#image/reference.ts';
import { judge } from '#report/judge.ts';
import { budgetKeyOf, wasSent } from '#budget/key.ts';
import { areEquivalent, type NextStart } from '#runtime/next-start.ts';
import { bad, good, type Good, type Outcome } from '#report/outcome.ts';
import { hostOf } from '#forecast/history/hosts.ts';
import type { PullPlan } from '#runtime/plan.ts';
import type { Evidence, EvidenceFacts, Rehearsal } from '#report/rehearsal.ts';
import type { Demand, NodeView, ProviderAnswer } from '#node/view.ts';
import { rehearse } from './rehearse.ts';
import type { Wire } from '#runtime/attempt/wire.ts';
import { planFor } from '#runtime/runtimes.ts';

export interface Restarted {
  readonly next: NextStart;
  readonly view: NodeView;
  readonly wire: Wire;
  readonly askProviders: (repository: string) => Promise<readonly ProviderAnswer[]>;
}

/** Nothing where it would go by the same plan. */
export async function rehearseRestart(
  plan: PullPlan,
  demand: Demand & { readonly image: Good<Image> },
  { next, view, wire, askProviders }: Restarted,
): Promise<readonly Evidence[]> {
  const { runtime, repository, registry } = plan.image;
  const startMs = wire.elapsedMs();
  const shown = (host: string, outcome: Outcome<EvidenceFacts>, asked: Evidence['asked'] = {}): readonly Evidence[] => [
    { of: 'next_start', host, target: runtime, ms: wire.elapsedMs() - startMs, asked, outcome },
  ];
  if (next.providers?.ok === false) return shown(fileIn(next.providers) ?? next.providers.source, next.providers);
  if (demand.policy === 'Never') return [];
  const later = planFor(view, demand, await askProviders(repository));
  if (areEquivalent(plan, later)) return [];
  const rehearsal = await rehearse(later, wire);
  const verdict = judge(later, demand, rehearsal, []);
  const asked = askedOf(later, rehearsal);
  if ('fault' in verdict) {
    const outcome = bad(verdict.fault);
    return shown(fileIn(outcome) ?? lastHostIn(rehearsal) ?? registry, outcome, asked);
  }
  return shown(lastHostIn(rehearsal) ?? registry, good({ note: 'the pull goes through' }), asked);
}

/** It counts in the budgets like any other. */
function askedOf({ image, routes }: PullPlan, { attempts }: Rehearsal): Readonly<Record<string, number>> {
  const sent = attempts.flatMap(({ exchanges }) => exchanges).filter(wasSent);
  const budgetKeys = sent.flatMap((exchange) => {
    const route = routes.ok ? routes.value[exchange.route] : undefined;
    return route === undefined ? [] : [budgetKeyOf(image.registry, route)];
  });
  const byBudgetKey = [...Map.groupBy(budgetKeys, (budgetKey) => budgetKey)];
  return Object.fromEntries(byBudgetKey.map(([budgetKey, all]) => [budgetKey, all.length]));
}

function fileIn(outcome: Outcome<unknown>): string | undefined {
  return !outcome.ok && 'file' in outcome.fault ? outcome.fault.file : undefined;
}

function lastHostIn({ attempts }: Rehearsal): string | undefined {
  const last = attempts.at(-1)?.exchanges.at(-1);
  return last === undefined ? undefined : hostOf(last.url);
}
