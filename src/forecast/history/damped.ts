/** What is held of each image's forecasts and of the node's own, for damp.ts. */
import { keyOf, learnHeld, type Held, type HeldSet } from '#forecast/damping.ts';
import { likelihoods, type Forecast } from '#forecast/forecast.ts';
import { reportId } from '#report/ledger.ts';
import { valueAt } from '#data/value-at.ts';
import type { PullReport } from '#report/report.ts';
import { faultIn, fieldsOf, numberIn, recordsIn, textIn, wordIn, type Readable } from './tolerant.ts';

export interface DampedHistory {
  /** By the demand's name. Only images that have had a forecast. */
  readonly images: Readonly<Record<string, HeldSet>>;
  readonly node: HeldSet;
}

export const emptyDamped: DampedHistory = { images: {}, node: {} };

const most = 2_000;

export function heldOf({ images }: DampedHistory, id: string): HeldSet {
  return valueAt(images, id) ?? {};
}

/** While an image fails, its verdict says so, and rules that read a pull see nothing: neither a sight nor an absence. */
export function learnDamped(history: DampedHistory, report: PullReport): DampedHistory {
  if (report.verdict.is === 'fails' || report.verdict.is === 'unknown') return history;
  const id = reportId(report);
  const before = heldOf(history, id);
  const isKnown = Object.keys(before).length > 0;
  if (!isKnown && (report.forecasts.length === 0 || Object.keys(history.images).length >= most)) return history;
  const after = learnHeld(before, report.forecasts, Date.parse(report.at));
  if (Object.keys(after).length > 0) return { ...history, images: { ...history.images, [id]: after } };
  return isKnown ? { ...history, images: without(history.images, id) } : history;
}

function without(images: DampedHistory['images'], id: string): DampedHistory['images'] {
  return Object.fromEntries(Object.entries(images).filter(([other]) => other !== id));
}

/** A demand's name is the image as written, or that and what sets it apart, in brackets. */
export function forgetDamped(history: DampedHistory, images: ReadonlySet<string>): DampedHistory {
  const isAsked = (id: string): boolean => images.has(id) || images.has(id.replace(/ \([^()]*\)$/, ''));
  const kept = Object.entries(history.images).filter(([id]) => isAsked(id));
  return kept.length === Object.keys(history.images).length
    ? history
    : { ...history, images: Object.fromEntries(kept) };
}

export function readDamped(value: unknown): DampedHistory {
  const fields = fieldsOf(value);
  const images = recordsIn(fields.get('images'), readImage, most);
  return { images, node: readSet(fieldsOf(fields.get('node'))) };
}

function readImage(value: Readable): HeldSet | undefined {
  const set = readSet(value);
  return Object.keys(set).length === 0 ? undefined : set;
}

function readSet(value: Readable): HeldSet {
  const held = [...value.values()].flatMap((one) => readHeld(fieldsOf(one)) ?? []);
  return Object.fromEntries(held.map((one) => [keyOf(one.forecast), one]));
}

function readHeld(value: Readable): Held | undefined {
  const forecast = readForecast(fieldsOf(value.get('forecast')));
  const [sinceMs, seenMs, absent, flips, goneMs] = ['sinceMs', 'seenMs', 'absent', 'flips', 'goneMs'].map((name) =>
    numberIn(value, name),
  );
  if (forecast === undefined || sinceMs === undefined || seenMs === undefined) return undefined;
  if (absent === undefined || flips === undefined) return undefined;
  return { forecast, sinceMs, seenMs, absent, flips, ...(goneMs === undefined ? {} : { goneMs }) };
}

const effects = ['fails', 'delays', 'none'] as const;
const longestText = 2_000;

function readForecast(value: Readable): Forecast | undefined {
  const [rule, about, because, remedy, assuming] = ['rule', 'about', 'because', 'remedy', 'assuming'].map((name) =>
    textIn(value, name)?.slice(0, longestText),
  );
  const [fault, withinS] = [faultIn(value), numberIn(value, 'withinS')];
  const likelihood = wordIn(value, 'likelihood', likelihoods);
  const effect = wordIn(value, 'effect', effects);
  if (rule === undefined || about === undefined || because === undefined || remedy === undefined) return undefined;
  if (fault === undefined || likelihood === undefined || effect === undefined) return undefined;
  return {
    ...{ rule, about, fault, likelihood, effect, because, remedy },
    ...(withinS === undefined ? {} : { withinS }),
    ...(assuming === undefined ? {} : { assuming }),
  };
}
