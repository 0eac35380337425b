/** How many cadences lie between two rehearsals of an image. */
import type { History } from '#report/verdict-history.ts';
import { cadencesOf } from './pace.ts';
import { phaseOf } from './phase.ts';
import { lastSlot } from './share.ts';
import type { Demand } from '#node/view.ts';

const dayMs = 24 * 3_600_000;
const weekMs = 7 * dayMs;

/** What has been well for days is looked at less often: its connections are still opened in every pass. */
export function calmOf(history: Pick<History, 'sinceMs' | 'recent'>, nowMs: number): number {
  const last = history.recent.at(-1);
  if (last?.is !== 'pulls' || history.sinceMs === undefined) return 1;
  const wellMs = nowMs - history.sinceMs;
  return wellMs >= weekMs ? 4 : wellMs >= dayMs ? 2 : 1;
}

/** Both together, bounded: an hour and more of a five-minute cadence are too long to miss that a tag is gone. */
export function restOf(demand: Demand, history: Pick<History, 'sinceMs' | 'recent'>, nowMs: number): number {
  return Math.min(cadencesOf(demand) * calmOf(history, nowMs), 12);
}

/** As often as an image that rests longest is rehearsed: more often there is nothing to be learnt of its tag. */
const tagSoonestMs = 3_600_000;

/**
 * Between two times that a mirror is asked for a tag itself, which it may have to ask the registry behind it: so long that a fleet
 * stays within that registry's budget too. `roundMs`: how long a round of such questions takes within this agent's share of it.
 */
export function tagRestMs(roundMs: number): number {
  return Math.max(roundMs, tagSoonestMs);
}

/** Whether the moment of a tag has come since it was asked for: the moments of a fleet's tags are spread over the whole rest. */
export function isTagDue(
  { restMs, name }: { readonly restMs: number; readonly name: string },
  { askedMs, nowMs }: { readonly askedMs: number; readonly nowMs: number },
): boolean {
  return lastSlot(restMs, { nowMs, phase: phaseOf(name) }) > askedMs;
}

/** Over so long the first passes of a fleet that is started at once are spread: a hundred agents a second. */
export function firstDelayMs(agents: number, cadenceMs: number): number {
  return agents <= 20 ? 0 : Math.min(agents * 10, cadenceMs);
}
