/**
 * The verdicts that stood lately, held against what the kubelet then got. The part of the book that only an agent with a
 * cluster has.
 */
import type { Scores } from '#report/ledger.ts';
import { noScores, score } from '#report/ledger.ts';
import type { PullReport } from '#report/report.ts';
import type { PullOutcome, Score, StoodVerdict } from '#report/score.ts';
import { isAbout, scoreOutcome, stand, stoodAt } from '#report/score.ts';
import type { Demand } from '#node/view.ts';

export class Predictions {
  readonly #stood = new Map<string, readonly StoodVerdict[]>();
  #scores: Scores = noScores;

  /** `sinceMs`: since when the verdict has been the same. */
  note(id: string, report: PullReport, sinceMs: number): void {
    this.#stood.set(id, stand(this.#stood.get(id) ?? [], report, new Date(sinceMs)));
  }

  /** Nobody asks for the others any more. */
  keep(asked: ReadonlyMap<string, Demand>): void {
    for (const id of this.#stood.keys()) if (!asked.has(id)) this.#stood.delete(id);
  }

  /** Against what had been said of the same demand, where anything had been; else of the same image. */
  hold(outcome: PullOutcome, asked: ReadonlyMap<string, Demand>): Score {
    const said = [...asked].flatMap(([id, demand]) => {
      const stood = demand.written === outcome.image ? stoodAt(this.#stood.get(id) ?? [], outcome.begun) : undefined;
      return stood === undefined ? [] : [{ demand, stood }];
    });
    const own = said.filter(({ demand }) => isAbout(outcome, demand));
    const counting = own.length > 0 ? own : said;
    const found = scoreOutcome(
      outcome,
      counting.map(({ stood }) => stood),
    );
    this.#scores = score(this.#scores, found);
    return found;
  }

  read(): Scores {
    return this.#scores;
  }
}
