/** What the page, the terminal and the JSON say of a forecast in the same words: how sure, and how long is left. */
import type { Forecast, Likelihood } from '#forecast/forecast.ts';
import { longText } from './times.ts';

const fails: { readonly [L in Likelihood]: string } = {
  certain: 'certain to fail',
  likely: 'likely to fail',
  possible: 'may fail',
  unknown: 'cannot be told',
};
const delays: { readonly [L in Likelihood]: string } = {
  certain: 'certain to be late',
  likely: 'likely to be late',
  possible: 'may be late',
  unknown: 'cannot be told',
};

/** `likely to fail`, `may be late`, `to know`. */
export function forecastText({ likelihood, effect }: Pick<Forecast, 'likelihood' | 'effect'>): string {
  if (likelihood === 'unknown') return fails.unknown;
  switch (effect) {
    case 'fails':
      return fails[likelihood];
    case 'delays':
      return delays[likelihood];
    case 'none':
      return 'to know';
  }
}

/** `any moment`, `3 h 10 min`: the time left, by a clock that went on since it was told. Undefined where none can be told. */
export function leftText(leftMs: number | undefined): string | undefined {
  if (leftMs === undefined) return undefined;
  return leftMs < 1000 ? 'any moment' : longText(leftMs);
}

/** The time left at `nowMs` of a forecast that was made at `madeMs`, in milliseconds. */
export function leftMs({ withinS }: Pick<Forecast, 'withinS'>, madeMs: number, nowMs: number): number | undefined {
  if (withinS === undefined || !Number.isFinite(madeMs)) return undefined;
  return Math.max(0, madeMs + withinS * 1000 - nowMs);
}
