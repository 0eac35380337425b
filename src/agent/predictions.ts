/**
 * The verdicts that stood lately, held against what the kubelet then got. The part of the book that only an agent with a
 * cluster has.
 */
import type { Scores } from '#report/ledger.ts';
import { noScores, score } from '#report/ledger.ts';
import type { PullReport } from '#report/report.ts';
import type { PullOutcome, Score, StandingPrediction } from '#report/score.ts';
import { isAbout, scoreOutcome, record, predictionAt } from '#report/score.ts';
import type { Demand } from '#node/view.ts';

export class Predictions {
  readonly #predictions = new Map<string, readonly StandingPrediction[]>();
  #scores: Scores = noScores;

  /** `sinceMs`: since when the verdict has been the same. */
  note(id: string, report: PullReport, sinceMs: number): void {
    this.#predictions.set(id, record(this.#predictions.get(id) ?? [], report, new Date(sinceMs)));
  }

  /** Nobody asks for the others any more. */
  keep(asked: ReadonlyMap<string, Demand>): void {
    for (const id of this.#predictions.keys()) if (!asked.has(id)) this.#predictions.delete(id);
  }

  /** Against what had been said of the same demand, where anything had been; else of the same image. */
  hold(outcome: PullOutcome, asked: ReadonlyMap<string, Demand>): Score {
    const known = [...asked].flatMap(([id, demand]) => {
      const prediction =
        demand.written === outcome.image ? predictionAt(this.#predictions.get(id) ?? [], outcome.begun) : undefined;
      return prediction === undefined ? [] : [{ demand, prediction }];
    });
    const own = known.filter(({ demand }) => isAbout(outcome, demand));
    const counting = own.length > 0 ? own : known;
    const found = scoreOutcome(
      outcome,
      counting.map(({ prediction }) => prediction),
    );
    this.#scores = score(this.#scores, found);
    return found;
  }

  read(): Scores {
    return this.#scores;
  }
}
