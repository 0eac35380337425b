/** Which digest each tag led to, and since when: what shows that a tag moved or vanished. One entry an image as written. */
import { valueAt } from '#data/value-at.ts';
import type { PullReport } from '#report/report.ts';
import { numberIn, recordsIn, textIn, type Readable } from './tolerant.ts';

interface TagHistory {
  readonly digest: string;
  /** When it was first and last seen to lead there. */
  readonly sinceMs: number;
  readonly seenMs: number;
}
export type TagsHistory = Readonly<Record<string, TagHistory>>;

const most = 2_000;

export function learnTag(tags: TagsHistory, { image, at, attempts }: PullReport): TagsHistory {
  const ending = attempts.at(-1)?.ending;
  if (ending?.is !== 'pulled' || ending.content.digest === '') return tags;
  const { digest } = ending.content;
  const seenMs = Date.parse(at);
  const known = valueAt(tags, image);
  if (known === undefined && Object.keys(tags).length >= most) return tags;
  const sinceMs = known?.digest === digest ? known.sinceMs : seenMs;
  return { ...tags, [image]: { digest, sinceMs, seenMs } };
}

export function forgetTags(tags: TagsHistory, images: ReadonlySet<string>): TagsHistory {
  const kept = Object.entries(tags).filter(([image]) => images.has(image));
  return kept.length === Object.keys(tags).length ? tags : Object.fromEntries(kept);
}

export function readTags(value: unknown): TagsHistory {
  return recordsIn(value, readTag, most);
}

function readTag(value: Readable): TagHistory | undefined {
  const [digest, sinceMs, seenMs] = [textIn(value, 'digest'), numberIn(value, 'sinceMs'), numberIn(value, 'seenMs')];
  if (digest === undefined || sinceMs === undefined || seenMs === undefined) return undefined;
  return { digest, sinceMs, seenMs };
}
