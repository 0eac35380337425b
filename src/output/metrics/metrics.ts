/**
 * What Prometheus is told. State (verdicts, certificates, quotas) is recomputed from the ledger at each scrape, so that an image
 * that is gone leaves no series; durations and counts are added once per rehearsal. A scrape never starts a rehearsal. Labels
 * are bounded: unions of literals, or names capped by count, beyond which `other` or a count of the unlisted stands.
 */
import { Counter, Histogram, Registry } from 'prom-client';
import { answerFor, isStale } from '#report/node-answer.ts';
import type { Ledger } from '#report/ledger.ts';
import type { PullReport } from '#report/report.ts';
import type { Score } from '#report/score.ts';
import type { Verdict } from '#report/verdict.ts';
import { addDisks } from './disks.ts';
import { addForecastTimes } from './forecasts.ts';
import { addForecasts, addImages, capped, namesKept } from './gauges.ts';
import { addPredictions } from './predictions.ts';
import { type Vitals, addProcess, addReading } from './process.ts';
import { addPace, type PaceSource } from './requests.ts';
import { addQuotas } from './quotas.ts';
import { observations } from './observations.ts';

export type { Vitals } from './process.ts';

export interface MetricsOptions {
  readonly ledger: () => Ledger;
  readonly now: () => number;
  readonly vitals: () => Vitals;
  readonly version: string;
  /** Images that do not pull get a series of their own up to this many; may change with the configuration. */
  readonly perImageSeries: () => number;
  readonly manners: PaceSource;
}

export interface Metrics {
  /** One rehearsal ended: its steps and its verdict are counted, once. */
  readonly observe: (report: PullReport) => void;
  /** One configuration file was read again. */
  readonly reloaded: (how: 'ok' | 'refused') => void;
  /** Certificate and key of the listener were read again. */
  readonly certificateRenewed: (how: 'ok' | 'refused') => void;
  /** The kubelet's outcome was held against what had been said; each once. What it counts to is the ledger's. */
  readonly scored: (found: Score) => void;
  readonly scrape: () => Promise<{ readonly contentType: string; readonly body: string }>;
}

const buckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export function openMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const names = capped(namesKept);
  const seconds = new Histogram({
    name: 'drypull_step_duration_seconds',
    help: 'Duration of one step of a rehearsed pull, by stage and registry.',
    labelNames: ['stage', 'registry'],
    buckets,
    registers: [registry],
  });
  const rehearsals = new Counter({
    name: 'drypull_rehearsals_total',
    help: 'Rehearsed pulls by verdict and by the code of the fault that decided it (none for pulls).',
    labelNames: ['verdict', 'fault'],
    registers: [registry],
  });
  const reloads = new Counter({
    name: 'drypull_config_reloads_total',
    help: 'Readings of a changed configuration, by outcome: ok, or refused and the old one kept.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  const renewals = new Counter({
    name: 'drypull_listener_certificate_reloads_total',
    help: "Readings of the listener's changed certificate and key, by outcome: ok, or refused and the old ones kept.",
    labelNames: ['outcome'],
    registers: [registry],
  });
  const leads = addPredictions(registry, options);
  addImages(registry, options, names);
  addForecasts(registry, options, capped(namesKept));
  addDisks(registry, options);
  addPace(registry, options.manners, names);
  addQuotas(registry, options);
  addForecastTimes(registry, options);
  addAgent(registry, options);
  return {
    observe: (report) => {
      rehearsals.inc({ verdict: report.verdict.is, fault: causeOf(report.verdict) });
      for (const { stage, ms } of observations(report)) {
        seconds.observe({ stage, registry: names(report.registry ?? 'none') }, ms / 1000);
      }
    },
    reloaded: (outcome) => reloads.inc({ outcome }),
    certificateRenewed: (outcome) => renewals.inc({ outcome }),
    scored: leads,
    scrape: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

function causeOf(verdict: Verdict): string {
  switch (verdict.is) {
    case 'pulls':
      return 'none';
    case 'at_risk':
      return verdict.forecasts[0]?.fault ?? 'none';
    case 'fails':
    case 'unknown':
      return verdict.fault.code;
  }
}

function addAgent(registry: Registry, { ledger, now, vitals, version }: MetricsOptions): void {
  addProcess(registry, { vitals, version });
  addReading(registry, 'drypull_node_ready', {
    help: '1 where this node may pull, 0 where it may not; absent while that is unknown.',
    read: () => ({ ready: 1, not_ready: 0, unknown: undefined })[answerFor(ledger(), now()).is],
  });
  addReading(registry, 'drypull_stale', {
    help: '1 where the agent stands still and its last reports describe another time, 0 where it does not.',
    read: () => (isStale(ledger(), now()) ? 1 : 0),
  });
  addReading(registry, 'drypull_images_asked', {
    help: 'Images that this node is asked for, rehearsed or not.',
    read: () => ledger().asked,
  });
  addReading(registry, 'drypull_last_pass_timestamp_seconds', {
    help: 'When the last pass over the images ended, in seconds since the epoch.',
    read: () => scaled(ledger().pass?.endedMs),
  });
  addReading(registry, 'drypull_last_pass_duration_seconds', {
    help: 'How long the last pass over the images took.',
    read: () => scaled(ledger().pass?.ms),
  });
}

function scaled(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
