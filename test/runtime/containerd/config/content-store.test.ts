import { describe, expect, test } from 'vitest';
import { hasContent, localContent } from '#runtime/containerd/config/content-store.ts';
import { nodeRoot, type NodeTree } from '../../../kit/node-root.ts';

const hex = 'ab'.repeat(32);
const digest = `sha256:${hex}`;
const blob = `io.containerd.content.v1.content/blobs/sha256/${hex}`;

async function found(root: string, wanted = digest): Promise<string | undefined> {
  const bytes = await localContent(root, '/var/lib/containerd')(wanted);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

test('a blob that the runtime has stored is read', async () => {
  await using root = await nodeRoot({ [`var/lib/containerd/${blob}`]: 'here' });
  expect(await found(root.path)).toBe('here');
});

test('a store on another disk is found through its absolute link, below the same root', async () => {
  await using root = await nodeRoot({
    'var/lib/containerd': { link: '/mnt/disk/containerd' },
    [`mnt/disk/containerd/${blob}`]: 'elsewhere',
  });
  expect(await found(root.path)).toBe('elsewhere');
});

test.each([
  ['no store', {}],
  ['a file in the place of the store', { 'var/lib/containerd/io.containerd.content.v1.content/blobs': 'x' }],
  [
    'a store without it',
    { 'var/lib/containerd/io.containerd.content.v1.content/blobs/sha256': { dir: true } as const },
  ],
])('%s: nothing is known', async (_, tree) => {
  await using root = await nodeRoot(tree);
  expect(await found(root.path)).toBeUndefined();
});

test.each(['', 'sha256:', 'sha256:../../../../etc/passwd', `md5:${hex}`, `sha256:${hex}/..`])(
  'what is no digest is not looked for: %j',
  async (wanted) => {
    await using root = await nodeRoot({ [`var/lib/containerd/${blob}`]: 'here', 'etc/passwd': 'root' });
    expect(await found(root.path, wanted)).toBeUndefined();
  },
);

describe('whether the runtime holds a blob', () => {
  const other = `sha256:${'cd'.repeat(32)}`;
  const ask = (root: string, wanted: string): Promise<boolean | undefined> =>
    hasContent(root, '/var/lib/containerd')(wanted);

  test('is told of a store that is to be seen, whatever the size', async () => {
    await using root = await nodeRoot({ [`var/lib/containerd/${blob}`]: Buffer.alloc(9 << 20) });
    expect([await ask(root.path, digest), await ask(root.path, other)]).toEqual([true, false]);
  });

  test('a store that is new holds nothing', async () => {
    await using root = await nodeRoot({ 'var/lib/containerd/io.containerd.content.v1.content': { dir: true } });
    expect(await ask(root.path, digest)).toBe(false);
  });

  const content = 'var/lib/containerd/io.containerd.content.v1.content';

  test.each<readonly [string, NodeTree, boolean | undefined]>([
    ['of which the runtime has made nothing yet but its database', {}, false],
    ['that cannot be looked at', { [content]: 'x' }, undefined],
    ['that lies where nobody shows it', { [content]: { link: '/mnt/content' } }, undefined],
  ])('a store %s', async (_, tree, holds) => {
    await using root = await nodeRoot({ 'var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db': '', ...tree });
    expect([await ask(root.path, digest), await ask(root.path, 'md5:x')]).toEqual([holds, undefined]);
  });

  test.each([
    ['no store', {}, digest],
    ['a directory that only looks like it', { 'var/lib/containerd': { dir: true } as const }, digest],
    ['what is no digest', { [`var/lib/containerd/${blob}`]: 'x' }, 'sha256:../../etc/passwd'],
  ])('is not known of %s', async (_, tree, wanted) => {
    await using root = await nodeRoot(tree);
    expect(await ask(root.path, wanted)).toBeUndefined();
  });
});
