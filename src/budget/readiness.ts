/** Whether an image may be rehearsed now within this agent's share of each registry, and when otherwise. Pure. */
import { demandId } from '#report/ledger.ts';
import { firstBudgetKeys, type ConnectivityProbe, type KnownDemand } from './connectivity-probe.ts';
import type { FallThrough } from './fall-through.ts';
import { budgetKeyOf, costsOf } from './key.ts';
import type { Asking, Pacer } from './pacer.ts';

export type Readiness = { readonly is: 'now' } | { readonly is: 'later'; readonly fromMs: number };

export interface Shares {
  readonly pacer: Pacer;
  readonly fallThrough: FallThrough;
  readonly nowMs: number;
}

/**
 * The strictest budget key that the image may need decides. An image that was held before a later host is also tried now and then
 * at its first host alone: requests to the later hosts stay blocked, and the first host's recovery is noticed.
 */
export function readinessAt(asking: Asking, { pacer, fallThrough, nowMs }: Shares): Readiness {
  if (pacer.admits(asking, nowMs)) return { is: 'now' };
  const allMs = pacer.nextMs(asking, nowMs);
  const budgetKeys = asking.budgetKeys.slice(0, 1);
  if (pacer.strictest(asking.budgetKeys) === budgetKeys[0]) return { is: 'later', fromMs: allMs };
  const first = { id: asking.id, budgetKeys };
  const againMs = fallThrough.untilMs(asking.id);
  if (againMs <= nowMs && pacer.admits(first, nowMs)) return { is: 'now' };
  return { is: 'later', fromMs: Math.min(allMs, pacer.nextMs(first, Math.max(nowMs, againMs))) };
}

/** The budget keys of an image, in the order in which its hosts would get requests. */
export function askingOf(
  { demand, report }: KnownDemand,
  probes: readonly ConnectivityProbe[],
  fallThrough: FallThrough,
): Asking {
  const id = demandId(demand);
  if (!demand.image.ok || demand.policy === 'Never') return { id, budgetKeys: [] };
  const used = report === undefined ? [] : costsOf(report).keys();
  const budgetKeys = new Set([...firstBudgetKeys(probes), ...used, ...fallThrough.budgetKeys(id)]);
  const { registry } = demand.image.value;
  const origin = budgetKeyOf(registry, { role: 'origin', authority: registry });
  return { id, budgetKeys: budgetKeys.size > 0 ? [...budgetKeys] : [origin] };
}
