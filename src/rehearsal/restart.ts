/**
 * How a pull would go after the next start of containerd and the kubelet, where files that they read then have changed: the whole
 * story once more, by a view and over a wire of its own. Evidence, never the verdict.
 */
import type { Image } from '#image/reference.ts';
import { judge } from '#report/judge.ts';
import { laneOf, wasSent } from '#budget/key.ts';
import { tellSameStory, type NextStart } from '#runtime/next-start.ts';
import { bad, good, type Good, type Outcome } from '#report/outcome.ts';
import { hostOf } from '#forecast/history/hosts.ts';
import { planPull, type PullPlan } from '#runtime/plan.ts';
import type { Evidence, EvidenceFacts, Rehearsal } from '#report/rehearsal.ts';
import type { Demand, NodeView, ProviderAnswer } from '#node/view.ts';
import { rehearse } from './rehearse.ts';
import type { Wire } from '#runtime/attempt/wire.ts';

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
  const told = (host: string, outcome: Outcome<EvidenceFacts>, asked: Evidence['asked'] = {}): readonly Evidence[] => [
    { of: 'next_start', host, target: runtime, ms: wire.elapsedMs() - startMs, asked, outcome },
  ];
  if (next.providers?.ok === false) return told(fileIn(next.providers) ?? next.providers.source, next.providers);
  if (demand.policy === 'Never') return [];
  const later = planPull(view, demand, await askProviders(repository));
  if (tellSameStory(plan, later)) return [];
  const rehearsal = await rehearse(later, wire);
  const verdict = judge(later, demand, rehearsal, []);
  const asked = askedOf(later, rehearsal);
  if ('fault' in verdict) {
    const outcome = bad(verdict.fault);
    return told(fileIn(outcome) ?? lastHostIn(rehearsal) ?? registry, outcome, asked);
  }
  return told(lastHostIn(rehearsal) ?? registry, good({ note: 'the pull goes through' }), asked);
}

/** It counts in the budgets like any other. */
function askedOf({ image, routes }: PullPlan, { performances }: Rehearsal): Readonly<Record<string, number>> {
  const sent = performances.flatMap(({ exchanges }) => exchanges).filter(wasSent);
  const lanes = sent.flatMap((exchange) => {
    const route = routes.ok ? routes.value[exchange.route] : undefined;
    return route === undefined ? [] : [laneOf(image.registry, route)];
  });
  const byLane = [...Map.groupBy(lanes, (lane) => lane)];
  return Object.fromEntries(byLane.map(([lane, all]) => [lane, all.length]));
}

function fileIn(outcome: Outcome<unknown>): string | undefined {
  return !outcome.ok && 'file' in outcome.fault ? outcome.fault.file : undefined;
}

function lastHostIn({ performances }: Rehearsal): string | undefined {
  const last = performances.at(-1)?.exchanges.at(-1);
  return last === undefined ? undefined : hostOf(last.url);
}
