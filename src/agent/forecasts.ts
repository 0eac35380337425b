/** The part of the book that looks ahead: what is remembered beyond the last reports, and what follows for the node as a whole. */
import { damp, learnHeld } from '#forecast/damping.ts';
import { diskReadings, type DiskReading } from '#kubelet/disk-reading.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Entry, Ledger } from '#report/ledger.ts';
import { forget, learnNode, learnReport, learnSamples, type Past } from '#forecast/history/history.ts';
import type { QuotaSample } from '#report/quota.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand, NodeView } from '#node/view.ts';
import { foreseeNode } from '#forecast/rules.ts';

export class Foresight {
  #past: Past;
  #forecasts: readonly Forecast[] = [];
  #disks: readonly DiskReading[] = [];
  #foreseenMs: number | undefined;

  /** `past`: what an earlier life of the agent left. */
  constructor(past: Past) {
    this.#past = past;
  }

  past(): Past {
    return this.#past;
  }

  learn(report: PullReport): void {
    this.#past = learnReport(this.#past, report);
  }

  /** Looks at quotas beside the rehearsals. */
  learnSamples(samples: readonly QuotaSample[]): void {
    this.#past = learnSamples(this.#past, samples);
  }

  /** Nobody asks for the others any more. */
  keep(demands: readonly Demand[]): void {
    this.#past = forget(this.#past, new Set(demands.map(({ written }) => written)));
  }

  /** One more look at the node, and what follows from all that is known. */
  foresee(view: NodeView, entries: readonly Entry[], nowMs: number): void {
    this.#disks = diskReadings(view);
    this.#past = learnNode(this.#past, view, nowMs);
    const found = foreseeNode({ now: new Date(nowMs), view, entries, past: this.#past });
    const { damped } = this.#past;
    this.#forecasts = damp(damped.node, found, nowMs);
    this.#past = { ...this.#past, damped: { ...damped, node: learnHeld(damped.node, this.#forecasts, nowMs) } };
    this.#foreseenMs = nowMs;
  }

  read(): Pick<Ledger, 'forecasts' | 'disks' | 'quotas' | 'routes' | 'foreseenMs'> {
    return {
      forecasts: this.#forecasts,
      disks: this.#disks,
      quotas: this.#past.quotas,
      routes: this.#past.routes,
      ...(this.#foreseenMs === undefined ? {} : { foreseenMs: this.#foreseenMs }),
    };
  }
}
