/** The history behind the last reports, and the forecasts for the node as a whole. */
import { damp, learnHeld } from '#forecast/damping.ts';
import { diskReadings, type DiskReading } from '#kubelet/disk-reading.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Entry, Ledger } from '#report/ledger.ts';
import { forget, learnNode, learnReport, learnSamples, type NodeHistory } from '#forecast/history/history.ts';
import type { QuotaSample } from '#report/quota.ts';
import type { PullReport } from '#report/report.ts';
import type { NodeView } from '#node/view.ts';
import { forecastNode } from '#forecast/rules.ts';
import type { Demand } from '#kubelet/demand.ts';

export class NodeForecasts {
  #history: NodeHistory;
  #forecasts: readonly Forecast[] = [];
  #disks: readonly DiskReading[] = [];
  #forecastMs: number | undefined;

  /** `history`: from an earlier process. */
  constructor(history: NodeHistory) {
    this.#history = history;
  }

  history(): NodeHistory {
    return this.#history;
  }

  learn(report: PullReport): void {
    this.#history = learnReport(this.#history, report);
  }

  /** Quota samples taken outside of rehearsals. */
  learnSamples(samples: readonly QuotaSample[]): void {
    this.#history = learnSamples(this.#history, samples);
  }

  /** Forgets images that are no longer in demand. */
  keep(demands: readonly Demand[]): void {
    this.#history = forget(this.#history, new Set(demands.map(({ written }) => written)));
  }

  /** Learns from a new view of the node, and makes the forecasts again. */
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
