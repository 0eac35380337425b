import { mkdtemp, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readBounded, watchFile } from '#node/watch-file.ts';

let folder = '';
let stopping = new AbortController();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drypull-watch-'));
  stopping = new AbortController();
});
afterEach(async () => {
  stopping.abort();
  await rm(folder, { recursive: true });
});

/** Starts to watch and returns once the first look was taken. */
async function watching(
  path: string,
): Promise<{ readonly next: () => Promise<string | undefined>; readonly nudge: () => void }> {
  let nudge: () => void = () => undefined;
  const texts = watchFile(path, {
    signal: stopping.signal,
    settleMs: 5,
    pollMs: 20,
    onNudge: (given) => (nudge = given),
  });
  const next = async (): Promise<string | undefined> => {
    const shown = await texts.next();
    return shown.done === true ? undefined : shown.value;
  };
  const first = next();
  nudge();
  await first;
  return { next, nudge };
}

describe('watchFile', () => {
  test('a file that is written anew is told', async () => {
    const path = join(folder, 'config.yaml');
    await writeFile(path, 'a');
    const { next } = await watching(path);
    const shown = next();
    await writeFile(path, 'b');
    expect(await shown).toBe('b');
  });

  test("a ConfigMap's swap of links is told", async () => {
    await mkdir(join(folder, '..1'));
    await mkdir(join(folder, '..2'));
    await writeFile(join(folder, '..1', 'config.yaml'), 'old');
    await writeFile(join(folder, '..2', 'config.yaml'), 'new');
    await symlink('..1', join(folder, '..data'));
    await symlink(join('..data', 'config.yaml'), join(folder, 'config.yaml'));
    const { next } = await watching(join(folder, 'config.yaml'));
    const shown = next();
    await symlink('..2', join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    expect(await shown).toBe('new');
  });

  test('a file that goes is told as nothing, and told when it is back', async () => {
    const path = join(folder, 'config.yaml');
    await writeFile(path, 'a');
    const { next } = await watching(path);
    const gone = next();
    await rm(path);
    expect(await gone).toBeUndefined();
    const back = next();
    await writeFile(path, 'c');
    expect(await back).toMatch(/^c?$/);
  });

  test('a nudge tells it although nothing changed', async () => {
    const path = join(folder, 'config.yaml');
    await writeFile(path, 'same');
    const { next, nudge } = await watching(path);
    const shown = next();
    nudge();
    expect(await shown).toBe('same');
  });

  test('a folder that does not exist is looked at until it does', async () => {
    const path = join(folder, 'later', 'config.yaml');
    const { next } = await watching(path);
    const shown = next();
    await mkdir(join(folder, 'later'));
    await writeFile(path, 'x');
    expect(await shown).toMatch(/^x?$/);
  });

  test('ends with its signal', async () => {
    const { next } = await watching(join(folder, 'config.yaml'));
    const shown = next();
    stopping.abort();
    expect(await shown).toBeUndefined();
  });
});

describe('readBounded', () => {
  test('reads no more than a little over its bound', async () => {
    const path = join(folder, 'huge');
    await writeFile(path, 'x'.repeat(3 * 1024 * 1024));
    expect((await readBounded(path))?.length).toBe(1024 * 1024 + 1);
  });

  test.each([
    ['a folder', '.'],
    ['nothing', 'absent'],
    ['a device without end', '/dev/zero'],
  ])('%s is harmless', async (_, path) => {
    const text = await readBounded(path === '/dev/zero' ? path : join(folder, path));
    expect(text === undefined || text.length <= 1024 * 1024 + 1).toBe(true);
  });
});
