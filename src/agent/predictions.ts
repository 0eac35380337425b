/** Recent verdicts, scored against what the kubelet then got. Only an agent with a cluster has them. */
import type { Scores } from '#report/ledger.ts';
import { noScores, score as addScore } from '#report/ledger.ts';
import type { PullReport } from '#report/report.ts';
import type { PullOutcome, Score, StandingPrediction } from '#report/score.ts';
import { isAbout, scoreOutcome, record, predictionAt } from '#report/score.ts';
import type { Demand } from '#kubelet/demand.ts';

export class Predictions {
  readonly #predictions = new Map<string, readonly StandingPrediction[]>();
  #scores: Scores = noScores;

  /** `sinceMs`: the verdict has been the same since then. */
  note(id: string, report: PullReport, sinceMs: number): void {
    this.#predictions.set(id, record(this.#predictions.get(id) ?? [], report, new Date(sinceMs)));
  }

  /** Forgets images that are no longer in demand. */
  keep(demands: ReadonlyMap<string, Demand>): void {
    for (const id of this.#predictions.keys()) if (!demands.has(id)) this.#predictions.delete(id);
  }

  /** Scores against the prediction for the same demand or, without one, for the same image. */
  score(outcome: PullOutcome, demands: ReadonlyMap<string, Demand>): Score {
    const known = [...demands].flatMap(([id, demand]) => {
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
    this.#scores = addScore(this.#scores, found);
    return found;
  }

  read(): Scores {
    return this.#scores;
  }
}
