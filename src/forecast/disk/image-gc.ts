/** Whether the kubelet's image garbage collection keeps up, as a file system's series shows. */
import { imageGcPeriodS, type GarbageCollection } from '#kubelet/eviction.ts';
import type { DiskHistory } from '#forecast/history/disks.ts';

/** So many rounds without effect are no chance. */
const rounds = 3;

/** It should have run several times by now, and nothing became free. */
export function isFutile(history: DiskHistory | undefined, collection: GarbageCollection, now: Date): boolean {
  if (history === undefined) return false;
  const { samples } = history;
  const healthy = samples.findLastIndex(([, free]) => free >= collection.beginsBelow);
  const since = samples[healthy + 1];
  return since !== undefined && now.getTime() - since[0] >= rounds * imageGcPeriodS * 1000;
}

/** It was seen to free room, and not long ago. */
export function keepsUp(history: DiskHistory | undefined, collection: GarbageCollection, now: Date): boolean {
  return history?.collectedMs !== undefined && !isFutile(history, collection, now);
}
