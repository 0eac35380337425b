/**
 * When a pass begins: a cron expression, or an interval that is one. This file alone knows node-cron. Ten thousand agents share
 * their registries, so no pass begins on the stroke: each is put off by a part of the jitter that is its node's own.
 */
import { createTask, setLogger, validateDetailed } from 'node-cron';
import { delay } from './delay.ts';

export interface Schedule {
  /** As the operator wrote it. */
  readonly written: string;
  readonly cron: string;
  /** The longest time between two beginnings. */
  readonly cadenceMs: number;
}

export const scheduleAllowed =
  'an interval of at least 5s that divides a minute, an hour or a day (30s, 5m, 1h), or a cron expression ("*/5 * * * *")';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
export const shortestMs = 5 * second;

/** `readDuration` says how long "5m" is. Undefined: neither an interval that cron can keep, nor a cron expression. */
export function parseSchedule(text: string, readDuration: (text: string) => number | undefined): Schedule | undefined {
  const written = text.trim();
  const intervalMs = readDuration(written);
  if (intervalMs !== undefined) {
    const cron = intervalMs < shortestMs ? undefined : cronOf(intervalMs);
    return cron === undefined ? undefined : { written, cron, cadenceMs: intervalMs };
  }
  if (written.length > 200 || !validateDetailed(written).valid) return undefined;
  const gaps = gapsOf(written);
  if (gaps.length === 0 || Math.min(...gaps) < shortestMs) return undefined;
  return { written, cron: written, cadenceMs: Math.max(...gaps) };
}

function cronOf(intervalMs: number): string | undefined {
  if (minute % intervalMs === 0 && intervalMs % second === 0) {
    return intervalMs === minute ? '* * * * *' : `*/${intervalMs / second} * * * * *`;
  }
  if (hour % intervalMs === 0 && intervalMs % minute === 0) {
    return intervalMs === hour ? '0 * * * *' : `*/${intervalMs / minute} * * * *`;
  }
  if (day % intervalMs === 0 && intervalMs % hour === 0) {
    return intervalMs === day ? '0 0 * * *' : `0 */${intervalMs / hour} * * *`;
  }
  return undefined;
}

/** Milliseconds between the coming runs; enough of them to see a night and a weekend. */
function gapsOf(cron: string): readonly number[] {
  const task = createTask(cron, () => undefined);
  try {
    const runs = task.getNextRuns(20).map((run) => run.getTime());
    return runs.flatMap((run, index) => (index === 0 ? [] : [run - (runs[index - 1] ?? run)]));
  } catch {
    // An expression that never matches, such as 30 February.
    return [];
  } finally {
    void task.destroy();
  }
}

export interface Tick {
  readonly schedule: Schedule;
  /** After each stroke. */
  readonly delayMs: number;
  /** Called when a pass is to begin; node-cron waits for it before the next (noOverlap). */
  readonly pass: () => Promise<void>;
  /** A beginning that the machine slept through, or that found the last pass still running. */
  readonly skipped: (why: 'missed' | 'overlap') => void;
}

export interface TickSource {
  readonly stop: () => void;
}

export function startSchedule({ schedule, delayMs, pass, skipped }: Tick): TickSource {
  const stopped = new AbortController();
  // node-cron's own warnings go to the console; what matters of them comes as events.
  const silent = { info: ignore, warn: ignore, error: ignore, debug: ignore };
  setLogger(silent);
  const tick = async (): Promise<void> => {
    await pause(delayMs, stopped.signal);
    if (!stopped.signal.aborted) await pass();
  };
  const task = createTask(schedule.cron, tick, {
    noOverlap: true,
    suppressMissedWarning: true,
  });
  task.on('execution:missed', () => skipped('missed'));
  task.on('execution:overlap', () => skipped('overlap'));
  void task.start();
  const stop = (): void => {
    stopped.abort();
    void task.destroy();
  };
  return { stop };
}

/** Ends early, and well, when it is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms >= 1) await delay(ms, signal);
}

function ignore(): void {
  // Nothing to say.
}
