/** How far the registries' clocks were ahead of this node's: one sample in half an hour, for a day. What shows that a clock drifts. */
import type { Exchange } from '../rehearsal.ts';
import type { PullReport } from '../report.ts';
import { hostOf } from './hosts.ts';
import { isTime } from './tries.ts';

export interface ClockSample {
  readonly atMs: number;
  readonly aheadS: number;
}
export type ClockPast = readonly ClockSample[];

const most = 48;
const apartMs = 30 * 60_000;

export function learnClock(clock: ClockPast, { at, performances }: PullReport): ClockPast {
  const atMs = Date.parse(at);
  const last = clock.at(-1);
  if (last !== undefined && Math.abs(atMs - last.atMs) < apartMs) return clock;
  const aheadS = aheadOf(performances.flatMap(({ exchanges }) => exchanges));
  return aheadS === undefined || !isTime(atMs) ? clock : [...clock, { atMs, aheadS }].slice(-most);
}

/** By the middle of what each host says: one registry may be wrong itself. */
export function aheadOf(exchanges: readonly Exchange[]): number | undefined {
  const said = exchanges.flatMap(({ url, outcome }) =>
    outcome.ok && isTime(outcome.value.clockAheadS) ? [{ host: hostOf(url), aheadS: outcome.value.clockAheadS }] : [],
  );
  const byHost = [...Map.groupBy(said, ({ host }) => host).values()];
  return middle(byHost.flatMap((its) => middle(its.map(({ aheadS }) => aheadS)) ?? []));
}

export function middle(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

export function readClock(value: unknown): ClockPast {
  if (!Array.isArray(value)) return [];
  return value
    .flatMap((one: unknown): readonly ClockSample[] => {
      if (typeof one !== 'object' || one === null || !('atMs' in one) || !('aheadS' in one)) return [];
      const { atMs, aheadS } = one;
      return isTime(atMs) && isTime(aheadS) ? [{ atMs, aheadS }] : [];
    })
    .slice(-most);
}
