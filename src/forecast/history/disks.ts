/**
 * How much room each file system had, and when: a bounded series, dense at its new end and thin at its old one; and when image
 * garbage collection was last seen to free some. One entry a file system, by its path.
 */
import { garbageCollectionOf } from '#kubelet/eviction.ts';
import { valueAt } from '#data/value-at.ts';
import type { NodeView } from '#node/view.ts';
import { isNumber, numberIn, recordsIn, type Readable } from './tolerant.ts';

/** When, free bytes and free inodes. */
export type Sample = readonly [atMs: number, freeBytes: number, inodesFree: number];

export interface DiskHistory {
  readonly capacityBytes: number;
  readonly samples: readonly Sample[];
  readonly collectedMs?: number;
}
export type DisksHistory = Readonly<Record<string, DiskHistory>>;

const mostDisks = 8;
const mostSamples = 160;
/** Samples that are nearer than this tell no more than one. */
const nearestMs = 60_000;
const longestMs = 7 * 86_400_000;

export function learnDisks(history: DisksHistory, view: NodeView, nowMs: number): DisksHistory {
  const { disks } = view.system;
  if (disks?.ok !== true) return history;
  const config = view.kubelet.config?.ok === true ? view.kubelet.config.value : undefined;
  const learned = disks.value.all.slice(0, mostDisks).map((disk): readonly [string, DiskHistory] => {
    const { path, capacityBytes, freeBytes, inodesFree } = disk;
    const known = valueAt(history, path);
    const sample: Sample = [nowMs, freeBytes, inodesFree];
    // Another size is another file system, or a new one of the same name: what was before says nothing about it.
    if (known?.capacityBytes !== capacityBytes) return [path, { capacityBytes, samples: [sample] }];
    const last = known.samples.at(-1);
    const isNewSeries = last === undefined || nowMs - last[0] >= nearestMs;
    const collection = config === undefined ? undefined : garbageCollectionOf(disk, config);
    const halfway = collection === undefined ? 0 : (collection.until - collection.beginsBelow) / 2;
    const hasCollected =
      collection !== undefined &&
      last !== undefined &&
      last[1] <= collection.beginsBelow + halfway &&
      freeBytes - last[1] >= halfway;
    const samples = isNewSeries ? thinned([...known.samples, sample], nowMs) : known.samples;
    const collectedMs = hasCollected ? nowMs : known.collectedMs;
    return [path, { capacityBytes, samples, ...(collectedMs === undefined ? {} : { collectedMs }) }];
  });
  return Object.fromEntries(learned);
}

/** Every second one of the older half goes when room is needed. */
function thinned(samples: readonly Sample[], nowMs: number): readonly Sample[] {
  const young = samples.filter(([atMs]) => nowMs - atMs <= longestMs && atMs <= nowMs);
  if (young.length <= mostSamples) return young;
  const half = Math.floor(young.length / 2);
  return young.filter((_, i) => i >= half || i % 2 === 0);
}

export function readDisksHistory(value: unknown): DisksHistory {
  return recordsIn(value, readDisk, mostDisks);
}

function readDisk(value: Readable): DiskHistory | undefined {
  const [capacityBytes, collectedMs] = [numberIn(value, 'capacityBytes'), numberIn(value, 'collectedMs')];
  const samples = value.get('samples');
  if (capacityBytes === undefined || !Array.isArray(samples)) return undefined;
  const read = samples.flatMap((one: unknown): readonly Sample[] => {
    if (!Array.isArray(one)) return [];
    const [atMs, free, inodes] = one as readonly unknown[];
    return isNumber(atMs) && isNumber(free) && isNumber(inodes) ? [[atMs, free, inodes]] : [];
  });
  return {
    capacityBytes,
    samples: read.toSorted((a, b) => a[0] - b[0]).slice(-mostSamples),
    ...(collectedMs === undefined ? {} : { collectedMs }),
  };
}
