/** What a pull would write, as far as the manifest and the runtime's store tell; the rest is estimated, and says so. */
import { bytesText, diskOf, type Disk } from '#kubelet/disk.ts';
import type { Content, Rehearsal } from '#report/rehearsal.ts';
import type { NodeView, RuntimeConfig } from '#node/view.ts';

/**
 * How much larger layers are unpacked. Manifests do not say, so this is an estimate of ours, of the order that was found for the
 * layers of Docker Hub (Zhao and others, Large-Scale Analysis of the Docker Hub Dataset, IEEE CLUSTER 2019).
 */
export const unpackedRatio = 2.5;

/** They write every layer that is missing into directories; others fetch lazily, or into devices of their own. */
const plainSnapshotters: ReadonlySet<string> = new Set(['overlayfs', 'native', 'btrfs', 'zfs', 'fuse-overlayfs']);

export interface Need {
  /** Compressed, into the runtime's content store. */
  readonly contentBytes: number;
  /** What the runtime has already was looked up; otherwise all layers are counted. */
  readonly isExact: boolean;
}

/** What has not been pulled yet; undefined where nothing is to be written, or nothing is known of its size. */
export function needOf(content: Content, runtime: RuntimeConfig): Need | undefined {
  const { snapshots } = runtime;
  if (snapshots === undefined || !plainSnapshotters.has(snapshots.snapshotter)) return undefined;
  // Layers that were given up after unpacking are not in the store, and are not fetched again.
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

/** Where a pull writes; undefined where one of the two was not measured. */
export function placesOf(view: NodeView): Places | undefined {
  const { disks } = view.system;
  if (disks?.ok !== true) return undefined;
  const content = diskOf(disks.value, 'content');
  const snapshots = diskOf(disks.value, 'snapshots');
  return content === undefined || snapshots === undefined ? undefined : { content, snapshots };
}

/** One file system that a pull writes to, and how much: for certain, and by the estimate. */
export interface Load {
  readonly disk: Disk;
  readonly leastBytes: number;
  readonly likelyBytes: number;
  /** By this file system's own bytes an inode; 0 where it counts none. */
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

/** A file system that holds less says nothing of what images are made of. */
const tellingBytes = 1024 ** 3;

/** As many inodes as the file system's present content takes; without much of that, none. */
function bytesPerInode({ capacityBytes, rootFreeBytes, inodes, inodesFree }: Disk): number {
  const used = inodes - inodesFree;
  const bytes = capacityBytes - rootFreeBytes;
  return inodes === 0 || used <= 0 || bytes < tellingBytes ? Number.POSITIVE_INFINITY : bytes / used;
}

export function needText(bytes: number): string {
  return `${bytesText(bytes)} compressed, about ${bytesText(bytes * unpackedRatio)} more unpacked (an estimate: ×${unpackedRatio})`;
}
