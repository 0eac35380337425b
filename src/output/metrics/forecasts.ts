/** How soon what is foretold would happen: one series for each trouble, the soonest first, capped by count. */
import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import type { Ledger } from '#report/ledger.ts';
import { upcomingForecasts } from '#forecast/upcoming.ts';

/** The soonest; of later ones `drypull_forecasts` counts. */
const most = 50;
/** Names of files, hosts and images; a label need not hold more. */
const longestAbout = 128;

export interface ForecastSource {
  readonly ledger: () => Ledger;
  readonly now: () => number;
}

export function addForecastTimes(registry: Registry, { ledger, now }: ForecastSource): void {
  registry.registerMetric(
    new Gauge({
      name: 'drypull_forecast_within_seconds',
      help: 'Seconds until a foretold trouble would stop or delay a pull, 0 for any moment; only where a time can be told, the soonest first, capped.',
      labelNames: ['rule', 'fault', 'about'],
      registers: [],
      collect() {
        this.reset();
        const timed = upcomingForecasts(ledger()).flatMap(({ forecast, byMs }) => {
          const { rule, fault, about, effect, likelihood } = forecast;
          if (byMs === undefined || effect === 'none' || likelihood === 'unknown') return [];
          return [{ labels: { rule, fault, about: about.toWellFormed().slice(0, longestAbout) }, byMs }];
        });
        for (const { labels, byMs } of timed.toSorted((one, other) => one.byMs - other.byMs).slice(0, most))
          this.set(labels, Math.max(0, Math.round((byMs - now()) / 1000)));
      },
    }),
  );
}
