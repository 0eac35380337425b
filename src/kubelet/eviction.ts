/**
 * What the kubelet makes of a file system that fills: eviction thresholds and image garbage collection. Imitates kubernetes
 * pkg/kubelet/eviction/helpers.go (parseThresholdStatement, thresholdsMet), eviction/api (GetThresholdQuantity) and
 * pkg/kubelet/images/image_gc_manager.go (GarbageCollect), v1.36.2. containerfs has no thresholds of its own: the kubelet
 * copies them from nodefs or imagefs, so they say nothing new.
 */
import { capacityOf, freeOf, type Disk, type Measure } from './disk.ts';
import type { KubeletConfig } from './config.ts';
import { valueAt } from '#data/value-at.ts';
import { parseQuantity } from './quantity.ts';

export interface Threshold {
  /** `imagefs.available`. */
  readonly signal: string;
  /** Both raise DiskPressure as soon as they are met; a soft one evicts Pods after its grace period only. */
  readonly kind: 'hard' | 'soft';
  /** `15%`, `10Gi`. */
  readonly written: string;
  readonly measure: Measure;
  /** Pressure where less than this is free. */
  readonly floor: number;
  /** Of a soft threshold. */
  readonly graceS?: number;
}

/** The thresholds that watch this file system, the first to be met first. */
export function thresholdsOf(disk: Disk, config: KubeletConfig): readonly Threshold[] {
  const signals = (['nodefs', 'imagefs'] as const)
    .filter((role) => disk.roles.includes(role))
    .flatMap((role) => [
      { signal: `${role}.available`, measure: 'bytes' as const },
      { signal: `${role}.inodesFree`, measure: 'inodes' as const },
    ]);
  return signals
    .flatMap(({ signal, measure }): readonly Threshold[] => {
      const capacity = capacityOf(disk, measure);
      const hard = one(config.evictionHard, signal, capacity);
      const soft = one(config.evictionSoft, signal, capacity);
      const graceS = valueAt(config.evictionSoftGraceS, signal);
      return [
        ...(hard === undefined ? [] : [{ signal, kind: 'hard' as const, measure, ...hard }]),
        ...(soft === undefined
          ? []
          : [{ signal, kind: 'soft' as const, measure, ...soft, ...(graceS === undefined ? {} : { graceS }) }]),
      ];
    })
    .filter(({ floor }) => floor > 0)
    .toSorted((a, b) => b.floor - a.floor);
}

function one(
  written: Readonly<Record<string, string>>,
  signal: string,
  capacity: number,
): { readonly written: string; readonly floor: number } | undefined {
  const text = valueAt(written, signal);
  const floor = text === undefined ? undefined : floorOf(text, capacity);
  return text === undefined || floor === undefined ? undefined : { written: text, floor };
}

/** A percentage is a float32 of the capacity, cut to a whole number. */
function floorOf(text: string, capacity: number): number | undefined {
  if (!text.endsWith('%')) return parseQuantity(text);
  const percent = Number(text.slice(0, -1));
  return Number.isFinite(percent) && percent >= 0 && percent <= 100
    ? Math.trunc(capacity * Math.fround(Math.fround(percent) / 100))
    : undefined;
}

/** The comparison is strict: exactly the threshold is enough. */
export function isMet({ floor, measure }: Threshold, disk: Disk): boolean {
  return floor > freeOf(disk, measure);
}

export interface GarbageCollection {
  /** It begins where fewer bytes than this are free… */
  readonly beginsBelow: number;
  /** …and deletes unused images until so many are. */
  readonly until: number;
}

/** Undefined where the kubelet collects no images off this file system for want of room. */
export function garbageCollectionOf(disk: Disk, config: KubeletConfig): GarbageCollection | undefined {
  const { imageGcHighPercent: high, imageGcLowPercent: low } = config;
  if (!disk.roles.includes('imagefs') || high >= 100) return undefined;
  // usage = 100 - available * 100 / capacity in whole numbers, and usage >= high.
  return {
    beginsBelow: Math.ceil(((101 - high) * disk.capacityBytes) / 100),
    until: Math.floor((disk.capacityBytes * (100 - low)) / 100),
  };
}

/** How often the kubelet looks (pkg/kubelet/kubelet.go ImageGCPeriod). */
export const imageGcPeriodS = 300;
