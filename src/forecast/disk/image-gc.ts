/** Whether the kubelet's image garbage collection keeps up, as a file system's series shows. */
import { imageGcPeriodS, type GarbageCollection } from '#kubelet/eviction.ts';
import type { DiskPast } from '#forecast/history/disks.ts';

/** So many rounds without effect are no chance. */
const rounds = 3;

/** It should have run several times by now, and nothing became free. */
export function isFutile(past: DiskPast | undefined, collection: GarbageCollection, now: Date): boolean {
  if (past === undefined) return false;
  const { samples } = past;
  const healthy = samples.findLastIndex(([, free]) => free >= collection.beginsBelow);
  const since = samples[healthy + 1];
  return since !== undefined && now.getTime() - since[0] >= rounds * imageGcPeriodS * 1000;
}

/** It was seen to free room, and not long ago. */
export function keepsUp(past: DiskPast | undefined, collection: GarbageCollection, now: Date): boolean {
  return past?.collectedMs !== undefined && !isFutile(past, collection, now);
}
