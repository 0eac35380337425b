/**
 * A short memory of one image: the last outcomes one by one, and what stood before them as spans of equal verdicts.
 * Bounded by count. Failures outlive successes: a month of "pulls" is one span, and when room is needed the oldest span that
 * pulled goes first. Pure: time comes in with each outcome.
 */
import type { FaultCode } from './fault.ts';
import type { Stage } from './rehearsal.ts';
import type { PullReport } from './report.ts';
import type { Verdict } from './verdict.ts';

/** What one rehearsal came to. */
export interface VerdictOutcome {
  readonly atMs: number;
  readonly ms: number;
  readonly is: Verdict['is'];
  /** Present where the verdict has a cause; for `at_risk` the fault that is foreseen first. */
  readonly fault?: FaultCode;
  readonly stage?: Stage;
}

/** Consecutive turns with the same verdict and the same cause. */
interface Span {
  readonly fromMs: number;
  /** The last turn that agreed. */
  readonly toMs: number;
  readonly count: number;
  readonly is: Verdict['is'];
  readonly fault?: FaultCode;
  readonly stage?: Stage;
  /** Something that came between this span and the one before it was forgotten. */
  readonly afterGap?: true;
}

export interface History {
  /** Since when the present verdict has stood, whatever its cause was meanwhile; absent before the first turn. */
  readonly sinceMs?: number;
  /** Oldest first; the last one is the present. Never two neighbours alike unless something between them was forgotten. */
  readonly spans: readonly Span[];
  /** The last turns, oldest first. */
  readonly recent: readonly VerdictOutcome[];
  /** All turns ever, the forgotten ones included. */
  readonly count: number;
}

export const emptyHistory: History = { spans: [], recent: [], count: 0 };

export function outcomeOf(report: PullReport): VerdictOutcome {
  const { verdict } = report;
  const base = { atMs: Date.parse(report.at), ms: report.ms, is: verdict.is };
  switch (verdict.is) {
    case 'pulls':
      return base;
    case 'at_risk': {
      const fault = verdict.forecasts[0]?.fault;
      return fault === undefined ? base : { ...base, fault };
    }
    case 'fails':
    case 'unknown':
      return { ...base, fault: verdict.fault.code, stage: verdict.stage };
  }
}

/**
 * The memory with one more outcome, at most `keep` turns and `keep` spans long. A turn whose time is unreadable, or lies before
 * the present one (the node's clock was set back), is taken to have happened at the present one's time: spans never overlap.
 */
export function remember(history: History, outcome: VerdictOutcome, keep: number): History {
  const space = Math.max(1, Math.floor(keep));
  const latest = history.recent.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
  const atMs = Number.isFinite(outcome.atMs) ? Math.max(outcome.atMs, latest) : Math.max(latest, 0);
  const heard = { ...outcome, atMs };
  const since = history.recent.at(-1)?.is === outcome.is ? history.sinceMs : undefined;
  return {
    sinceMs: since ?? atMs,
    spans: forget(extend(history.spans, heard), space),
    recent: [...history.recent, heard].slice(-space),
    count: history.count + 1,
  };
}

/** The memory cut to a smaller bound, as after a change of configuration. */
export function trim(history: History, keep: number): History {
  const space = Math.max(1, Math.floor(keep));
  return { ...history, spans: forget(history.spans, space), recent: history.recent.slice(-space) };
}

function extend(spans: readonly Span[], outcome: VerdictOutcome): readonly Span[] {
  const last = spans.at(-1);
  if (last !== undefined && sameCause(last, outcome)) {
    return [...spans.slice(0, -1), { ...last, toMs: outcome.atMs, count: last.count + 1 }];
  }
  const cause = {
    is: outcome.is,
    ...(outcome.fault === undefined ? {} : { fault: outcome.fault }),
    ...(outcome.stage === undefined ? {} : { stage: outcome.stage }),
  };
  return [...spans, { fromMs: outcome.atMs, toMs: outcome.atMs, count: 1, ...cause }];
}

function sameCause(a: Span | VerdictOutcome, b: Span | VerdictOutcome): boolean {
  return a.is === b.is && a.fault === b.fault && a.stage === b.stage;
}

/** The present span always stays. Of the others the oldest that pulled goes first, then the oldest. */
function forget(spans: readonly Span[], space: number): readonly Span[] {
  let kept = spans;
  while (kept.length > space) {
    const happy = kept.slice(0, -1).findIndex((span) => span.is === 'pulls');
    kept = without(kept, Math.max(happy, 0));
  }
  return kept;
}

function without(spans: readonly Span[], leaves: number): readonly Span[] {
  return spans.flatMap((span, index): readonly Span[] => {
    if (index === leaves) return [];
    return index === leaves + 1 && leaves > 0 ? [{ ...span, afterGap: true }] : [span];
  });
}

/** How many of the latest turns in a row did not pull: what back-off counts. */
export function failuresInRow(history: History): number {
  let count = 0;
  for (const outcome of history.recent.toReversed()) {
    if (outcome.is === 'pulls' || outcome.is === 'at_risk') break;
    count += 1;
  }
  return count;
}

/** One stretch of the timeline; `forgotten` where the memory had no room. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  readonly is: Verdict['is'] | 'forgotten';
  readonly fault?: FaultCode;
  readonly stage?: Stage;
}

/**
 * The history as stretches without gaps, oldest first: each lasts until the next begins, the present one until `nowMs`. What
 * was forgotten between two spans is said.
 */
export function timeline(history: History, nowMs: number): readonly Stretch[] {
  return history.spans.flatMap((span, index): readonly Stretch[] => {
    const next = history.spans[index + 1];
    const stretch = {
      fromMs: span.fromMs,
      is: span.is,
      ...(span.fault === undefined ? {} : { fault: span.fault }),
      ...(span.stage === undefined ? {} : { stage: span.stage }),
    };
    if (next === undefined) return [{ ...stretch, toMs: Math.max(nowMs, span.toMs) }];
    if (next.afterGap !== true) return [{ ...stretch, toMs: next.fromMs }];
    return [
      { ...stretch, toMs: span.toMs },
      { fromMs: span.toMs, toMs: next.fromMs, is: 'forgotten' },
    ];
  });
}
