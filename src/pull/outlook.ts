/** One list: what will break next on this node. The forecasts of the node and of all its images, the same trouble once. */
import { byUrgency, type Forecast } from './forecast.ts';
import type { Ledger } from './ledger.ts';

export interface Prospect {
  /** Of all that say the same, the most urgent. */
  readonly forecast: Forecast;
  /** As written; none where it is about the node as a whole. */
  readonly images: readonly string[];
}

/** Most urgent first. */
export function outlookOf({ entries, forecasts }: Pick<Ledger, 'entries' | 'forecasts'>): readonly Prospect[] {
  const all = [
    ...forecasts.map((forecast) => ({ forecast, image: undefined })),
    ...entries.flatMap(({ report }) => report.forecasts.map((forecast) => ({ forecast, image: report.image }))),
  ];
  const groups = Map.groupBy(all, ({ forecast: { rule, about, fault } }) => JSON.stringify([rule, about, fault]));
  return [...groups.values()]
    .flatMap((group): readonly Prospect[] => {
      const [first] = group.map(({ forecast }) => forecast).toSorted(byUrgency);
      const images = [...new Set(group.flatMap(({ image }) => image ?? []))];
      return first === undefined ? [] : [{ forecast: first, images }];
    })
    .toSorted((one, other) => byUrgency(one.forecast, other.forecast));
}
