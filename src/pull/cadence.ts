/** How many cadences lie between two rehearsals of an image. */
import type { History } from './history.ts';
import { cadencesOf } from './pace.ts';
import type { Demand } from './view.ts';

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

/** Over so long the first passes of a fleet that is started at once are spread: a hundred agents a second. */
export function firstDelayMs(agents: number, cadenceMs: number): number {
  return agents <= 20 ? 0 : Math.min(agents * 10, cadenceMs);
}
