import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { token } from './kit/fake-kube.ts';
import { kubeWorld } from './kit/kube-world.ts';

const directory = mkdtempSync(join(tmpdir(), 'drypull-bundle-'));
afterAll(() => rmSync(directory, { recursive: true }));
const top = fileURLToPath(new URL('..', import.meta.url));
const bundle = join(directory, 'main.mjs');

test('the bundle speaks to the API server from a directory without packages', { timeout: 30_000 }, async () => {
  await using world = await kubeWorld();
  execFileSync(process.execPath, ['bundle.js', 'test/kit/bundled-entry.ts', directory], { cwd: top });
  const kubeconfig = join(directory, 'kubeconfig');
  const cluster = { name: 'c', cluster: { server: world.kube.url, 'insecure-skip-tls-verify': true } };
  const user = { name: 'u', user: { token } };
  const contexts = [{ name: 'x', context: { cluster: 'c', user: 'u' } }];
  const config = { clusters: [cluster], users: [user], contexts, 'current-context': 'x' };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const { stdout } = await promisify(execFile)(process.execPath, [bundle, kubeconfig], { cwd: directory });
  expect(stdout).toBe('containerd://2.1.9+unknown');
});
