/**
 * Which images a pass rehearses: those that are due, as far as this agent's share of each registry goes. The hosts of all others
 * get a connectivity probe; where a probe shows a change, the image is rehearsed now if that costs no request, and else as soon as
 * its share allows.
 */
import {
  differs,
  isShut,
  isShutOut,
  reopened,
  type ConnectivityProbe,
  type KnownDemand,
  type ProbeResults,
} from '#budget/connectivity-probe.ts';
import { spread } from '#budget/pace.ts';
import { askingOf, readinessAt, type Readiness, type Shares } from '#budget/readiness.ts';
import type { Demand } from '#kubelet/demand.ts';
import { demandId } from '#report/ledger.ts';
import type { AgentState } from './state.ts';

/** Undefined: the probes could not be made. */
export type Prober = (known: readonly KnownDemand[]) => Promise<ProbeResults | undefined>;

interface Choosing extends Shares {
  readonly state: AgentState;
  /** Images that have to wait for their share, and until when. */
  readonly waits: ReadonlyMap<string, number>;
  readonly perRegistryPass: number;
}

interface Chosen {
  readonly now: readonly Demand[];
  readonly waits: ReadonlyMap<string, number>;
  /** Images that failed because a host did not open, and whose hosts open again although their share does not allow a rehearsal. */
  readonly lifted: readonly string[];
}

/** The budget keys that the due images need most. */
export function dueBudgetKeys(
  kind: 'regular' | 'early',
  { state, pacer, fallThrough, nowMs, waits }: Omit<Choosing, 'perRegistryPass'>,
): ReadonlySet<string> {
  const due = state.due(kind, nowMs, waits);
  const budgetKeys = due.map((demand) => pacer.strictest(askingOf(state.known(demand), [], fallThrough).budgetKeys));
  return new Set(budgetKeys.filter((budgetKey) => budgetKey !== undefined));
}

export async function choose(kind: 'regular' | 'early', choosing: Choosing, probe: Prober): Promise<Chosen> {
  const { state, pacer } = choosing;
  const { now, late, others } = split(kind, choosing);
  const known = others.map((demand) => state.known(demand));
  const results = known.length === 0 ? undefined : await probe(known);
  for (const { budgetKey, isPrivate } of [...(results?.values() ?? [])].flat()) {
    if (budgetKey !== undefined && isPrivate) pacer.learnPrivate(budgetKey);
  }
  const going = new Set(now.map(demandId));
  const waits = new Map([...choosing.waits].filter(([id]) => kind === 'early' && !going.has(id) && !late.has(id)));
  const lifted: string[] = [];
  for (const one of known) {
    const id = demandId(one.demand);
    const probes = results?.get(id) ?? [];
    const { report } = one;
    const isChanged = report !== undefined && differs(report, probes);
    if (!late.has(id) && !isChanged) continue;
    const ready = isShut(probes) ? ({ is: 'now' } as const) : readiness(one, probes, choosing);
    if (ready.is === 'now') {
      now.push(one.demand);
      waits.delete(id);
      continue;
    }
    waits.set(id, ready.fromMs);
    if (report !== undefined && isShutOut(report) && reopened(report, probes)) lifted.push(id);
  }
  return { now, waits, lifted };
}

interface Split {
  readonly now: Demand[];
  /** Due, and not allowed by their share. */
  readonly late: ReadonlySet<string>;
  /** Those to probe. */
  readonly others: readonly Demand[];
}

function split(kind: 'regular' | 'early', choosing: Choosing): Split {
  const { state, nowMs, waits, perRegistryPass } = choosing;
  const due = spread(state.due(kind, nowMs, waits), registryOf, perRegistryPass).now;
  const now: Demand[] = [];
  const late = new Set<string>();
  for (const demand of due) {
    if (readiness(state.known(demand), [], choosing).is === 'now') now.push(demand);
    else late.add(demandId(demand));
  }
  const going = new Set(now.map(demandId));
  const others = state.demands().filter((demand) => {
    const id = demandId(demand);
    return !going.has(id) && (kind === 'regular' || late.has(id));
  });
  return { now, late, others };
}

function readiness(known: KnownDemand, probes: readonly ConnectivityProbe[], shares: Shares): Readiness {
  return readinessAt(askingOf(known, probes, shares.fallThrough), shares);
}

function registryOf(demand: Demand): string {
  return demand.image.ok ? demand.image.value.registry : demandId(demand);
}
