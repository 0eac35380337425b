/** Gauges of the node's file systems, one series for each use of one. */
import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import type { DiskReading } from '#kubelet/disk-reading.ts';
import type { GaugeSource } from './gauges.ts';

interface Figure {
  readonly name: string;
  readonly help: string;
  readonly read: (reading: DiskReading) => number | undefined;
}

const figures: readonly Figure[] = [
  {
    name: 'drypull_disk_free_bytes',
    help: 'Bytes that are free for everybody on a file system of the node, by its use: nodefs, imagefs, containerfs, content, snapshots.',
    read: ({ disk }) => disk.freeBytes,
  },
  {
    name: 'drypull_disk_capacity_bytes',
    help: 'Size of a file system of the node, by its use.',
    read: ({ disk }) => disk.capacityBytes,
  },
  {
    name: 'drypull_disk_threshold_bytes',
    help: "The kubelet's hard eviction threshold: below it the node has DiskPressure. Absent where there is none, or it was not seen.",
    read: ({ floors }) => floors.bytes,
  },
  {
    name: 'drypull_disk_inodes_free',
    help: 'Inodes that are free on a file system of the node, by its use.',
    read: ({ disk }) => (disk.inodes === 0 ? undefined : disk.inodesFree),
  },
  {
    name: 'drypull_disk_inodes',
    help: 'Inodes of a file system of the node, by its use; absent where they are not limited.',
    read: ({ disk }) => (disk.inodes === 0 ? undefined : disk.inodes),
  },
  {
    name: 'drypull_disk_threshold_inodes',
    help: "The kubelet's hard eviction threshold of free inodes. Absent where there is none, or it was not seen.",
    read: ({ floors }) => floors.inodes,
  },
];

export function addDisks(registry: Registry, { ledger }: Pick<GaugeSource, 'ledger'>): void {
  for (const { name, help, read } of figures) {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: ['filesystem'],
        registers: [],
        collect() {
          this.reset();
          for (const reading of ledger().disks ?? []) {
            const value = read(reading);
            if (value === undefined) continue;
            for (const filesystem of reading.disk.roles) this.set({ filesystem }, value);
          }
        },
      }),
    );
  }
}
