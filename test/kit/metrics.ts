/** Metrics over a fixed ledger. */
import type { Ledger } from '#report/ledger.ts';
import type { Metrics, MetricsOptions } from '#output/metrics/metrics.ts';
import { openMetrics } from '#output/metrics/metrics.ts';
import { now } from './ledger.ts';

export function metricsOver(ledger: () => Ledger, over: Partial<MetricsOptions> = {}): Metrics {
  return openMetrics({
    ledger,
    now: () => now,
    vitals: () => ({ cpuSeconds: 1.5, residentBytes: 70_000_000, startedAtS: 1_700_000_000 }),
    version: '0.1.0',
    perImageSeries: () => 100,
    manners: {
      spent: () => [{ budgetKey: 'registry.example.com', requests: { head: 2 }, pulls: 0, rateLimits: 0 }],
      pace: () => ({ agents: 1, cadences: [{ budgetKey: 'registry.example.com', cadenceMs: 300_000 }] }),
    },
    ...over,
  });
}
