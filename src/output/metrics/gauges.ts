/**
 * The gauges that are recomputed from the ledger at each scrape: verdicts, forecasts, certificates. Names of registries
 * and hosts are capped by count.
 */
import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import { rootOf, ownerOf } from '#report/fault.ts';
import type { Entry, Ledger } from '#report/ledger.ts';
import { verdicts } from '#report/verdict.ts';
import { soonestExpiries } from './observations.ts';

/** Registries and hosts are named up to this many; later ones are `other`. */
export const namesKept = 50;

export interface GaugeSource {
  readonly ledger: () => Ledger;
  readonly perImageSeries: () => number;
}

export type NameCap = (name: string) => string;

/** The first `room` names as they are, all others as `other`. */
export function capped(space: number): NameCap {
  const kept = new Set<string>();
  return (name) => {
    const short = name.length > 255 ? 'other' : name;
    if (kept.has(short)) return short;
    if (kept.size >= space) return 'other';
    kept.add(short);
    return short;
  };
}

export function addImages(registry: Registry, { ledger, perImageSeries }: GaugeSource, names: NameCap): void {
  registry.registerMetric(
    new Gauge({
      name: 'drypull_images',
      help: 'Images that this node is asked for, by registry and by the verdict on them.',
      labelNames: ['registry', 'verdict'],
      registers: [],
      collect() {
        this.reset();
        for (const { report } of ledger().entries) {
          const name = names(report.registry ?? 'none');
          // All four verdicts are there from the start: a series that appears with its first failure hides it from rate().
          for (const verdict of verdicts) this.inc({ registry: name, verdict }, verdict === report.verdict.is ? 1 : 0);
        }
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'drypull_image_not_pulling',
      help: 'Always 1: an image that would not pull (verdict fails) or of which it cannot be told (verdict unknown), and why. Capped.',
      labelNames: ['image', 'registry', 'verdict', 'fault', 'owner', 'stage'],
      registers: [],
      collect() {
        this.reset();
        for (const { report } of listed(ledger(), perImageSeries())) {
          const { verdict } = report;
          if (verdict.is === 'pulls' || verdict.is === 'at_risk') continue;
          const { code } = rootOf(verdict.fault);
          const cause = { verdict: verdict.is, fault: verdict.fault.code, owner: ownerOf(code), stage: verdict.stage };
          this.set({ image: report.image.slice(0, 512), registry: names(report.registry ?? 'none'), ...cause }, 1);
        }
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'drypull_images_failing',
      help: 'Images that would not pull, by registry, by the fault that decides it and by whose door to knock on.',
      labelNames: ['registry', 'fault', 'owner'],
      registers: [],
      collect() {
        this.reset();
        for (const { report } of ledger().entries) {
          if (report.verdict.is !== 'fails') continue;
          const { fault } = report.verdict;
          this.inc({
            registry: names(report.registry ?? 'none'),
            fault: fault.code,
            owner: ownerOf(rootOf(fault).code),
          });
        }
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'drypull_images_not_pulling_unlisted',
      help: 'Images that do not pull and have no series of their own in drypull_image_not_pulling, because the cap is reached.',
      registers: [],
      collect() {
        this.set(Math.max(0, notPulling(ledger()).length - perImageSeries()));
      },
    }),
  );
}

function notPulling(ledger: Ledger): readonly Entry[] {
  return ledger.entries.filter(({ report }) => report.verdict.is === 'fails' || report.verdict.is === 'unknown');
}

/** What fails before what is unknown; within each, what has stood longest, so that a series once listed tends to stay. */
function listed(ledger: Ledger, space: number): readonly Entry[] {
  const rank = ({ report }: Entry): number => (report.verdict.is === 'fails' ? 0 : 1);
  return notPulling(ledger)
    .toSorted((a, b) => rank(a) - rank(b) || (a.history.sinceMs ?? 0) - (b.history.sinceMs ?? 0))
    .slice(0, space);
}

export function addForecasts(registry: Registry, { ledger }: GaugeSource, hosts: NameCap): void {
  registry.registerMetric(
    new Gauge({
      name: 'drypull_forecasts',
      help: 'Images for which trouble is foreseen, and troubles foreseen of the node as a whole (1 each), by the rule that foresees it and the fault that would be met.',
      labelNames: ['rule', 'fault', 'likelihood'],
      registers: [],
      collect() {
        this.reset();
        for (const { report } of ledger().entries) {
          for (const { rule, fault, likelihood } of report.forecasts) this.inc({ rule, fault, likelihood });
        }
        for (const { rule, fault, likelihood } of ledger().forecasts) this.inc({ rule, fault, likelihood });
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'drypull_certificate_expiry_timestamp_seconds',
      help: 'Earliest end of a certificate in the chain that a host showed, in seconds since the epoch.',
      labelNames: ['registry', 'host'],
      registers: [],
      collect() {
        this.reset();
        for (const { registry: name, host, atMs } of soonestExpiries(ledger(), namesKept)) {
          this.set({ registry: name, host: hosts(host) }, atMs / 1000);
        }
      },
    }),
  );
}
