/**
 * When a tag was gone between pulls of the same content: the brown-outs by which a publisher announces a removal. Kept for
 * images that were gone at least once after they had pulled; a tag that came back with other content was pushed anew.
 */
import type { Fault, FaultCode } from '#report/fault.ts';
import { valueAt } from '#data/value-at.ts';
import type { PullReport } from '#report/report.ts';
import type { TagsHistory } from './tags.ts';
import { faultIn, fieldsOf, itemsIn, numberIn, recordsIn, textIn, type Readable } from './tolerant.ts';

export interface Absence {
  readonly fromMs: number;
  /** When it was last seen to be gone. */
  readonly toMs: number;
  readonly fault: FaultCode;
}
export interface ImageAbsences {
  /** Over, oldest first. */
  readonly over: readonly Absence[];
  /** Gone as far as is known, and what it led to before. */
  readonly open?: Absence & { readonly digest: string };
}
export type AbsencesHistory = Readonly<Record<string, ImageAbsences>>;

const most = 2_000;
const keptOver = 8;

/** Whether the registry says that there is no such thing (any more). */
export function isGone(fault: Fault): boolean {
  if (fault.code === 'api.rejected') return fault.status === 410;
  return (
    fault.code === 'manifest.unknown_tag' ||
    fault.code === 'manifest.unknown_repository' ||
    fault.code === 'manifest.unknown_digest'
  );
}

/** `tags`: what was known before this report. */
export function learnAbsence(history: AbsencesHistory, report: PullReport, tags: TagsHistory): AbsencesHistory {
  const { image, verdict, attempts } = report;
  const atMs = Date.parse(report.at);
  const known = valueAt(history, image);
  const ending = attempts.at(-1)?.ending;
  if (ending?.is === 'pulled') {
    const next = known === undefined ? undefined : cameBack(known, ending.content.digest);
    return next === known || next === undefined ? history : { ...history, [image]: next };
  }
  if (verdict.is !== 'fails' || !isGone(verdict.fault)) return history;
  const digest = known?.open?.digest ?? valueAt(tags, image)?.digest;
  // What never pulled is no brown-out, but a name that is wrong or not pushed yet.
  if (digest === undefined || (known === undefined && Object.keys(history).length >= most)) return history;
  const fromMs = known?.open?.fromMs ?? atMs;
  return {
    ...history,
    [image]: { over: known?.over ?? [], open: { fromMs, toMs: atMs, fault: verdict.fault.code, digest } },
  };
}

/** Now that it pulls, and leads to `digest`. */
export function cameBack(known: ImageAbsences, digest: string): ImageAbsences {
  if (known.open === undefined) return known;
  const { digest: before, ...absence } = known.open;
  return { over: before === digest ? [...known.over, absence].slice(-keptOver) : known.over };
}

export function forgetAbsences(history: AbsencesHistory, images: ReadonlySet<string>): AbsencesHistory {
  const kept = Object.entries(history).filter(([image]) => images.has(image));
  return kept.length === Object.keys(history).length ? history : Object.fromEntries(kept);
}

export function readAbsences(value: unknown): AbsencesHistory {
  return recordsIn(value, readImage, most);
}

function readImage(value: Readable): ImageAbsences | undefined {
  if (!Array.isArray(value.get('over'))) return undefined;
  const over = itemsIn(value.get('over'), readAbsence).slice(-keptOver);
  const open = readOpen(fieldsOf(value.get('open')));
  return { over, ...(open === undefined ? {} : { open }) };
}

function readOpen(value: Readable): ImageAbsences['open'] {
  const [absence, digest] = [readAbsence(value), textIn(value, 'digest')];
  return absence === undefined || digest === undefined ? undefined : { ...absence, digest };
}

function readAbsence(value: Readable): Absence | undefined {
  const [fromMs, toMs, fault] = [numberIn(value, 'fromMs'), numberIn(value, 'toMs'), faultIn(value)];
  return fromMs === undefined || toMs === undefined || fault === undefined ? undefined : { fromMs, toMs, fault };
}
