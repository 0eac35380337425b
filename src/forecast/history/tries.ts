/** How often something worked and when it did not: failures outlive successes, of which the last alone has a time. */
import type { FaultCode } from '#report/fault.ts';
import { faultIn, fieldsOf, numberIn, numbersIn } from './tolerant.ts';

export interface Tries {
  /** Since it was first tried. */
  readonly good: number;
  readonly lastGoodMs?: number;
  /** The last failures, oldest first. */
  readonly bad: readonly number[];
  /** Of the last failure. */
  readonly fault?: FaultCode;
  /** Times that it failed after it had worked, oldest first: what comes and goes. */
  readonly falls: readonly number[];
}

export const noTries: Tries = { good: 0, bad: [], falls: [] };

const mostFailures = 12;
/** Many images ask one host within a pass: what fails and works within it fell once. */
const oneFallMs = 60_000;

export function tried(before: Tries, atMs: number, fault?: FaultCode): Tries {
  if (fault === undefined) return { ...before, good: before.good + 1, lastGoodMs: atMs };
  const lastBad = before.bad.at(-1) ?? Number.NEGATIVE_INFINITY;
  const lastFall = before.falls.at(-1) ?? Number.NEGATIVE_INFINITY;
  const fell = before.lastGoodMs !== undefined && before.lastGoodMs > lastBad && atMs - lastFall > oneFallMs;
  return {
    ...before,
    bad: [...before.bad, atMs].slice(-mostFailures),
    falls: fell ? [...before.falls, atMs].slice(-mostFailures) : before.falls,
    fault,
  };
}

/** Since when it has not worked; undefined where it works, or was never tried. */
export function downSinceMs({ bad, lastGoodMs = Number.NEGATIVE_INFINITY }: Tries): number | undefined {
  return bad.find((atMs) => atMs > lastGoodMs);
}

export function readTries(value: unknown): Tries {
  const fields = fieldsOf(value);
  const [good, lastGoodMs, fault] = [numberIn(fields, 'good'), numberIn(fields, 'lastGoodMs'), faultIn(fields)];
  if (good === undefined) return noTries;
  return {
    good,
    ...(lastGoodMs === undefined ? {} : { lastGoodMs }),
    bad: numbersIn(fields, 'bad').slice(-mostFailures),
    falls: numbersIn(fields, 'falls').slice(-mostFailures),
    ...(fault === undefined ? {} : { fault }),
  };
}
