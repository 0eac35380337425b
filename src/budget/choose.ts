/**
 * Who is rehearsed in a pass: those that are due, as far as this agent's share of each registry goes. At the doors of all others
 * it knocks: what shows itself there is rehearsed at once where that asks nobody anything, and as soon as it may where it does.
 */
import { costsOf, budgetKeyOf } from './key.ts';
import { demandId } from '#report/ledger.ts';
import {
  differs,
  firstBudgetKeys,
  isShut,
  isShutting,
  reopened,
  type ConnectivityProbe,
} from './connectivity-probe.ts';
import { spread } from './pace.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand } from '#node/view.ts';
import type { AgentState } from '#agent/state.ts';
import type { FallThrough } from './fall-through.ts';
import type { Asking, Pacer } from './pacer.ts';

/** An image and what is known of it. */
export interface Known {
  readonly demand: Demand;
  readonly report?: PullReport;
}

/** Undefined: nobody could knock. */
export type Prober = (at: readonly Known[]) => Promise<ProbeResults | undefined>;
export type ProbeResults = ReadonlyMap<string, readonly ConnectivityProbe[]>;

export interface Choosing {
  readonly state: AgentState;
  readonly pacer: Pacer;
  readonly fallThrough: FallThrough;
  readonly nowMs: number;
  /** Images that could not go yet, and until when. */
  readonly waits: ReadonlyMap<string, number>;
  readonly perRegistryPass: number;
  readonly probe: Prober;
}

export interface Chosen {
  readonly now: readonly Demand[];
  readonly waits: ReadonlyMap<string, number>;
  /** Failed because a host did not open; it opens again, and their turn is not yet. */
  readonly lifted: readonly string[];
}

/** The lanes whose turn would have to come for those who are due. */
export function dueBudgetKeys(
  kind: 'regular' | 'early',
  choosing: Omit<Choosing, 'probe' | 'perRegistryPass'>,
): ReadonlySet<string> {
  const { state, pacer, fallThrough, nowMs, waits } = choosing;
  const due = state.due(kind, nowMs, waits);
  const budgetKeys = due.map((demand) => pacer.strictest(askingOf(state.known(demand), [], fallThrough).budgetKeys));
  return new Set(budgetKeys.filter((budgetKey) => budgetKey !== undefined));
}

export async function choose(kind: 'regular' | 'early', choosing: Choosing): Promise<Chosen> {
  const { state, pacer, nowMs, waits, perRegistryPass } = choosing;
  const due = spread(state.due(kind, nowMs, waits), registryOf, perRegistryPass).now;
  const none: readonly ConnectivityProbe[] = [];
  const now: Demand[] = [];
  const late = new Set<string>();
  for (const demand of due) {
    if (readiness(state.known(demand), none, choosing).is === 'now') now.push(demand);
    else late.add(demandId(demand));
  }
  const going = new Set(now.map(demandId));
  const others = state.demands().filter((demand) => {
    const id = demandId(demand);
    return !going.has(id) && (kind === 'regular' || late.has(id));
  });
  const known = others.map((demand) => state.known(demand));
  const heard = known.length === 0 ? undefined : await choosing.probe(known);
  for (const { budgetKey, isPrivate } of [...(heard?.values() ?? [])].flat()) {
    if (budgetKey !== undefined && isPrivate) pacer.learnPrivate(budgetKey);
  }
  const waiting = new Map([...waits].filter(([id]) => kind === 'early' && !going.has(id) && !late.has(id)));
  const lifted: string[] = [];
  for (const one of known) {
    const id = demandId(one.demand);
    const probes = heard?.get(id) ?? none;
    const { report } = one;
    const isChanged = report !== undefined && differs(report, probes);
    if (!late.has(id) && !isChanged) continue;
    const due = isShut(probes) ? ({ is: 'now' } as const) : readiness(one, probes, choosing);
    if (due.is === 'now') {
      now.push(one.demand);
      waiting.delete(id);
      continue;
    }
    waiting.set(id, due.fromMs);
    if (report !== undefined && isShutOut(report) && reopened(report, probes)) lifted.push(id);
  }
  return { now, waits: waiting, lifted };
}

/** The verdict rests on a host that did not open. */
export function isShutOut({ verdict }: PullReport): boolean {
  if (verdict.is !== 'fails' && verdict.is !== 'unknown') return false;
  const { fault } = verdict;
  return isShutting(fault.code === 'auth.realm_unreachable' ? fault.cause.code : fault.code);
}

function readiness(
  known: Known,
  probes: readonly ConnectivityProbe[],
  { pacer, fallThrough, nowMs }: Choosing,
): Readiness {
  return readinessAt(askingOf(known, probes, fallThrough), { pacer, fallThrough, nowMs });
}

export type Readiness = { readonly is: 'now' } | { readonly is: 'later'; readonly fromMs: number };

/**
 * Its turn is that of the strictest lane that it may need. One that did not get by without a lane behind the first may go at the
 * first one's as well, now and then: the gate in front of the others stays shut, and it is seen whether the first serves again.
 */
export function readinessAt(
  asking: Asking,
  { pacer, fallThrough, nowMs }: Pick<Choosing, 'pacer' | 'fallThrough' | 'nowMs'>,
): Readiness {
  if (pacer.admits(asking, nowMs)) return { is: 'now' };
  const wholeMs = pacer.nextMs(asking, nowMs);
  const budgetKeys = asking.budgetKeys.slice(0, 1);
  if (pacer.strictest(asking.budgetKeys) === budgetKeys[0]) return { is: 'later', fromMs: wholeMs };
  const first = { id: asking.id, budgetKeys };
  const againMs = fallThrough.untilMs(asking.id);
  if (againMs <= nowMs && pacer.admits(first, nowMs)) return { is: 'now' };
  return { is: 'later', fromMs: Math.min(wholeMs, pacer.nextMs(first, Math.max(nowMs, againMs))) };
}

/** In the order in which they would be asked. */
function askingOf({ demand, report }: Known, probes: readonly ConnectivityProbe[], fallThrough: FallThrough): Asking {
  const id = demandId(demand);
  if (!demand.image.ok || demand.policy === 'Never') return { id, budgetKeys: [] };
  const asked = report === undefined ? [] : costsOf(report).keys();
  const budgetKeys = new Set([...firstBudgetKeys(probes), ...asked, ...fallThrough.budgetKeys(id)]);
  const { registry } = demand.image.value;
  return {
    id,
    budgetKeys:
      budgetKeys.size > 0 ? [...budgetKeys] : [budgetKeyOf(registry, { role: 'origin', authority: registry })],
  };
}

function registryOf(demand: Demand): string {
  return demand.image.ok ? demand.image.value.registry : demandId(demand);
}
