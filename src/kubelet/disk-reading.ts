/** A file system and the lowest that the kubelet lets it fall, for whoever tells it. */
import type { Disk, Measure } from './disk.ts';
import { thresholdsOf } from './eviction.ts';
import type { NodeView } from '#node/view.ts';

export interface DiskReading {
  readonly disk: Disk;
  /** The hard eviction threshold that is met first; absent where there is none, or none was seen. */
  readonly floors: { readonly [M in Measure]?: number };
}

export function diskReadings({ system, kubelet }: NodeView): readonly DiskReading[] {
  const { disks } = system;
  if (disks?.ok !== true) return [];
  const config = kubelet.config?.ok === true ? kubelet.config.value : undefined;
  return disks.value.all.map((disk) => {
    const hard = config === undefined ? [] : thresholdsOf(disk, config).filter(({ kind }) => kind === 'hard');
    const floor = (measure: Measure): number | undefined => hard.find((one) => one.measure === measure)?.floor;
    const [bytes, inodes] = [floor('bytes'), floor('inodes')];
    return { disk, floors: { ...(bytes === undefined ? {} : { bytes }), ...(inodes === undefined ? {} : { inodes }) } };
  });
}
