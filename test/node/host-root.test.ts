import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { linkText, listDir, locate, statPath, maxDirEntries, readBytes, readText } from '../../src/node/host-root.ts';
import { needs } from '../kit/installed.ts';
import { nodeRoot, type NodeTree } from '../kit/node-root.ts';

async function textAt(tree: NodeTree, path: string, limit?: number) {
  await using root = await nodeRoot(tree);
  return await readText(root.path, path, limit);
}

describe('reading a file of the node', () => {
  const readable: readonly (readonly [title: string, tree: NodeTree, path: string, text: string])[] = [
    ['a plain file', { 'etc/a': 'hello' }, '/etc/a', 'hello'],
    ['an empty file', { 'etc/a': '' }, '/etc/a', ''],
    ['a relative link', { 'etc/a': { link: '../run/b' }, 'run/b': 'b' }, '/etc/a', 'b'],
    ['an absolute link, which starts again at the root', { 'etc/a': { link: '/run/b' }, 'run/b': 'b' }, '/etc/a', 'b'],
    ['a link in the middle of a path', { lib: { link: '/usr/lib' }, 'usr/lib/x/y': 'y' }, '/lib/x/y', 'y'],
    ['a link that climbs above the root, which stops there', { a: { link: '../../../../b' }, b: 'b' }, '/a', 'b'],
    ['a path that climbs above the root', { b: 'b' }, '/../../b', 'b'],
    ['a chain of links', { a: { link: 'b' }, b: { link: '/c' }, c: { link: 'd/../e' }, 'd/x': '', e: 'e' }, '/a', 'e'],
    ['bytes that are not UTF-8', { a: Buffer.from([0x61, 0xff]) }, '/a', 'a\uFFFD'],
    ['a byte order mark, which stays', { a: '\uFEFFx' }, '/a', '\uFEFFx'],
  ];
  test.each(readable)('%s is read', async (_, tree, path, text) => {
    expect(await textAt(tree, path)).toEqual({ ok: true, value: text });
  });

  const unreadable: readonly (readonly [title: string, tree: NodeTree, path: string, is: string, why: RegExp])[] = [
    ['a missing file', {}, '/etc/a', 'absent', /no such file/],
    ['a link to nothing', { a: { link: '/nowhere' } }, '/a', 'absent', /no such file/],
    ['a directory', { 'a/b': '' }, '/a', 'broken', /is a directory/],
    ['a path through a file', { a: '' }, '/a/b', 'broken', /not a directory/],
    ['a loop of links', { a: { link: 'b' }, b: { link: 'a' } }, '/a', 'broken', /too many levels/],
    ['a link to itself', { a: { link: '/a' } }, '/a', 'broken', /too many levels/],
    ['a NUL byte in the path', {}, '/a\0b', 'broken', /NUL/],
    ['a path without end', {}, `/${'a/'.repeat(5000)}`, 'broken', /too long/],
    ['a name without end', {}, `/${'a'.repeat(300)}`, 'broken', /too long/],
  ];
  test.each(unreadable)('%s is told apart', async (_, tree, path, is, why) => {
    const read = await textAt(tree, path);
    expect(read).toMatchObject({ ok: false, unread: { is } });
    expect(read.ok ? '' : read.unread.why).toMatch(why);
  });

  test('a file is read up to its limit and not beyond', async () => {
    expect(await textAt({ a: 'x'.repeat(10) }, '/a', 10)).toMatchObject({ ok: true });
    expect(await textAt({ a: 'x'.repeat(11) }, '/a', 10)).toMatchObject({ ok: false, unread: { is: 'unseen' } });
  });

  test('a file that never ends is given up at its limit', async () => {
    expect(await readBytes('/', '/proc/self/mounts', 16)).toMatchObject({ ok: false, unread: { is: 'unseen' } });
    expect(await readBytes('/', '/dev/zero')).toMatchObject({ ok: false, unread: { is: 'unseen' } });
  });

  test('a FIFO in a place where a file is expected holds nobody up', async () => {
    await using root = await nodeRoot();
    execFileSync('mkfifo', [join(root.path, 'pipe')]);
    expect(await readText(root.path, '/pipe')).toMatchObject({ ok: false, unread: { is: 'unseen' } });
  });

  test('an absolute link never leads out of the root', async () => {
    await using root = await nodeRoot({ a: { link: '/etc/passwd' }, b: { link: '../../../../../../etc/passwd' } });
    expect(await readText(root.path, '/a')).toMatchObject({ ok: false, unread: { is: 'absent' } });
    expect(await readText(root.path, '/b')).toMatchObject({ ok: false, unread: { is: 'absent' } });
    expect(await locate(root.path, '/b')).toEqual({ ok: true, value: join(root.path, 'etc/passwd') });
  });
});

describe('looking at the node', () => {
  test('a directory is listed in byte order, with links as links', async () => {
    await using root = await nodeRoot({ 'd/b': '', 'd/B': '', 'd/é': '', 'd/sub/x': '', 'd/l': { link: 'sub' } });
    const listed = await listDir(root.path, '/d');
    expect(listed).toEqual({
      ok: true,
      value: [
        { name: 'B', kind: 'file' },
        { name: 'b', kind: 'file' },
        { name: 'l', kind: 'link' },
        { name: 'sub', kind: 'dir' },
        { name: 'é', kind: 'file' },
      ],
    });
  });

  test('a directory with more entries than we bear is not believed', async () => {
    await using root = await nodeRoot({ 'd/x': '' });
    execFileSync('sh', ['-c', `cd ${join(root.path, 'd')} && seq ${maxDirEntries} | xargs touch`]);
    expect(await listDir(root.path, '/d')).toMatchObject({ ok: false, unread: { is: 'unseen' } });
  }, 60_000);

  test('what stands behind a link is told with its real path, time and mode', async () => {
    const modified = new Date('2026-01-02T03:04:05Z');
    await using root = await nodeRoot({ a: { link: '/x/b' }, 'x/b': { text: '', mode: 0o755, modified } });
    expect(await statPath(root.path, '/a')).toEqual({
      ok: true,
      value: { kind: 'file', modifiedMs: modified.getTime(), executable: true, path: '/x/b' },
    });
  });

  test('the text of a link is told without following it', async () => {
    await using root = await nodeRoot({ a: { link: '/dev/null' }, b: '' });
    expect(await linkText(root.path, '/a')).toEqual({ ok: true, value: '/dev/null' });
    expect(await linkText(root.path, '/b')).toMatchObject({ ok: false });
  });
});

describe('a root in which some directories are mounted', () => {
  test('knows what is missing from what is not shown', async () => {
    await using node = await nodeRoot({ 'etc/hosts': '', 'etc/out': { link: '/var/x' }, 'var/lib': { dir: true } });
    const root = { path: node.path, mounted: ['/etc'] };
    expect(await readText(root, '/etc/hosts')).toMatchObject({ ok: true });
    expect(await readText(root, '/etc/none')).toMatchObject({ unread: { is: 'absent' } });
    for (const path of ['/etc/out', '/var/lib/rancher/x']) {
      expect(await readText(root, path)).toMatchObject({
        unread: { is: 'unseen', how: expect.any(String) as unknown },
      });
    }
    expect(await listDir(root, '/var/lib')).toMatchObject({ unread: { is: 'unseen' } });
    expect(await statPath(root, '/var/lib/rancher')).toMatchObject({
      unread: { how: 'Add the component distribution-k3s: it mounts what holds /var/lib/rancher.' },
    });
  });

  test.runIf(needs(['unshare', 'root']))('is recognised by its mounts', async () => {
    await using node = await nodeRoot({
      'host/etc': { dir: true },
      'whole/etc': { dir: true },
      'whole/proc': { dir: true },
    });
    const script = `import { openRoot } from ${JSON.stringify(new URL('../../src/node/host-root.ts', import.meta.url).href)};
      for (const dir of ['host', 'whole']) console.log(JSON.stringify(await openRoot(${JSON.stringify(node.path)} + '/' + dir)));`;
    const said = execFileSync(
      'unshare',
      [
        '--mount',
        'sh',
        '-ec',
        'mount --bind /etc "$1/host/etc"; mount --bind /etc "$1/whole/proc"; exec "$2" --input-type=module -e "$3"',
        'sh',
        node.path,
        process.execPath,
        script,
      ],
      { encoding: 'utf8' },
    );
    const [host, whole] = said
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(host).toEqual({ ok: true, value: { path: `${node.path}/host`, mounted: ['/etc'] } });
    // A disk with a /proc of its own is the whole node all the same.
    expect(whole).toEqual({ ok: true, value: `${node.path}/whole` });
  });
});
