/** What was measured, and how runs become one figure: the median, with the least and the most beside it. */
import type { Daemon, FirstVerdict } from './daemon.ts';
import type { Holding } from './memory-of-many.ts';
import type { OnCluster } from './pods.ts';

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface Race {
  /** `200 images on one registry, first pass` */
  readonly name: string;
  readonly images: number;
  readonly runners: readonly Runner[];
}

export interface Runner {
  readonly name: string;
  readonly ms: Spread;
  /** Its time to drypull's, run by run: above 1 it is slower than drypull. Absent for drypull itself. */
  readonly toDrypull?: Spread;
  /** drypull's time to the floor's, run by run. Present for drypull alone. */
  readonly toFloor?: Spread;
  readonly requestsPerImage: number;
}

export interface Figures {
  readonly roundTripMs: number;
  readonly atOnce: number;
  readonly perRegistry: number;
  readonly races: readonly Race[];
  /** Requests per image of one repository behind a token service: first pass, later pass. */
  readonly guarded: { readonly first: number; readonly later: number };
  readonly firstVerdict: FirstVerdict;
  readonly holding: readonly Holding[];
  readonly daemon: Daemon;
  readonly onCluster: OnCluster;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? NaN;
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? at(0.5) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
  return { median, least: at(0), most: at(1) };
}

/** Pairs of one round each, so that a busy moment of the machine weighs on both. */
export function ratiosOf(times: readonly number[], others: readonly number[]): Spread {
  return spreadOf(times.flatMap((time, i) => (others[i] === undefined ? [] : [time / others[i]])));
}
