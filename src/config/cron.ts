/** Cron expressions. Load this file only where one is configured: node-cron reads Intl tables, which take 6.5 MiB. */
import { createTask, setLogger, validateDetailed } from 'node-cron';
import { shortestMs, type Schedule } from './schedule.ts';

// node-cron prints its own warnings to the console.
setLogger({ info: ignore, warn: ignore, error: ignore, debug: ignore });

const longestExpression = 200;

/** Undefined where it is not valid, never matches, or matches too often. */
export function readCron(expression: string): Schedule | undefined {
  if (expression.length > longestExpression || !validateDetailed(expression).valid) return undefined;
  const runs = nextRuns(expression, 20);
  const gaps = runs.slice(1).map((run, index) => run - (runs[index] ?? run));
  if (gaps.length === 0 || Math.min(...gaps) < shortestMs) return undefined;
  return { written: expression, cron: expression, cadenceMs: Math.max(...gaps) };
}

/** The first run after `afterMs` and after now. */
export function nextRunMs(expression: string, afterMs: number): number {
  return nextRuns(expression, 20).find((run) => run > afterMs) ?? Number.POSITIVE_INFINITY;
}

/** Twenty runs include a night and a weekend. */
function nextRuns(expression: string, count: number): readonly number[] {
  const task = createTask(expression, ignore);
  try {
    return task.getNextRuns(count).map((run) => run.getTime());
  } catch {
    // An expression that never matches, such as 30 February.
    return [];
  } finally {
    void task.destroy();
  }
}

function ignore(): void {
  // Required by node-cron, and never of use here.
}
