/** mountinfo (proc_pid_mountinfo(5)): which mount holds a path, and which device that is. */

export interface Mount {
  readonly point: string;
  /** `8:1` */
  readonly device: string;
}

/** The mounts that can be reached: one that was covered by a later mount at or above its place is left out. */
export function readMountinfo(text: string): readonly Mount[] {
  let mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const [, , device, , point] = line.split(' ');
    if (device === undefined || point === undefined || !/^\d+:\d+$/.test(device)) continue;
    const mount = { device, point: unescape(point) };
    mounts = [...mounts.filter((earlier) => !isWithin(earlier.point, mount.point)), mount];
  }
  return mounts;
}

/** The kernel writes blanks and the like as three octal digits. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** The innermost mount that holds a path. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts
    .filter(({ point }) => isWithin(path, point))
    .reduce<Mount | undefined>(
      (best, mount) => (best === undefined || mount.point.length > best.point.length ? mount : best),
      undefined,
    );
}

export function isWithin(path: string, place: string): boolean {
  return path === place || place === '/' || path.startsWith(`${place}/`);
}
