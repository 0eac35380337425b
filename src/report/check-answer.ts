/**
 * The answer to a check, as one drypull gives it to another: reports with their age, perhaps without their steps; and when what
 * an agent knows already is answer enough. Pure.
 */
import { omit } from '#data/omit.ts';
import type { PullReport } from './report.ts';
import { defaultPace, retryKindOf } from '#budget/pace.ts';

/** How a check is to be answered. */
export interface CheckManner {
  /** From what is known, where that is fresh; else rehearsed anew in any case. */
  readonly known: boolean;
  /** Verdict and advice without the steps that led there. */
  readonly brief: boolean;
}

export interface CheckedReport extends PullReport {
  /** By the clock of the node that answered: how long ago it was rehearsed. */
  readonly ageMs: number;
}

/**
 * What pulls is known for a cadence, as it is to the agent itself. What does not is asked anew, for it may just have been pushed
 * or mended: unless another try could make it worse (a quota, a login), or a neighbour has asked within the last seconds. Nor is
 * it answer enough that a mirror still has what a tag led to before.
 */
export function isFresh(report: PullReport, at: { readonly nowMs: number; readonly cadenceMs: number }): boolean {
  const ageMs = at.nowMs - Date.parse(report.at);
  const { verdict } = report;
  if (isOfDigest(report)) return false;
  const lasts = verdict.is === 'pulls' || verdict.is === 'at_risk' || retryKindOf(verdict) === 'shy';
  return ageMs >= 0 && ageMs < (lasts ? at.cadenceMs : Math.min(defaultPace.soonestMs, at.cadenceMs));
}

/** Of a tag, a digest was asked for (Manners: mirrors). */
function isOfDigest({ reference = '', attempts }: PullReport): boolean {
  const asked = attempts.at(-1)?.exchanges.findLast(({ act, outcome }) => act === 'resolve' && outcome.ok);
  return !reference.includes('@') && /\/manifests\/[^/?:]+:/.test(asked?.url ?? '');
}

export function checked(report: PullReport, { brief }: CheckManner, nowMs: number): CheckedReport {
  const ageMs = Math.max(0, nowMs - Date.parse(report.at));
  if (!brief) return { ...report, ageMs };
  return { ...omit(report, 'plan'), attempts: [], evidence: [], warnings: [], ageMs };
}
