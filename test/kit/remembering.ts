/** A node that remembers from one rehearsal to the next, on a clock of its own: what forecasts from the past are tried with. */
import { emptyNodeHistory, learnReport, type NodeHistory } from '#forecast/history/history.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand, NodeView } from '#node/view.ts';
import { Memory } from '#runtime/attempt/memory.ts';
import type { Script } from './visit.ts';
import { pullOf, type PassSketch } from './stage.ts';

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

export class RememberingNode {
  /** What is changed by hand on it. */
  view: NodeView;
  readonly #sketch: PassSketch;
  history: NodeHistory = emptyNodeHistory;
  nowMs: number;

  constructor(view: NodeView, startMs: number, sketch: PassSketch = {}) {
    this.view = view;
    this.#sketch = sketch;
    this.nowMs = startMs;
  }

  /** One image, with nothing of earlier pulls in the memory of the wire, and learnt from. */
  async rehearse(wanted: string | Demand): Promise<PullReport> {
    const report = await pullOf(this.view, wanted, {
      memory: new Memory(),
      ...this.#sketch,
      now: () => new Date(this.nowMs),
      history: () => this.history,
    });
    this.history = learnReport(this.history, report);
    return report;
  }

  /** To be played first: the server's clock is the node's. */
  readonly dates: Script = ({ response }) => {
    response.setHeader('date', new Date(this.nowMs).toUTCString());
    return undefined;
  };

  async after(ms: number, wanted: string | Demand): Promise<PullReport> {
    this.nowMs += ms;
    return this.rehearse(wanted);
  }
}

export function predicted({ forecasts }: PullReport, rule: string): Forecast | undefined {
  return forecasts.find((forecast) => forecast.rule === rule);
}
