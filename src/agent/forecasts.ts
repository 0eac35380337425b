/** The part of the book that looks ahead: what is remembered beyond the last reports, and what follows for the node as a whole. */
import { damp, learnHeld } from '#forecast/damping.ts';
import { diskReadings, type DiskReading } from '#kubelet/disk-reading.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Entry, Ledger } from '#report/ledger.ts';
import { forget, learnNode, learnReport, learnSamples, type NodeHistory } from '#forecast/history/history.ts';
import type { QuotaSample } from '#report/quota.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand, NodeView } from '#node/view.ts';
import { forecastNode } from '#forecast/rules.ts';

export class NodeForecasts {
  #history: NodeHistory;
  #forecasts: readonly Forecast[] = [];
  #disks: readonly DiskReading[] = [];
  #forecastMs: number | undefined;

  /** `past`: what an earlier life of the agent left. */
  constructor(history: NodeHistory) {
    this.#history = history;
  }

  history(): NodeHistory {
    return this.#history;
  }

  learn(report: PullReport): void {
    this.#history = learnReport(this.#history, report);
  }

  /** Looks at quotas beside the rehearsals. */
  learnSamples(samples: readonly QuotaSample[]): void {
    this.#history = learnSamples(this.#history, samples);
  }

  /** Nobody asks for the others any more. */
  keep(demands: readonly Demand[]): void {
    this.#history = forget(this.#history, new Set(demands.map(({ written }) => written)));
  }

  /** One more look at the node, and what follows from all that is known. */
  evaluate(view: NodeView, entries: readonly Entry[], nowMs: number): void {
    this.#disks = diskReadings(view);
    this.#history = learnNode(this.#history, view, nowMs);
    const found = forecastNode({ now: new Date(nowMs), view, entries, history: this.#history });
    const { damped } = this.#history;
    this.#forecasts = damp(damped.node, found, nowMs);
    this.#history = { ...this.#history, damped: { ...damped, node: learnHeld(damped.node, this.#forecasts, nowMs) } };
    this.#forecastMs = nowMs;
  }

  read(): Pick<Ledger, 'forecasts' | 'disks' | 'quotas' | 'routes' | 'forecastMs'> {
    return {
      forecasts: this.#forecasts,
      disks: this.#disks,
      quotas: this.#history.quotas,
      routes: this.#history.routes,
      ...(this.#forecastMs === undefined ? {} : { forecastMs: this.#forecastMs }),
    };
  }
}
