/** The schedule of the passes: an interval, or a cron expression. */
export interface Schedule {
  /** As the user wrote it. */
  readonly written: string;
  /** Absent: an interval of `cadenceMs`. */
  readonly cron?: string;
  /** The longest time between two passes. */
  readonly cadenceMs: number;
}

export const scheduleAllowed =
  'an interval of at least 5s that divides a minute, an hour or a day (30s, 5m, 1h), or a cron expression ("*/5 * * * *")';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
export const shortestMs = 5 * second;

/** Undefined where passes cannot begin at the same times of each minute, hour or day. */
export function intervalSchedule(written: string, intervalMs: number): Schedule | undefined {
  const isRegular = [
    [minute, second],
    [hour, minute],
    [day, hour],
  ].some(([whole = 0, unit = 1]) => whole % intervalMs === 0 && intervalMs % unit === 0);
  return intervalMs < shortestMs || !isRegular ? undefined : { written, cadenceMs: intervalMs };
}

/** The next multiple of the interval, in UTC. */
export function nextIntervalMs(intervalMs: number, afterMs: number): number {
  return (Math.floor(afterMs / intervalMs) + 1) * intervalMs;
}

/** Reads a cron expression; see cron.ts, which is loaded only where one is configured. */
export type CronReader = (expression: string) => Schedule | undefined;
