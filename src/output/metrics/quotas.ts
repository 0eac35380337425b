/** The gauges of pull quotas: what is left, of how much, and when it will be used up. Labels are bounded by what is remembered. */
import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import type { Ledger } from '#report/ledger.ts';
import { exhaustionOf, type QuotaSeries } from '#report/quota.ts';

export interface QuotaGaugeSource {
  readonly ledger: () => Ledger;
  readonly now: () => number;
}

/** What was seen longer ago is not told as if it were so now. */
const staleMs = 2 * 3_600_000;
const mostLabelChars = 120;

export function addQuotas(registry: Registry, source: QuotaGaugeSource): void {
  const labels = ['registry', 'source', 'account', 'family'] as const;
  const parts = [
    [
      'remaining',
      'Pulls that are left in the window, as a registry said last, by whom it counts: its source, account and address family.',
    ],
    ['limit', 'Pulls that a registry allows in a window, as it said last, by whom it counts.'],
  ] as const;
  for (const [part, help] of parts) {
    registry.registerMetric(
      new Gauge({
        name: `drypull_rate_limit_${part}`,
        help,
        labelNames: labels,
        registers: [],
        collect() {
          this.reset();
          for (const series of fresh(source)) {
            const value = part === 'limit' ? series.limit : series.points.at(-1)?.[1];
            if (value !== undefined) this.set(labelsOf(series), value);
          }
        },
      }),
    );
  }
  registry.registerMetric(
    new Gauge({
      name: 'drypull_rate_limit_exhaustion_seconds',
      help: 'Seconds until a quota will be used up if consumption goes on as it was seen; absent where it will not be.',
      labelNames: ['registry', 'source'],
      registers: [],
      collect() {
        this.reset();
        for (const [labelled, seconds] of exhaustions(source)) this.set(labelled, seconds);
      },
    }),
  );
}

function fresh({ ledger, now }: QuotaGaugeSource): readonly QuotaSeries[] {
  return (ledger().quotas ?? []).filter(({ reported, seenMs }) => reported === 'numbers' && now() - seenMs < staleMs);
}

/** The soonest of each registry and source. */
function exhaustions(source: QuotaGaugeSource): readonly (readonly [{ registry: string; source: string }, number])[] {
  const ends = fresh(source).flatMap((series) => {
    const end = exhaustionOf(series);
    if (end === undefined) return [];
    const { registry, source: from } = labelsOf(series);
    return [[{ registry, source: from }, Math.max(0, (end.atMs - source.now()) / 1000)] as const];
  });
  // The later ones come first and are overwritten.
  return ends.toSorted(([, one], [, other]) => other - one);
}

function labelsOf({
  registry,
  source,
  account,
  family,
}: QuotaSeries): Record<'registry' | 'source' | 'account' | 'family', string> {
  const short = (text: string): string => text.slice(0, mostLabelChars);
  return { registry: short(registry), source: short(source), account: short(account), family };
}
