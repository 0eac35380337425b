/**
 * What an agent remembers beyond the last report, for foresight alone: no verdict needs it, and it may be lost at any time.
 * One slice a subject, each bounded and plain JSON, so that it can be kept in a file over a restart.
 */
import type { PullReport } from './report.ts';
import type { NodeView } from './view.ts';
import { learnRates, readRates, type RatesPast } from './past/rates.ts';
import { learnDisks, readDisksPast, type DisksPast } from './past/disks.ts';
import { forgetTags, learnTag, readTags, type TagsPast } from './past/tags.ts';

export interface Past {
  readonly version: 1;
  readonly tags: TagsPast;
  readonly disks: DisksPast;
  readonly rates: RatesPast;
}

export const emptyPast: Past = { version: 1, tags: {}, disks: {}, rates: {} };

/** With one more report. */
export function learnReport(past: Past, report: PullReport): Past {
  return { ...past, tags: learnTag(past.tags, report), rates: learnRates(past.rates, report) };
}

/** With one more look at the node. */
export function learnNode(past: Past, view: NodeView, nowMs: number): Past {
  return { ...past, disks: learnDisks(past.disks, view, nowMs) };
}

/** Without what is about images that nobody asks for any more. `images`: as written. */
export function forget(past: Past, images: ReadonlySet<string>): Past {
  return { ...past, tags: forgetTags(past.tags, images) };
}

/** From a file that we, or an older or newer drypull, or nobody, wrote: a slice that cannot be read starts empty. */
export function readPast(value: unknown): Past {
  if (typeof value !== 'object' || value === null || !('version' in value) || value.version !== 1) return emptyPast;
  const slice = (name: keyof Past): unknown => Object.getOwnPropertyDescriptor(value, name)?.value;
  return {
    version: 1,
    tags: readTags(slice('tags')),
    disks: readDisksPast(slice('disks')),
    rates: readRates(slice('rates')),
  };
}
