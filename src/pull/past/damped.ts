/** What is held of each image's forecasts and of the node's own, for damp.ts. */
import { keyOf, learnHeld, type Held, type HeldSet } from '../damp.ts';
import { faultCodes } from '../fault.ts';
import { likelihoods, type Forecast } from '../forecast.ts';
import { reportId } from '../ledger.ts';
import type { PullReport } from '../report.ts';

export interface DampedPast {
  /** By the demand's name. Only images that have had a forecast. */
  readonly images: Readonly<Record<string, HeldSet>>;
  readonly node: HeldSet;
}

export const emptyDamped: DampedPast = { images: {}, node: {} };

const most = 2_000;

export function heldOf({ images }: DampedPast, id: string): HeldSet {
  return (Object.hasOwn(images, id) ? images[id] : undefined) ?? {};
}

/** While an image fails, its verdict says so, and rules that read a pull see nothing: neither a sight nor an absence. */
export function learnDamped(past: DampedPast, report: PullReport): DampedPast {
  if (report.verdict.is === 'fails' || report.verdict.is === 'unknown') return past;
  const id = reportId(report);
  const before = heldOf(past, id);
  const isKnown = Object.keys(before).length > 0;
  if (!isKnown && (report.forecasts.length === 0 || Object.keys(past.images).length >= most)) return past;
  const after = learnHeld(before, report.forecasts, Date.parse(report.at));
  if (Object.keys(after).length > 0) return { ...past, images: { ...past.images, [id]: after } };
  return isKnown ? { ...past, images: without(past.images, id) } : past;
}

function without(images: DampedPast['images'], id: string): DampedPast['images'] {
  return Object.fromEntries(Object.entries(images).filter(([other]) => other !== id));
}

/** A demand's name is the image as written, or that and what sets it apart, in brackets. */
export function forgetDamped(past: DampedPast, images: ReadonlySet<string>): DampedPast {
  const isAsked = (id: string): boolean => images.has(id) || images.has(id.replace(/ \([^()]*\)$/, ''));
  const kept = Object.entries(past.images).filter(([id]) => isAsked(id));
  return kept.length === Object.keys(past.images).length ? past : { ...past, images: Object.fromEntries(kept) };
}

export function readDamped(value: unknown): DampedPast {
  if (typeof value !== 'object' || value === null) return emptyDamped;
  const images = 'images' in value ? entriesOf(value.images).slice(0, most) : [];
  const read = images.map(([id, set]) => [id, readSet(set)] as const);
  return {
    images: Object.fromEntries(read.filter(([, set]) => Object.keys(set).length > 0)),
    node: 'node' in value ? readSet(value.node) : {},
  };
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

function readSet(value: unknown): HeldSet {
  const read = entriesOf(value).flatMap(([, one]) => {
    const held = readHeld(one);
    return held === undefined ? [] : [[keyOf(held.forecast), held] as const];
  });
  return Object.fromEntries(read);
}

function readHeld(value: unknown): Held | undefined {
  if (typeof value !== 'object' || value === null || !('forecast' in value)) return undefined;
  const forecast = readForecast(value.forecast);
  const number = (name: string): number | undefined => {
    const found: unknown = Object.getOwnPropertyDescriptor(value, name)?.value;
    return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
  };
  const [sinceMs, seenMs, absent, flips] = ['sinceMs', 'seenMs', 'absent', 'flips'].map(number);
  const goneMs = number('goneMs');
  if (forecast === undefined || sinceMs === undefined || seenMs === undefined) return undefined;
  if (absent === undefined || flips === undefined) return undefined;
  return { forecast, sinceMs, seenMs, absent, flips, ...(goneMs === undefined ? {} : { goneMs }) };
}

const effects = ['fails', 'delays', 'none'] as const;

function readForecast(value: unknown): Forecast | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const given = (name: keyof Forecast): unknown => Object.getOwnPropertyDescriptor(value, name)?.value;
  const text = (name: keyof Forecast): string | undefined => {
    const found = given(name);
    return typeof found === 'string' ? found.slice(0, 2_000) : undefined;
  };
  const [rule, about, because, remedy] = [text('rule'), text('about'), text('because'), text('remedy')];
  if (rule === undefined || about === undefined || because === undefined || remedy === undefined) return undefined;
  const fault = faultCodes.find((code) => code === given('fault'));
  const likelihood = likelihoods.find((one) => one === given('likelihood'));
  const effect = effects.find((one) => one === given('effect'));
  if (fault === undefined || likelihood === undefined || effect === undefined) return undefined;
  const withinS = given('withinS');
  const assuming = text('assuming');
  return {
    ...{ rule, about, fault, likelihood, effect, because, remedy },
    ...(typeof withinS === 'number' ? { withinS } : {}),
    ...(assuming === undefined ? {} : { assuming }),
  };
}
