/** What the image starts is what the benchmark measures. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { flags } from '../bench/daemon.ts';

const dockerfile = await readFile(join(import.meta.dirname, '../Dockerfile'), 'utf8');

test("the image starts node with the benchmark's flags", () => {
  const entry: unknown = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? 'null');
  expect(entry).toEqual(['/usr/local/bin/node', ...flags, '/drypull/drypull.mjs']);
});

test('the image runs without root and without a shell', () => {
  expect(dockerfile).toMatch(/^USER \d+:\d+$/m);
  expect(dockerfile).not.toMatch(/^(ENTRYPOINT|CMD) [^[]/m);
});
