import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readInput } from '#node/read-input.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drypull-input-'));
  await writeFile(join(folder, 'pod.yaml'), 'kind: Pöd\n');
  await writeFile(join(folder, 'empty'), '');
  await symlink('circle', join(folder, 'circle'));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ['pod.yaml', { ok: true, text: 'kind: Pöd\n' }],
  ['empty', { ok: true, text: '' }],
  ['none', { ok: false, why: 'there is no such file' }],
  ['.', { ok: false, why: 'it is a directory: name the files in it' }],
  ['pod.yaml/x', { ok: false, why: 'a part of its path is no directory' }],
  ['circle', { ok: false, why: 'its symbolic links go round in a circle' }],
])('%s', async (name, wanted) => {
  expect(await readInput(join(folder, name), 1_000_000)).toEqual(wanted);
});

test('a file without end is given up at the limit', async () => {
  expect(await readInput('/dev/zero', 3_000_000)).toEqual({ ok: false, why: 'it is longer than 3 MB' });
});
