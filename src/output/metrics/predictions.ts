/**
 * How well the verdicts foretold what the kubelet got. The counts are the ledger's own, read at each scrape; the lead times are
 * added once per scored outcome, because the ledger remembers only the last few.
 */
import type { Registry } from 'prom-client';
import { Counter, Histogram } from 'prom-client';
import type { Ledger } from '#report/ledger.ts';
import type { Score } from '#report/score.ts';
import { scoreKinds } from '#report/score.ts';

/** From a warning in the last moment to one a week ahead. */
const leadBuckets = [1, 10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600];

/** Returns what is to be told each scored outcome. */
export function addPredictions(
  registry: Registry,
  { ledger }: { readonly ledger: () => Ledger },
): (found: Score) => void {
  registry.registerMetric(
    new Counter({
      name: 'drypull_predictions_total',
      help: 'Verdicts held against what the kubelet then got: hit (failed as foretold), miss (failed, not foretold), false_alarm (pulled, foretold to fail), correct_rejection (pulled as foretold).',
      labelNames: ['outcome'],
      registers: [],
      collect() {
        this.reset();
        const tally = ledger().scores?.tally;
        if (tally === undefined) return;
        for (const outcome of scoreKinds) this.inc({ outcome }, tally.counts[outcome]);
      },
    }),
  );
  registry.registerMetric(
    new Counter({
      name: 'drypull_predictions_unscored_total',
      help: "Outcomes of the kubelet's that nothing certain had been said about before.",
      registers: [],
      collect() {
        this.reset();
        const tally = ledger().scores?.tally;
        if (tally === undefined) this.remove();
        else this.inc(tally.unscored);
      },
    }),
  );
  const seconds = new Histogram({
    name: 'drypull_prediction_lead_seconds',
    help: 'Of hits: seconds between the first warning and the failure of the kubelet.',
    buckets: leadBuckets,
    registers: [registry],
  });
  return (found) => {
    if (found.is === 'hit' && found.leadS !== undefined && Number.isFinite(found.leadS)) seconds.observe(found.leadS);
  };
}
