/**
 * Who is rehearsed in a pass: those that are due, as far as this agent's share of each registry goes. At the doors of all others
 * it knocks: what shows itself there is rehearsed at once where that asks nobody anything, and as soon as it may where it does.
 */
import { costsOf, laneOf } from '#pull/lane.ts';
import { demandId } from '#pull/ledger.ts';
import { differs, firstLanes, isShut, isShutting, reopened, type Knock } from '#pull/knock.ts';
import { spread } from '#pull/pace.ts';
import type { PullReport } from '#pull/report.ts';
import type { Demand } from '#pull/view.ts';
import type { Book } from './book.ts';
import type { Asking, Pacer } from './pacer.ts';

/** An image and what is known of it. */
export interface Known {
  readonly demand: Demand;
  readonly report?: PullReport;
}

/** Undefined: nobody could knock. */
export type Knocker = (at: readonly Known[]) => Promise<Knocks | undefined>;
export type Knocks = ReadonlyMap<string, readonly Knock[]>;

export interface Choosing {
  readonly book: Book;
  readonly pacer: Pacer;
  readonly nowMs: number;
  /** Images that could not go yet, and until when. */
  readonly waits: ReadonlyMap<string, number>;
  readonly perRegistryPass: number;
  readonly knock: Knocker;
}

export interface Chosen {
  readonly now: readonly Demand[];
  readonly waits: ReadonlyMap<string, number>;
  /** Failed because a host did not open; it opens again, and their turn is not yet. */
  readonly lifted: readonly string[];
}

export async function choose(kind: 'regular' | 'early', choosing: Choosing): Promise<Chosen> {
  const { book, pacer, nowMs, waits, perRegistryPass } = choosing;
  const due = spread(book.due(kind, nowMs, waits), registryOf, perRegistryPass).now;
  const nobody: readonly Knock[] = [];
  const now: Demand[] = [];
  const late = new Set<string>();
  for (const demand of due) {
    if (pacer.admits(askingOf(book.known(demand), nobody), nowMs)) now.push(demand);
    else late.add(demandId(demand));
  }
  const going = new Set(now.map(demandId));
  const others = book.demands().filter((demand) => {
    const id = demandId(demand);
    return !going.has(id) && (kind === 'regular' || late.has(id));
  });
  const known = others.map((demand) => book.known(demand));
  const heard = known.length === 0 ? undefined : await choosing.knock(known);
  for (const { lane, isPrivate } of [...(heard?.values() ?? [])].flat()) {
    if (lane !== undefined && isPrivate) pacer.learnPrivate(lane);
  }
  const waiting = new Map([...waits].filter(([id]) => kind === 'early' && !going.has(id) && !late.has(id)));
  const lifted: string[] = [];
  for (const one of known) {
    const id = demandId(one.demand);
    const knocks = heard?.get(id) ?? nobody;
    const { report } = one;
    const isChanged = report !== undefined && differs(report, knocks);
    if (!late.has(id) && !isChanged) continue;
    const asking = askingOf(one, knocks);
    if (isShut(knocks) || pacer.admits(asking, nowMs)) {
      now.push(one.demand);
      waiting.delete(id);
      continue;
    }
    waiting.set(id, pacer.nextMs(asking, nowMs));
    if (report !== undefined && isShutOut(report) && reopened(report, knocks)) lifted.push(id);
  }
  return { now, waits: waiting, lifted };
}

/** The verdict rests on a host that did not open. */
export function isShutOut({ verdict }: PullReport): boolean {
  if (verdict.is !== 'fails' && verdict.is !== 'unknown') return false;
  const { fault } = verdict;
  return isShutting(fault.code === 'auth.realm_unreachable' ? fault.cause.code : fault.code);
}

function askingOf({ demand, report }: Known, knocks: readonly Knock[]): Asking {
  const id = demandId(demand);
  if (!demand.image.ok || demand.policy === 'Never') return { id, lanes: [] };
  const asked = report === undefined ? [] : costsOf(report).keys();
  const lanes = new Set([...asked, ...firstLanes(knocks)]);
  const { registry } = demand.image.value;
  return { id, lanes: lanes.size > 0 ? [...lanes] : [laneOf(registry, { role: 'origin', authority: registry })] };
}

function registryOf(demand: Demand): string {
  return demand.image.ok ? demand.image.value.registry : demandId(demand);
}
