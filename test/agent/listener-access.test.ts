import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Pair } from '#agent/collaborators.ts';
import { pairChanges, readPair } from '#agent/certificate-pair.ts';

let folder = '';
let stopping = new AbortController();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drypull-pair-'));
  stopping = new AbortController();
});
afterEach(async () => {
  stopping.abort();
  await rm(folder, { recursive: true });
});

const files = (): { readonly cert: string; readonly key: string } => ({
  cert: join(folder, 'tls.crt'),
  key: join(folder, 'tls.key'),
});
const pair = (cert: string, key: string): Pair => ({ ok: true, pems: { cert, key } });

async function written(cert: string, key: string): Promise<void> {
  await writeFile(files().cert, cert);
  await writeFile(files().key, key);
}

/** In one step, so that nobody sees half of it. */
async function replaced(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

function changes(first: Pair): () => Promise<Pair | undefined> {
  const shown = pairChanges(files(), first, { signal: stopping.signal, settleMs: 5, pollMs: 20 });
  return async () => {
    const next = await shown.next();
    return next.done === true ? undefined : next.value;
  };
}

describe('the files of the listener', () => {
  test('are read as they are', async () => {
    await written('c', 'k');
    expect(await readPair(files())).toEqual(pair('c', 'k'));
  });

  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'no certificate',
      () => writeFile(files().key, 'k'),
      /^listenTlsCert \S+tls\.crt cannot be read: there is no such file$/,
    ],
    ['no key', () => writeFile(files().cert, 'c'), /^listenTlsKey \S+tls\.key cannot be read: there is no such file$/],
    ['a directory for a key', () => mkdir(files().key).then(() => writeFile(files().cert, 'c')), /it is a directory/],
    [
      'a certificate without end',
      () => symlink('/dev/zero', files().cert).then(() => writeFile(files().key, 'k')),
      /longer/,
    ],
  ])('%s is said with the name of the file', async (_, make, why) => {
    await make();
    expect(await readPair(files())).toEqual({ ok: false, why: expect.stringMatching(why) as string });
  });

  test('a change of either is a new pair', async () => {
    await written('c1', 'k1');
    const next = changes(pair('c1', 'k1'));
    const first = next();
    await replaced(files().key, 'k2');
    expect(await first).toEqual(pair('c1', 'k2'));
    const second = next();
    await replaced(files().cert, 'c2');
    expect(await second).toEqual(pair('c2', 'k2'));
  });

  test('what changed before anybody watched is not missed', async () => {
    await written('c2', 'k2');
    expect(await changes(pair('c1', 'k1'))()).toEqual(pair('c2', 'k2'));
  });

  test("a Secret volume's swap is one new pair, and a file that is gone is said", async () => {
    for (const [name, cert, key] of [
      ['..1', 'c1', 'k1'],
      ['..2', 'c2', 'k2'],
    ] as const) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'tls.crt'), cert);
      await writeFile(join(folder, name, 'tls.key'), key);
    }
    await symlink('..1', join(folder, '..data'));
    await symlink('..data/tls.crt', files().cert);
    await symlink('..data/tls.key', files().key);
    const next = changes(pair('c1', 'k1'));
    const swapped = next();
    await symlink('..2', join(folder, '..tmp'));
    await rename(join(folder, '..tmp'), join(folder, '..data'));
    expect(await swapped).toEqual(pair('c2', 'k2'));
    const gone = next();
    await rm(files().key);
    expect(await gone).toMatchObject({ ok: false, why: expect.stringContaining('listenTlsKey') as string });
  });

  test('are followed no more after the signal', async () => {
    await written('c', 'k');
    const next = changes(pair('c', 'k'));
    const last = next();
    stopping.abort();
    expect(await last).toBeUndefined();
  });
});
