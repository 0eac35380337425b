/** What the image starts is what the benchmark measures. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { flags } from '../bench/daemon.ts';
import { dockerRegistry } from './kit/docker-registry.ts';
import { image } from './kit/image.ts';
import { needs } from './kit/installed.ts';
import { scratch } from './kit/program.ts';

const dockerfile = await readFile(join(import.meta.dirname, '../Dockerfile'), 'utf8');

test("the image starts node with the benchmark's flags", () => {
  const entry: unknown = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? 'null');
  expect(entry).toEqual(['/usr/local/bin/node', ...flags, '/drypull/drypull.mjs']);
});

test('the image runs without root and without a shell', () => {
  expect(dockerfile).toMatch(/^USER \d+:\d+$/m);
  expect(dockerfile).not.toMatch(/^(ENTRYPOINT|CMD) [^[]/m);
});

test('the bases are pinned by digest, and npm runs no script of a package', () => {
  for (const name of ['BUILD_IMAGE', 'FINAL_IMAGE'])
    expect(dockerfile).toMatch(new RegExp(`^ARG ${name}=[^@]+:[^@]+@sha256:[0-9a-f]{64}$`, 'm'));
  expect(dockerfile).toContain('RUN npm ci --ignore-scripts\n');
});

test.runIf(needs(['docker-registry', 'skopeo']))(
  'pin-base-images.sh writes the digest that a tag has now',
  async () => {
    await using registry = await dockerRegistry();
    const built = image({ platforms: ['linux/amd64', 'linux/arm64'] });
    await registry.push('base:1', built);
    const directory = await scratch('pin');
    const file = join(directory, 'Dockerfile');
    const base = `127.0.0.1:${registry.port}/base:1`;
    await writeFile(file, `ARG BUILD_IMAGE=${base}\nARG FINAL_IMAGE=${base}@sha256:${'0'.repeat(64)}\nFROM scratch\n`);
    const script = join(import.meta.dirname, '../scripts/pin-base-images.sh');
    await promisify(execFile)('sh', [script, file], { env: { ...process.env, SKOPEO_OPTIONS: '--tls-verify=false' } });
    const pinned = `${base}@${built.top.digest}`;
    expect(await readFile(file, 'utf8')).toBe(`ARG BUILD_IMAGE=${pinned}\nARG FINAL_IMAGE=${pinned}\nFROM scratch\n`);
  },
);
