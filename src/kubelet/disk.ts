/** The node's file systems as a pull and the kubelet meet them: what each is used for, and what is free on it. */

/**
 * `nodefs`: the kubelet's root directory. `imagefs`: what the runtime reports to the kubelet as its image file system;
 * `containerfs` is the same one with containerd. `content`: where compressed layers are kept. `snapshots`: where they are
 * unpacked. The last two may lie on file systems that the kubelet never looks at.
 */
export const diskRoles = ['nodefs', 'imagefs', 'containerfs', 'content', 'snapshots'] as const;
export type DiskRole = (typeof diskRoles)[number];

/** One file system, whatever it is used for. */
export interface Disk {
  readonly roles: readonly DiskRole[];
  /** Of the first role, as the node writes it. */
  readonly path: string;
  /** `8:1`, as in mountinfo. */
  readonly device: string;
  readonly capacityBytes: number;
  /** For everybody (f_bavail): what the kubelet goes by, as cAdvisor does. */
  readonly freeBytes: number;
  /** For root (f_bfree), and so for containerd: blocks that are kept for root count too. */
  readonly rootFreeBytes: number;
  /** 0 where the file system has no such limit. */
  readonly inodes: number;
  readonly inodesFree: number;
}

export interface Disks {
  readonly all: readonly Disk[];
  /** Places that could not be measured. */
  readonly unseen: readonly { readonly role: DiskRole; readonly path: string; readonly why: string }[];
}

/** How the runtime unpacks layers. */
export interface SnapshotSettings {
  readonly snapshotter: string;
  readonly root: string;
  /** What containerd tells the kubelet of it, which 1.x gets wrong where `root_path` is set. */
  readonly reportedRoot: string;
  /** Compressed layers are given up once they are unpacked. */
  readonly discardsLayers: boolean;
}

/** Whether the runtime holds a blob already; undefined where nobody can look. */
export type HasContent = (digest: string) => Promise<boolean | undefined>;

/** What the Node itself says. */
export interface DiskPressure {
  readonly is: boolean;
  /** ISO 8601; empty where the Node does not say. */
  readonly since: string;
}

export type Measure = 'bytes' | 'inodes';

/** What the kubelet goes by. */
export function freeOf(disk: Disk, measure: Measure): number {
  return measure === 'bytes' ? disk.freeBytes : disk.inodesFree;
}

export function capacityOf(disk: Disk, measure: Measure): number {
  return measure === 'bytes' ? disk.capacityBytes : disk.inodes;
}

export function diskOf(disks: Disks, role: DiskRole): Disk | undefined {
  return disks.all.find(({ roles }) => roles.includes(role));
}

/** `12.3 GiB`, `4.0 KiB`, `512 B`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const value = bytes / 1024 ** power;
  return `${power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? 'B'}`;
}

export function amountText(amount: number, measure: Measure): string {
  return measure === 'bytes' ? bytesText(amount) : `${Math.round(amount)} inodes`;
}
