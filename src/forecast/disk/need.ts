/** What a pull would write, from the manifest and the runtime's content store; the rest is an estimate and is marked as one. */
import { bytesText, diskOf, type Disk } from '#kubelet/disk.ts';
import type { Content, Rehearsal } from '#report/rehearsal.ts';
import type { NodeView, RuntimeConfig } from '#node/view.ts';

/**
 * How much larger layers are when unpacked. Manifests do not say, so this is an estimate, of the order found for the layers of
 * Docker Hub (Zhao and others, Large-Scale Analysis of the Docker Hub Dataset, IEEE CLUSTER 2019).
 */
const unpackedRatio = 2.5;

/** Snapshotters that write every missing layer into directories; others fetch lazily, or write to devices of their own. */
const plainSnapshotters: ReadonlySet<string> = new Set(['overlayfs', 'native', 'btrfs', 'zfs', 'fuse-overlayfs']);

export interface Need {
  /** Compressed, into the runtime's content store. */
  readonly contentBytes: number;
  /** Layers that the runtime already has were subtracted; otherwise all layers are counted. */
  readonly isExact: boolean;
}

/** What is missing on the node; undefined when nothing is to be written, or its size is not known. */
export function needOf(content: Content, runtime: RuntimeConfig): Need | undefined {
  const { snapshots } = runtime;
  if (snapshots === undefined || !plainSnapshotters.has(snapshots.snapshotter)) return undefined;
  // Layers that were discarded after unpacking are not in the store, and are not fetched again.
  const isExact = content.missingBytes !== undefined && !snapshots.discardsLayers;
  const contentBytes = isExact ? (content.missingBytes ?? 0) : content.bytes;
  return contentBytes > 0 ? { contentBytes, isExact } : undefined;
}

export function contentOf({ attempts }: Pick<Rehearsal, 'attempts'>): Content | undefined {
  const ending = attempts.at(-1)?.ending;
  return ending?.is === 'pulled' ? ending.content : undefined;
}

export interface Places {
  readonly content: Disk;
  readonly snapshots: Disk;
}

/** Where a pull writes; undefined when one of the two was not measured. */
export function placesOf(view: NodeView): Places | undefined {
  const { disks } = view.system;
  if (disks?.ok !== true) return undefined;
  const content = diskOf(disks.value, 'content');
  const snapshots = diskOf(disks.value, 'snapshots');
  return content === undefined || snapshots === undefined ? undefined : { content, snapshots };
}

/** One file system that a pull writes to, and how much: at least, and by the estimate. */
export interface Load {
  readonly disk: Disk;
  readonly leastBytes: number;
  readonly likelyBytes: number;
  /** By this file system's own ratio of bytes to inodes; 0 where it counts no inodes. */
  readonly likelyInodes: number;
}

export function loadsOf({ content, snapshots }: Places, bytes: number): readonly Load[] {
  const unpacked = bytes * unpackedRatio;
  const inodes = Math.round(unpacked / bytesPerInode(snapshots));
  if (content.device === snapshots.device)
    return [{ disk: content, leastBytes: 2 * bytes, likelyBytes: bytes + unpacked, likelyInodes: inodes }];
  return [
    { disk: content, leastBytes: bytes, likelyBytes: bytes, likelyInodes: 0 },
    { disk: snapshots, leastBytes: bytes, likelyBytes: unpacked, likelyInodes: inodes },
  ];
}

/** A file system that holds less says nothing about the content of images. */
const leastUsedBytes = 1024 ** 3;

/** Bytes an inode of the file system's current content; infinite (no inodes needed) when it holds too little to judge. */
function bytesPerInode({ capacityBytes, rootFreeBytes, inodes, inodesFree }: Disk): number {
  const used = inodes - inodesFree;
  const bytes = capacityBytes - rootFreeBytes;
  return inodes === 0 || used <= 0 || bytes < leastUsedBytes ? Number.POSITIVE_INFINITY : bytes / used;
}

export function needText(bytes: number): string {
  return `${bytesText(bytes)} compressed, about ${bytesText(bytes * unpackedRatio)} more unpacked (an estimate: ×${unpackedRatio})`;
}
