/**
 * How much room the node's file systems have, by statfs of the directories that the kubelet and the runtime use. A directory
 * below our view of the node need not be the node's: where a Pod has no volume there, it is a piece of the Pod's own file
 * system. So nothing is measured but what mountinfo shows to be mounted at or below the host root; and where the host's own
 * mountinfo is to be seen, too, the device must be the one that the host has there.
 */
import { posix } from 'node:path';
import type { Disk, DiskRole, Disks } from '#kubelet/disk.ts';
import { bad, good, seen, type Seen } from '#report/outcome.ts';
import type { RuntimeConfig } from './view.ts';
import { directoryOf, locate, readText, spaceAt, type Read, type FileSystemSpace, type HostRoot } from './host-root.ts';
import { isWithin, mountOf, readMountinfo, type Mount } from './mounts.ts';

export interface DiskPlaces {
  readonly kubeletRoot: string;
  /** Undefined where the runtime's configuration was not seen. */
  readonly runtime: RuntimeConfig | undefined;
}

interface Mounts {
  readonly root: HostRoot;
  /** As this process sees them. */
  readonly own: readonly Mount[] | undefined;
  /** As the host's first process does, by the node's own paths. */
  readonly host: readonly Mount[] | undefined;
}

type Found =
  | { readonly ok: true; readonly space: FileSystemSpace; readonly device: string }
  | { readonly ok: false; readonly why: string };

export async function readDisks(root: HostRoot, places: DiskPlaces): Promise<Seen<Disks>> {
  const mounts: Mounts = {
    root,
    own: mountsIn(await readText('/', '/proc/self/mountinfo')),
    host: root === '/' ? undefined : mountsIn(await readText(root, '/proc/1/mountinfo')),
  };
  const disks = new Map<string, Disk>();
  const unseen: Disks['unseen'][number][] = [];
  for (const { role, path } of placesOf(places)) {
    const found = await measure(mounts, path);
    if (!found.ok) {
      unseen.push({ role, path, why: found.why });
      continue;
    }
    const known = disks.get(found.device);
    disks.set(
      found.device,
      known === undefined ? asDisk(role, path, found) : { ...known, roles: [...known.roles, role] },
    );
  }
  if (places.runtime === undefined)
    unseen.push({ role: 'imagefs', path: '', why: "the runtime's configuration was not seen" });
  const all = [...disks.values()];
  const [first] = unseen;
  if (all.length === 0) {
    const why = first === undefined ? 'nothing is mounted there' : `${first.path}: ${first.why}`;
    return seen('statfs', bad({ code: 'agent.cannot_see', what: "the node's file systems", why }));
  }
  return seen('statfs', good({ all, unseen }));
}

function mountsIn(text: Read<string>): readonly Mount[] | undefined {
  return text.ok ? readMountinfo(text.value) : undefined;
}

function placesOf({ kubeletRoot, runtime }: DiskPlaces): readonly { readonly role: DiskRole; readonly path: string }[] {
  const nodefs = { role: 'nodefs' as const, path: kubeletRoot };
  if (runtime === undefined) return [nodefs];
  const { root, snapshots } = runtime;
  const content = { role: 'content' as const, path: posix.join(root, 'io.containerd.content.v1.content') };
  if (snapshots === undefined) return [nodefs, content];
  return [
    nodefs,
    { role: 'imagefs', path: snapshots.reportedRoot },
    { role: 'containerfs', path: snapshots.reportedRoot },
    content,
    { role: 'snapshots', path: snapshots.root },
  ];
}

function asDisk(role: DiskRole, path: string, { space, device }: Extract<Found, { ok: true }>): Disk {
  return {
    roles: [role],
    path,
    device,
    capacityBytes: space.blocks * space.blockBytes,
    freeBytes: space.blocksAvailable * space.blockBytes,
    rootFreeBytes: space.blocksFree * space.blockBytes,
    inodes: space.inodes,
    inodesFree: space.inodesFree,
  };
}

/**
 * A directory that is not there yet, or that only root may enter (containerd's own since 1.7.29), lies on the file system
 * of the nearest one above it, unless something is mounted between.
 */
async function measure(mounts: Mounts, path: string): Promise<Found> {
  const located = await locate(mounts.root, path);
  const place = located.ok ? located.value : posix.join(directoryOf(mounts.root), path);
  const mount = mounts.own === undefined ? undefined : mountOf(mounts.own, place);
  if (mount === undefined) return { ok: false, why: 'mountinfo does not tell what is mounted there' };
  if (mounts.root !== '/' && !isWithin(mount.point, directoryOf(mounts.root)))
    return { ok: false, why: 'no volume of the node is mounted there' };
  const hostMount = mounts.host === undefined ? undefined : mountOf(mounts.host, nodePath(mounts.root, place));
  if (hostMount !== undefined && hostMount.device !== mount.device) {
    const why = `the node has ${hostMount.point} mounted there since, and this Pod does not see it (mountPropagation: HostToContainer)`;
    return { ok: false, why };
  }
  let why = 'it cannot be measured';
  for (let at = place; isWithin(at, mount.point); at = posix.dirname(at)) {
    const space = await spaceAt(at);
    if (space.ok && space.value.blocks > 0) return { ok: true, space: space.value, device: mount.device };
    if (space.ok) return { ok: false, why: 'its file system has no size' };
    why = space.unread.why;
    if (at === '/') break;
  }
  return { ok: false, why };
}

function nodePath(root: HostRoot, place: string): string {
  const directory = directoryOf(root);
  return directory === '/' ? place : place.slice(directory.length) || '/';
}
