/** Incidents of the field as tests, and what each of them must show. */
import { expect, test } from 'vitest';
import type { FaultCode } from '#report/fault.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Stage } from '#report/rehearsal.ts';
import type { PullReport } from '#report/report.ts';
import { scoreOutcome, type PullOutcome } from '#report/score.ts';
import { rows } from './incident-rows.ts';

/** One row as a test named after it; left out where what it takes is not there. */
export function incident(row: number, replay: () => Promise<void>, { isAble = true, timeout = 20_000 } = {}): void {
  const { issue, what } = rows[row] ?? { issue: 'no such row', what: '' };
  test.runIf(isAble)(`${row} ${issue}: ${what}`, { timeout }, replay);
}

function failureOf({ image }: PullReport, begun: Date, message: string): PullOutcome {
  return {
    image,
    namespace: 'shop',
    pod: 'web-0',
    part: 'container web',
    begun,
    at: begun,
    result: 'failed',
    reason: 'ErrImagePull',
    message,
  };
}

/** It fails so, and the pull that then fails was foretold: held against what the kubelet gets a minute later, it is a hit. */
export function expectForetold(report: PullReport, stage: Stage, code: FaultCode): void {
  expect(report.verdict).toMatchObject({ is: 'fails', stage, fault: { code } });
  const begun = new Date(Date.parse(report.at) + 60_000);
  const outcome = failureOf(report, begun, report.kubelet?.waitingMessage ?? '');
  const stood = { report, since: new Date(report.at) };
  expect(scoreOutcome(outcome, [stood])).toMatchObject({ is: 'hit', leadS: 60, sameReason: true });
}

/** It works and is at risk by this rule; the kubelet's failure that then comes is a hit, so long after. */
export function expectWarned(
  report: PullReport,
  shown: Pick<Forecast, 'rule' | 'fault'> & Partial<Forecast>,
  failure: { readonly begun: Date; readonly message: string },
): void {
  expect(report.verdict.is).toBe('at_risk');
  const threats = report.verdict.is === 'at_risk' ? report.verdict.forecasts : [];
  expect(threats).toContainEqual(expect.objectContaining(shown));
  const since = new Date(report.at);
  const leadS = (failure.begun.getTime() - since.getTime()) / 1000;
  expect(leadS).toBeGreaterThan(0);
  const outcome = failureOf(report, failure.begun, failure.message);
  expect(scoreOutcome(outcome, [{ report, since }])).toMatchObject({ is: 'hit', logged: 'at_risk', leadS });
}

/** It was at risk by this rule, and then the rehearsal fails with the fault that was foretold, as the pull does. */
export function expectCame(
  before: PullReport,
  after: PullReport,
  shown: Pick<Forecast, 'rule' | 'fault'> & Partial<Forecast> & { readonly stage: Stage },
): void {
  const { stage, ...forecast } = shown;
  expect(after.verdict).toMatchObject({ is: 'fails', stage, fault: { code: shown.fault } });
  expectWarned(before, forecast, { begun: new Date(after.at), message: after.kubelet?.waitingMessage ?? '' });
}
