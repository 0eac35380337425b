/** One list: what will break next on this node. The forecasts of the node and of all its images, the same trouble once. */
import { byUrgency, type Forecast } from './forecast.ts';
import type { Ledger } from '#report/ledger.ts';

export interface UpcomingForecast {
  /** Of all that say the same, the most urgent. */
  readonly forecast: Forecast;
  /** When it would happen; absent where the time cannot be told. */
  readonly byMs?: number;
  /** As written; none where it is about the node as a whole. */
  readonly images: readonly string[];
}

type Group = Pick<Ledger, 'entries' | 'forecasts' | 'forecastMs'>;

/** Most urgent first. */
export function upcomingForecasts({ entries, forecasts, forecastMs }: Group): readonly UpcomingForecast[] {
  const all = [
    ...forecasts.map((forecast) => ({ forecast, image: undefined, atMs: forecastMs })),
    ...entries.flatMap(({ report }) => {
      const atMs = Date.parse(report.at);
      return report.forecasts.map((forecast) => ({ forecast, image: report.image, atMs }));
    }),
  ];
  const groups = Map.groupBy(all, ({ forecast: { rule, about, fault } }) => JSON.stringify([rule, about, fault]));
  return [...groups.values()]
    .flatMap((group): readonly UpcomingForecast[] => {
      const [first] = group.toSorted((one, other) => byUrgency(one.forecast, other.forecast));
      if (first === undefined) return [];
      const images = [...new Set(group.flatMap(({ image }) => image ?? []))];
      const byMs = first.forecast.withinS === undefined ? undefined : (first.atMs ?? 0) + first.forecast.withinS * 1000;
      const isKnown = byMs !== undefined && first.atMs !== undefined && Number.isFinite(byMs);
      return [{ forecast: first.forecast, ...(isKnown ? { byMs } : {}), images }];
    })
    .toSorted((one, other) => byUrgency(one.forecast, other.forecast));
}
