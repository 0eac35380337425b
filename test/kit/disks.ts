/** File systems and the node's beliefs about them, as literals. */
import type { Disk, Disks, SnapshotSettings } from '#kubelet/disk.ts';
import { kubeletConfigOf } from '#kubelet/config.ts';
import { bad, good, seen } from '#report/outcome.ts';
import type { DiskHistory, Sample } from '#forecast/history/disks.ts';
import type { NodeView } from '#node/view.ts';
import { nodeOf, type NodeSketch } from './stage.ts';

export const GiB = 1024 ** 3;

/** 100 GiB for everything, half of it free. */
export const one: Disk = {
  roles: ['nodefs', 'imagefs', 'containerfs', 'content', 'snapshots'],
  path: '/var/lib/kubelet',
  device: '8:1',
  capacityBytes: 100 * GiB,
  freeBytes: 50 * GiB,
  rootFreeBytes: 50 * GiB,
  inodes: 6_000_000,
  inodesFree: 5_000_000,
};

const snapshots: SnapshotSettings = {
  snapshotter: 'overlayfs',
  root: '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs',
  reportedRoot: '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs',
  discardsLayers: false,
};

export interface DiskSketch {
  readonly disks?: readonly Disk[];
  /** Layers of the kubelet's configuration; null: it was not seen. */
  readonly kubelet?: readonly unknown[] | null;
  readonly snapshots?: Partial<SnapshotSettings>;
  /** Everything else of it. */
  readonly node?: NodeSketch;
}

export function nodeWith(sketch: DiskSketch = {}): NodeView {
  const view = nodeOf({
    ...sketch.node,
    config: { ...sketch.node?.config, snapshots: { ...snapshots, ...sketch.snapshots } },
  });
  const disks: Disks = { all: sketch.disks ?? [one], unseen: [] };
  const unseen = bad({ code: 'agent.cannot_see', what: "the kubelet's configuration", why: 'no volume' });
  const config = sketch.kubelet === null ? unseen : good(kubeletConfigOf(sketch.kubelet ?? [{}]));
  return {
    ...view,
    kubelet: { ...view.kubelet, config: seen('/var/lib/kubelet/config.yaml', config) },
    system: { ...view.system, disks: seen('statfs', good(disks)) },
  };
}

/** A series every five minutes that ends at `endMs` with the last of these free bytes. */
export function seriesOf(endMs: number, free: readonly number[], over: Partial<DiskHistory> = {}): DiskHistory {
  const samples = free.map((bytes, i): Sample => [endMs - (free.length - 1 - i) * 300_000, bytes, one.inodesFree]);
  return { capacityBytes: one.capacityBytes, samples, ...over };
}
