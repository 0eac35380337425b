/** File systems of a node, as a process with a host root sees them. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RuntimeConfig } from '#node/view.ts';
import { readDisks } from '#node/disk.ts';
import { needs } from '../kit/installed.ts';
import { nodeRoot } from '../kit/node-root.ts';
import { smallDisk } from '../kit/small-disk.ts';
import { nodeWith } from '../kit/disks.ts';

const MiB = 1024 ** 2;
const { config } = nodeWith().runtime;
const runtime: RuntimeConfig | undefined = config.ok ? config.value : undefined;
const places = { kubeletRoot: '/var/lib/kubelet', runtime };

test('a directory below the host root that no volume of the node is mounted at is not the node', async () => {
  await using root = await nodeRoot({ 'var/lib/kubelet': { dir: true }, 'var/lib/containerd': { dir: true } });
  expect(await readDisks(root.path, places)).toMatchObject({
    ok: false,
    fault: { code: 'agent.cannot_see', why: '/var/lib/kubelet: no volume of the node is mounted there' },
  });
});

describe.runIf(needs(['root', 'mount', 'umount']))('a volume of the node', () => {
  test('is measured for everything that lies on it, also what is not there yet', async () => {
    await using root = await nodeRoot();
    await using disk = await smallDisk(join(root.path, 'var/lib'), { bytes: 16 * MiB, inodes: 500 });
    await disk.fill(4 * MiB);
    const read = await readDisks(root.path, places);
    expect(read).toMatchObject({
      ok: true,
      value: {
        unseen: [],
        all: [
          {
            roles: ['nodefs', 'imagefs', 'containerfs', 'content', 'snapshots'],
            path: '/var/lib/kubelet',
            capacityBytes: 16 * MiB,
            freeBytes: 12 * MiB,
            rootFreeBytes: 12 * MiB,
            inodes: 500,
            inodesFree: 498,
          },
        ],
      },
    });
  });

  test('inside another is a file system of its own', async () => {
    await using root = await nodeRoot();
    await using outer = await smallDisk(join(root.path, 'var/lib'), { bytes: 16 * MiB });
    const inside = join(outer.path, 'containerd/io.containerd.snapshotter.v1.overlayfs');
    await using inner = await smallDisk(inside, { bytes: 8 * MiB });
    expect(inner.path).toBe(inside);
    const read = await readDisks(root.path, places);
    expect(read.ok && read.value.all.map(({ roles, capacityBytes }) => [roles.join(' '), capacityBytes])).toEqual([
      ['nodefs content', 16 * MiB],
      ['imagefs containerfs snapshots', 8 * MiB],
    ]);
  });

  test('that holds the runtime alone leaves the kubelet unseen', async () => {
    await using root = await nodeRoot({ 'var/lib/kubelet': { dir: true } });
    await using disk = await smallDisk(join(root.path, 'var/lib/containerd'), { bytes: 8 * MiB });
    expect(disk.path).toBe(join(root.path, 'var/lib/containerd'));
    const read = await readDisks(root.path, places);
    expect(read).toMatchObject({
      ok: true,
      value: { all: [{ roles: ['imagefs', 'containerfs', 'content', 'snapshots'] }], unseen: [{ role: 'nodefs' }] },
    });
  });

  test('over which the node has mounted another since is not the right one', async () => {
    const later = '40 1 8:77 / /var/lib/containerd rw - xfs /dev/sdx rw\n';
    await using root = await nodeRoot({ 'proc/1/mountinfo': `1 0 8:1 / / rw - ext4 /dev/sda1 rw\n${later}` });
    await using disk = await smallDisk(join(root.path, 'var/lib/containerd'), { bytes: 8 * MiB });
    expect(disk.path).toBe(join(root.path, 'var/lib/containerd'));
    expect(await readDisks(root.path, places)).toMatchObject({ ok: false });
    const read = await readDisks(root.path, { ...places, kubeletRoot: '/var/lib/containerd/x' });
    expect(!read.ok && read.fault).toMatchObject({ why: expect.stringContaining('HostToContainer') as string });
  });
});

test('without a runtime configuration the kubelet alone is measured, of this very machine', async () => {
  const read = await readDisks('/', { kubeletRoot: '/proc/../var/lib/kubelet-that-is-not-there', runtime: undefined });
  expect(read).toMatchObject({ ok: true, value: { all: [{ roles: ['nodefs'] }], unseen: [{ role: 'imagefs' }] } });
});
