/** When passes begin. The agents of a fleet share their registries, so each begins later than the schedule by its own delay. */
import { nextIntervalMs, type Schedule } from '#config/schedule.ts';
import { delay } from '#timing.ts';

/**
 * `due`: begin a pass. `missed`: begin one although its time has gone by, because the machine slept. `overlap`: the last pass still
 * ran when the next was to begin; do not begin another.
 */
export type Tick = 'due' | 'missed' | 'overlap';

interface TickOptions {
  /** Between the time of the schedule and the pass. */
  readonly delayMs: number;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Under load a timer fires late by less than this; after the machine slept, by more. */
const lateMs = 5000;
/** setTimeout holds 24.8 days; a cron expression may wait years. */
const longestTimerMs = 24 * 3_600_000;

/** Until the signal is aborted. The reader awaits its pass before it asks for the next tick. */
export async function* ticks(schedule: Schedule, { delayMs, now, signal }: TickOptions): AsyncGenerator<Tick> {
  const next = await nextOf(schedule);
  const beginAfter = (ms: number): number => next(ms - delayMs) + delayMs;
  for (let beginMs = beginAfter(now()); ; beginMs = beginAfter(now())) {
    while (now() < beginMs && !signal.aborted) await delay(Math.min(beginMs - now(), longestTimerMs), signal);
    if (signal.aborted) return;
    const followingMs = beginAfter(now());
    yield now() - beginMs > lateMs ? 'missed' : 'due';
    if (followingMs < now()) yield 'overlap';
  }
}

async function nextOf({ cron, cadenceMs }: Schedule): Promise<(afterMs: number) => number> {
  if (cron === undefined) return (afterMs) => nextIntervalMs(cadenceMs, afterMs);
  // Loaded only where a cron expression is configured: node-cron's Intl tables take 6.5 MiB.
  const { nextRunMs } = await import('#config/cron.ts');
  return (afterMs) => nextRunMs(cron, afterMs);
}
