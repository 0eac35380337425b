/** Where a falling series is going, told twice: by least squares, and by the median of all slopes, which outliers do not move. */

export interface Point {
  readonly atMs: number;
  readonly value: number;
}

/** Seconds from the last point until a line falls to a floor; undefined where it does not. */
export interface Crossing {
  readonly linearS: number | undefined;
  readonly robustS: number | undefined;
}

interface Line {
  readonly perMs: number;
  /** At the last point's time. */
  readonly level: number;
}

/** Fewer points are no trend. */
const fewest = 4;

export function crossingOf(points: readonly Point[], floor: number): Crossing {
  const last = points.at(-1);
  if (last === undefined || points.length < fewest) return { linearS: undefined, robustS: undefined };
  return { linearS: untilS(leastSquares(points, last), floor), robustS: untilS(theilSen(points, last), floor) };
}

/** 1: the same moment; towards 0 the further the two are apart; 0 where one of them sees no crossing. */
export function agreementOf({ linearS, robustS }: Crossing): number {
  if (linearS === undefined || robustS === undefined) return 0;
  const [sooner, later] = linearS < robustS ? [linearS, robustS] : [robustS, linearS];
  return later === 0 ? 1 : sooner / later;
}

function untilS(line: Line | undefined, floor: number): number | undefined {
  if (line === undefined || line.perMs >= 0) return line !== undefined && line.level <= floor ? 0 : undefined;
  return Math.max(0, (floor - line.level) / line.perMs) / 1000;
}

function leastSquares(points: readonly Point[], last: Point): Line | undefined {
  const n = points.length;
  const meanAt = points.reduce((sum, { atMs }) => sum + (atMs - last.atMs), 0) / n;
  const meanValue = points.reduce((sum, { value }) => sum + value, 0) / n;
  let above = 0;
  let below = 0;
  for (const { atMs, value } of points) {
    const at = atMs - last.atMs - meanAt;
    above += at * (value - meanValue);
    below += at * at;
  }
  if (below === 0) return undefined;
  const perMs = above / below;
  return { perMs, level: meanValue - perMs * meanAt };
}

/** Theil–Sen: the median slope of all pairs, and the median of what it leaves. */
function theilSen(points: readonly Point[], last: Point): Line | undefined {
  const slopes: number[] = [];
  for (const [i, one] of points.entries()) {
    for (const other of points.slice(i + 1)) {
      if (other.atMs !== one.atMs) slopes.push((other.value - one.value) / (other.atMs - one.atMs));
    }
  }
  const perMs = median(slopes);
  const level = perMs === undefined ? undefined : median(points.map((p) => p.value - perMs * (p.atMs - last.atMs)));
  return perMs === undefined || level === undefined ? undefined : { perMs, level };
}

export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  if (upper === undefined || sorted.length % 2 === 1) return upper;
  return (upper + (sorted[sorted.length / 2 - 1] ?? upper)) / 2;
}
