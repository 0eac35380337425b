/** How far the registries' clocks were ahead of this node's: one sample in half an hour, for a day. What shows that a clock drifts. */
import type { Exchange } from '#report/rehearsal.ts';
import type { PullReport } from '#report/report.ts';
import { median } from '#forecast/trend.ts';
import { hostOf } from './hosts.ts';
import { isNumber, itemsIn, numberIn, type Readable } from './tolerant.ts';

interface ClockSample {
  readonly atMs: number;
  readonly aheadS: number;
}
export type ClockHistory = readonly ClockSample[];

const most = 48;
const apartMs = 30 * 60_000;

export function learnClock(clock: ClockHistory, { at, attempts }: PullReport): ClockHistory {
  const atMs = Date.parse(at);
  const last = clock.at(-1);
  if (last !== undefined && Math.abs(atMs - last.atMs) < apartMs) return clock;
  const aheadS = aheadOf(attempts.flatMap(({ exchanges }) => exchanges));
  return aheadS === undefined || !isNumber(atMs) ? clock : [...clock, { atMs, aheadS }].slice(-most);
}

/** By the middle of what each host says: one registry may be wrong itself. */
export function aheadOf(exchanges: readonly Exchange[]): number | undefined {
  const reported = exchanges.flatMap(({ url, outcome }) =>
    outcome.ok && isNumber(outcome.value.clockAheadS) ? [{ host: hostOf(url), aheadS: outcome.value.clockAheadS }] : [],
  );
  const byHost = [...Map.groupBy(reported, ({ host }) => host).values()];
  return median(byHost.flatMap((its) => median(its.map(({ aheadS }) => aheadS)) ?? []));
}

export function readClock(value: unknown): ClockHistory {
  return itemsIn(value, readSample).slice(-most);
}

function readSample(value: Readable): ClockSample | undefined {
  const [atMs, aheadS] = [numberIn(value, 'atMs'), numberIn(value, 'aheadS')];
  return atMs === undefined || aheadS === undefined ? undefined : { atMs, aheadS };
}
