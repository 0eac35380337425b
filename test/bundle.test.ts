import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
const bundle = join(directory, 'bundle.mjs');

test('one file speaks to the API server, although most of its client is left out', { timeout: 30_000 }, async () => {
  await using world = await kubeWorld();
  execFileSync(process.execPath, ['bundle.js', 'test/kit/bundled-entry.ts', bundle], { cwd: top });
  const kubeconfig = join(directory, 'kubeconfig');
  const cluster = { name: 'c', cluster: { server: world.kube.url, 'insecure-skip-tls-verify': true } };
  const user = { name: 'u', user: { token } };
  const contexts = [{ name: 'x', context: { cluster: 'c', user: 'u' } }];
  const config = { clusters: [cluster], users: [user], contexts, 'current-context': 'x' };
  writeFileSync(kubeconfig, JSON.stringify(config));
  // From a directory without node_modules: nothing is found there but the file itself.
  const { stdout } = await promisify(execFile)(process.execPath, [bundle, kubeconfig], { cwd: directory });
  expect(stdout).toBe('containerd://2.1.9+unknown');
  expect(readFileSync(bundle).byteLength).toBeLessThan(1_000_000);
  expect(readFileSync(`${bundle}.LEGAL.txt`, 'utf8')).toContain('@license');
});
