/**
 * The verdicts that stood lately, held against what the kubelet then got. The part of the book that only an agent with a
 * cluster has.
 */
import type { Scores } from '#pull/ledger.ts';
import { noScores, score } from '#pull/ledger.ts';
import type { PullReport } from '#pull/report.ts';
import type { PullOutcome, Score, StoodVerdict } from '#pull/score.ts';
import { scoreOutcome, stand, stoodAt } from '#pull/score.ts';

export class Predictions {
  readonly #stood = new Map<string, readonly StoodVerdict[]>();
  #scores: Scores = noScores;

  /** `sinceMs`: since when the verdict has been the same. */
  note(id: string, report: PullReport, sinceMs: number): void {
    this.#stood.set(id, stand(this.#stood.get(id) ?? [], report, new Date(sinceMs)));
  }

  /** Nobody asks for the others any more. */
  keep(ids: ReadonlyMap<string, unknown>): void {
    for (const id of this.#stood.keys()) if (!ids.has(id)) this.#stood.delete(id);
  }

  hold(outcome: PullOutcome): Score {
    const said = [...this.#stood.values()].filter((stood) => stood.at(-1)?.report.image === outcome.image);
    const found = scoreOutcome(
      outcome,
      said.flatMap((stood) => stoodAt(stood, outcome.begun) ?? []),
    );
    this.#scores = score(this.#scores, found);
    return found;
  }

  read(): Scores {
    return this.#scores;
  }
}
