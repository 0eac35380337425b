/**
 * Damping: what is foretold now and then must not flip verdicts, metrics and Events with every pass. A forecast once raised is
 * held until it was absent twice in a row and longer each time it came back. It never hides nor delays a failure: what fails is
 * no forecast's to say (judge.ts).
 */
import { byUrgency, type Forecast } from './forecast.ts';
import { valueAt } from '#data/value-at.ts';

export interface Held {
  /** As it was seen last. */
  readonly forecast: Forecast;
  readonly sinceMs: number;
  readonly seenMs: number;
  /** Rehearsals in a row that did not see it. */
  readonly absent: number;
  /** How often it came back soon after it was let go. */
  readonly flips: number;
  /** Let go, and remembered only for its flips. */
  readonly goneMs?: number;
}
/** By rule, subject and fault. */
export type HeldSet = Readonly<Record<string, Held>>;

/** Let go after so many rehearsals without it; doubled with each flip. */
const patience = 2;
/** Or, after two at least, once it was not seen for so long; doubled likewise. Slow schedules would else hold for days. */
const holdMs = 30 * 60_000;
const mostFlips = 4;
/** What stayed away for a day has not come and gone: it is over. */
const memoryMs = 24 * 3_600_000;
const kept = 24;

export function keyOf({ rule, about, fault }: Forecast): string {
  return JSON.stringify([rule, about, fault]);
}

/** What is told: what was found, and what is held although it was not. Most urgent first. */
export function damp(held: HeldSet, found: readonly Forecast[], nowMs: number): readonly Forecast[] {
  const seen = new Set(found.filter(isSeen).map(keyOf));
  const holding = Object.entries(held).flatMap(([key, one]): readonly (readonly [string, Forecast])[] => {
    if (seen.has(key) || one.goneMs !== undefined || isOver(one, nowMs)) return [];
    return [[key, asHeld(one, nowMs)]];
  });
  const keys = new Set(holding.map(([key]) => key));
  const now = found.filter((one) => !keys.has(keyOf(one))).map((one) => withSince(one, held));
  return [...now, ...holding.map(([, forecast]) => forecast)].toSorted(byUrgency);
}

/** What could not be told was not seen either. */
function isSeen({ likelihood }: Forecast): boolean {
  return likelihood !== 'unknown';
}

/** After one more rehearsal without it. */
function isOver({ absent, flips, seenMs }: Held, nowMs: number): boolean {
  const times = absent + 1;
  return times >= patience && (times >= patience * 2 ** flips || nowMs - seenMs > holdMs * 2 ** flips);
}

function asHeld({ forecast, sinceMs, seenMs }: Held, nowMs: number): Forecast {
  const { withinS } = forecast;
  const left = withinS === undefined ? undefined : Math.max(0, Math.round(withinS - (nowMs - seenMs) / 1000));
  const times = { since: isoOf(sinceMs), seen: isoOf(seenMs) };
  return { ...forecast, ...times, ...(left === undefined ? {} : { withinS: left }) };
}

function withSince(forecast: Forecast, held: HeldSet): Forecast {
  const key = keyOf(forecast);
  const before = valueAt(held, key);
  if (!isSeen(forecast) || before === undefined || before.goneMs !== undefined) return forecast;
  return { ...forecast, since: isoOf(before.sinceMs) };
}

/** What is remembered after `told` was told. */
export function learnHeld(held: HeldSet, shown: readonly Forecast[], nowMs: number): HeldSet {
  const next = new Map<string, Held>();
  for (const forecast of shown.filter(isSeen)) {
    const key = keyOf(forecast);
    const before = valueAt(held, key);
    if (forecast.seen === undefined) next.set(key, seenNow(forecast, before, nowMs));
    else if (before !== undefined) next.set(key, { ...before, absent: before.absent + 1 });
  }
  for (const [key, before] of Object.entries(held)) {
    const goneMs = before.goneMs ?? nowMs;
    if (!next.has(key) && nowMs - goneMs < memoryMs) next.set(key, { ...before, goneMs });
  }
  return Object.fromEntries([...next].slice(0, kept));
}

function seenNow(shown: Forecast, before: Held | undefined, nowMs: number): Held {
  const fresh = { forecast: shown, seenMs: nowMs, absent: 0 };
  if (before === undefined) return { ...fresh, sinceMs: nowMs, flips: 0 };
  if (before.goneMs === undefined) return { ...fresh, sinceMs: before.sinceMs, flips: before.flips };
  return { ...fresh, sinceMs: nowMs, flips: Math.min(before.flips + 1, mostFlips) };
}

function isoOf(atMs: number): string {
  return new Date(Math.abs(atMs) <= 8.64e15 ? atMs : 0).toISOString();
}
