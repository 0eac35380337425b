/**
 * What a test of foresight shows, in a form that can be counted: this rule foretold this fault, and it came, when it was said to.
 * `test/foresight/coverage.test.ts` holds the claims against the rules.
 */
import { expect } from 'vitest';
import { rootOf, type FaultCode } from '#report/fault.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { PullReport } from '#report/report.ts';

/** Forecasts of a node as a whole, and when they were made. */
export interface NodeTold {
  readonly forecasts: readonly Forecast[];
  readonly atMs: number;
}

/** What no verdict says: a delay, a text of the runtime's or the kubelet's, another node's pull. */
export interface Event {
  readonly atMs: number;
  /** What the forecast says of it. */
  readonly status: unknown;
  /** What was so. */
  readonly so: unknown;
}

export interface Shown {
  readonly shown: PullReport | NodeTold;
  readonly came: PullReport | Event;
  /** How far from the told moment it came. Default: not at all. */
  readonly offByS?: number;
}

/** The forecast, which stood while nothing had failed yet; what came is that fault, and came then. */
export function broughtAbout(rule: string, fault: FaultCode, { shown, came, offByS = 0 }: Shown): Forecast {
  const forecast = shown.forecasts.find((one) => one.rule === rule && one.fault === fault);
  if (forecast === undefined) throw new Error(`${rule} did not foretell ${fault}: ${JSON.stringify(shown.forecasts)}`);
  if ('verdict' in shown) expect(shown.verdict.is).not.toBe('fails');
  if ('verdict' in came) {
    const { verdict } = came;
    expect(verdict.is).toBe('fails');
    if (verdict.is === 'fails') expect([verdict.fault.code, rootOf(verdict.fault).code]).toContain(fault);
  } else expect(came.so).toEqual(came.status);
  const leadS = (momentOf(came) - momentOf(shown)) / 1000;
  expect(leadS).toBeGreaterThanOrEqual(0);
  // Without a moment, or with 0, it may come any time.
  const { withinS = 0 } = forecast;
  if (withinS > 0) expect(Math.abs(leadS - withinS)).toBeLessThanOrEqual(offByS);
  return forecast;
}

function momentOf(what: PullReport | NodeTold | Event): number {
  return 'at' in what ? Date.parse(what.at) : what.atMs;
}
