/** What containerd has pulled already: small blobs out of its content store, so that they need not be asked of a registry. */
import { posix } from 'node:path';
import type { LocalContent } from '#pull/view.ts';
import { readBytes } from './host-root.ts';

/** Manifests and configurations are at most 4 MiB and a little; layers are never wanted. */
const maxBlobBytes = 8 * 1024 * 1024;

/** `containerdRoot` is the runtime's own `root` (`/var/lib/containerd`), a path of the node. */
export function localContent(hostRoot: string, containerdRoot: string): LocalContent {
  const blobs = posix.join(containerdRoot, 'io.containerd.content.v1.content/blobs');
  return async (digest) => {
    const parts = /^(sha256|sha384|sha512):([0-9a-f]{64,128})$/.exec(digest);
    if (parts === null) return undefined;
    const read = await readBytes(hostRoot, posix.join(blobs, parts[1] ?? '', parts[2] ?? ''), maxBlobBytes);
    return read.ok ? read.value : undefined;
  };
}
