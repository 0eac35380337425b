/** How many cadences lie between two rehearsals of an image, and when agents and tags are due. Pure. */
import type { History } from '#report/verdict-history.ts';
import { cadencesOf } from './pace.ts';
import { phaseOf } from './hash.ts';
import { lastSlot } from './share.ts';
import type { Demand } from '#kubelet/demand.ts';

const dayMs = 24 * 3_600_000;
const weekMs = 7 * dayMs;

/** An image that has pulled for days is rehearsed less often. Every pass still makes its connectivity probes. */
function calmOf(history: Pick<History, 'sinceMs' | 'recent'>, nowMs: number): number {
  const last = history.recent.at(-1);
  if (last?.is !== 'pulls' || history.sinceMs === undefined) return 1;
  const pullsForMs = nowMs - history.sinceMs;
  return pullsForMs >= weekMs ? 4 : pullsForMs >= dayMs ? 2 : 1;
}

/** Both factors, bounded: at a five-minute cadence, a deleted tag is noticed within an hour. */
export function restOf(demand: Demand, history: Pick<History, 'sinceMs' | 'recent'>, nowMs: number): number {
  return Math.min(cadencesOf(demand) * calmOf(history, nowMs), 12);
}

/** The longest time between two rehearsals at a five-minute cadence. */
const tagSoonestMs = 3_600_000;

/**
 * The time between two requests for a tag to a mirror. The mirror may have to query its upstream registry, and the fleet has to stay
 * within the budget of that registry too. `roundMs`: how long one such request for every tag takes within this agent's share.
 */
export function tagRestMs(roundMs: number): number {
  return Math.max(roundMs, tagSoonestMs);
}

/** Whether the slot of a tag began since its last request. The slots of a fleet's tags are spread over the whole rest. */
export function isTagDue(
  { restMs, name }: { readonly restMs: number; readonly name: string },
  { askedMs, nowMs }: { readonly askedMs: number; readonly nowMs: number },
): boolean {
  return lastSlot(restMs, { nowMs, phase: phaseOf(name) }) > askedMs;
}

/** The time over which the first passes of a fleet that starts at once are spread: a hundred agents a second. */
export function firstDelayMs(agents: number, cadenceMs: number): number {
  return agents <= 20 ? 0 : Math.min(agents * 10, cadenceMs);
}
