/** What containerd has pulled already: small blobs from its content store need no request to a registry. */
import { join, posix } from 'node:path';
import type { HasContent } from '#kubelet/disk.ts';
import type { LocalContent } from '#node/view.ts';
import { directoryOf, statPath, readBytes, listDir, type HostRoot } from '#node/host-root.ts';

/** Manifests and configurations are little larger than 4 MiB at most; layers are not read. */
const maxBlobBytes = 8 * 1024 * 1024;

/**
 * `containerdRoot` is the runtime's own `root` (`/var/lib/containerd`), a path of the node. The path of the store is resolved once for each
 * returned function: to follow its links for every digest took longer than the request that it saves.
 */
export function localContent(hostRoot: HostRoot, containerdRoot: string): LocalContent {
  const blobs = posix.join(containerdRoot, 'io.containerd.content.v1.content/blobs');
  let found: Promise<string | undefined> | undefined;
  return async (digest) => {
    const parts = /^(sha256|sha384|sha512):([0-9a-f]{64,128})$/.exec(digest);
    if (parts === null) return undefined;
    found ??= find(hostRoot, blobs);
    const store = await found;
    if (store === undefined) return undefined;
    const read = await readBytes(store, posix.join('/', parts[1] ?? '', parts[2] ?? ''), maxBlobBytes);
    return read.ok ? read.value : undefined;
  };
}

/** Whether blobs are in the store; undefined where the store itself cannot be read. */
export function hasContent(hostRoot: HostRoot, containerdRoot: string): HasContent {
  // containerd creates the directories below it with the first blob.
  const content = posix.join(containerdRoot, 'io.containerd.content.v1.content');
  let found: Promise<string | undefined> | undefined;
  let isNew: Promise<boolean> | undefined;
  return async (digest) => {
    const parts = /^(sha256|sha384|sha512):([0-9a-f]{64,128})$/.exec(digest);
    if (parts === null) return undefined;
    found ??= find(hostRoot, content);
    const store = await found;
    if (store === undefined) {
      isNew ??= hasPulledNothing(hostRoot, containerdRoot);
      return (await isNew) ? false : undefined;
    }
    const at = await statPath(store, posix.join('/blobs', parts[1] ?? '', parts[2] ?? ''));
    if (at.ok) return at.value.kind === 'file';
    return at.unread.is === 'unseen' ? undefined : false;
  };
}

/**
 * containerd creates the database at its start, and the store, since 1.7, with the first write to it
 * (content/local/store.go ensureIngestRoot).
 */
async function hasPulledNothing(hostRoot: HostRoot, containerdRoot: string): Promise<boolean> {
  const listed = await listDir(hostRoot, containerdRoot);
  // A store behind a link that leads outside the mounted root does not count as new.
  const names = listed.ok ? listed.value.map(({ name }) => name) : [];
  return names.includes('io.containerd.metadata.v1.bolt') && !names.includes('io.containerd.content.v1.content');
}

/** The path of the store on this machine. */
async function find(hostRoot: HostRoot, path: string): Promise<string | undefined> {
  const at = await statPath(hostRoot, path);
  return at.ok && at.value.kind === 'dir' ? join(directoryOf(hostRoot), at.value.path) : undefined;
}
