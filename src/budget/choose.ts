/**
 * Who is rehearsed in a pass: those that are due, as far as this agent's share of each registry goes. At the doors of all others
 * it knocks: what shows itself there is rehearsed at once where that asks nobody anything, and as soon as it may where it does.
 */
import { costsOf, laneOf } from './key.ts';
import { demandId } from '#report/ledger.ts';
import { differs, firstLanes, isShut, isShutting, reopened, type Knock } from './connectivity-probe.ts';
import { spread } from './pace.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand } from '#node/view.ts';
import type { Book } from '#agent/state.ts';
import type { FallThrough } from './fall-through.ts';
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
  readonly fallThrough: FallThrough;
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

/** The lanes whose turn would have to come for those who are due. */
export function dueLanes(
  kind: 'regular' | 'early',
  choosing: Omit<Choosing, 'knock' | 'perRegistryPass'>,
): ReadonlySet<string> {
  const { book, pacer, fallThrough, nowMs, waits } = choosing;
  const due = book.due(kind, nowMs, waits);
  const lanes = due.map((demand) => pacer.strictest(askingOf(book.known(demand), [], fallThrough).lanes));
  return new Set(lanes.filter((lane) => lane !== undefined));
}

export async function choose(kind: 'regular' | 'early', choosing: Choosing): Promise<Chosen> {
  const { book, pacer, nowMs, waits, perRegistryPass } = choosing;
  const due = spread(book.due(kind, nowMs, waits), registryOf, perRegistryPass).now;
  const nobody: readonly Knock[] = [];
  const now: Demand[] = [];
  const late = new Set<string>();
  for (const demand of due) {
    if (turnOf(book.known(demand), nobody, choosing).is === 'now') now.push(demand);
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
    const turn = isShut(knocks) ? ({ is: 'now' } as const) : turnOf(one, knocks, choosing);
    if (turn.is === 'now') {
      now.push(one.demand);
      waiting.delete(id);
      continue;
    }
    waiting.set(id, turn.fromMs);
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

function turnOf(known: Known, knocks: readonly Knock[], { pacer, fallThrough, nowMs }: Choosing): Turn {
  return turnAt(askingOf(known, knocks, fallThrough), { pacer, fallThrough, nowMs });
}

export type Turn = { readonly is: 'now' } | { readonly is: 'later'; readonly fromMs: number };

/**
 * Its turn is that of the strictest lane that it may need. One that did not get by without a lane behind the first may go at the
 * first one's as well, now and then: the gate in front of the others stays shut, and it is seen whether the first serves again.
 */
export function turnAt(
  asking: Asking,
  { pacer, fallThrough, nowMs }: Pick<Choosing, 'pacer' | 'fallThrough' | 'nowMs'>,
): Turn {
  if (pacer.admits(asking, nowMs)) return { is: 'now' };
  const wholeMs = pacer.nextMs(asking, nowMs);
  const lanes = asking.lanes.slice(0, 1);
  if (pacer.strictest(asking.lanes) === lanes[0]) return { is: 'later', fromMs: wholeMs };
  const first = { id: asking.id, lanes };
  const againMs = fallThrough.untilMs(asking.id);
  if (againMs <= nowMs && pacer.admits(first, nowMs)) return { is: 'now' };
  return { is: 'later', fromMs: Math.min(wholeMs, pacer.nextMs(first, Math.max(nowMs, againMs))) };
}

/** In the order in which they would be asked. */
function askingOf({ demand, report }: Known, knocks: readonly Knock[], fallThrough: FallThrough): Asking {
  const id = demandId(demand);
  if (!demand.image.ok || demand.policy === 'Never') return { id, lanes: [] };
  const asked = report === undefined ? [] : costsOf(report).keys();
  const lanes = new Set([...firstLanes(knocks), ...asked, ...fallThrough.lanes(id)]);
  const { registry } = demand.image.value;
  return { id, lanes: lanes.size > 0 ? [...lanes] : [laneOf(registry, { role: 'origin', authority: registry })] };
}

function registryOf(demand: Demand): string {
  return demand.image.ok ? demand.image.value.registry : demandId(demand);
}
