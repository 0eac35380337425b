/** `drypull node --explain`, as a person and as a program read it. */
import { describe, expect, test } from 'vitest';
import type { Explanation } from '#node/explanation.ts';
import { run } from '#commands/node.ts';
import { nodes, showNode } from '../kit/distributions.ts';
import { nodeRoot } from '../kit/node-root.ts';
import { processContext } from '../kit/process-context.ts';

async function explained(...args: readonly string[]): Promise<{ readonly status: number; readonly text: string }> {
  let text = '';
  const around = processContext((more) => (text += more), {
    args: ['--explain', ...args],
    now: () => new Date('2026-01-01T00:00:00Z'),
    clockMs: () => 0,
  });
  return { status: await run(around), text };
}

const setting = { registry: 'reg.test:5000', mirror: 'http://mirror.test:5001' };

describe.each(nodes)('$name', (node) => {
  test('is explained within eighty columns, but for what cannot be broken', async () => {
    await using shown = await showNode(node, setting, 'whole');
    const { status, text } = await explained('--host-root', shown.files.path, '--no-color');
    expect(status).toBe(0);
    const long = text.split('\n').filter((line) => line.length > 80 && line.trim().includes(' '));
    expect(long).toEqual([]);
    expect(text).toContain('recognised by');
  });
});

test('k3s: registries, proxies and what an operator edits', async () => {
  const node = nodes.find(({ name }) => name === 'k3s');
  if (node === undefined) throw new Error('no such node');
  await using shown = await showNode(node, setting, 'whole');
  const at = ['--host-root', shown.files.path, '--runtime', 'containerd://2.1.4-k3s1'];
  const { text } = await explained(...at);
  expect(text).toMatch(/^ {2}distribution +k3s$/m);
  expect(text).toMatch(/^ {2}reg\.test:5000 +1\. http:\/\/mirror\.test:5001$/m);
  expect(text).toMatch(/^ {2}proxies +https by http:\/\/proxy\.test:3128$/m);
  expect(text).toContain('then: systemctl restart k3s-agent');
  expect(text).toContain('Everything that decides a pull was seen.');
  const found = JSON.parse((await explained(...at, '-o', 'json')).text) as Explanation;
  expect(found).toMatchObject({
    version: 1,
    distribution: { name: 'k3s', edits: { registries: { where: '/etc/rancher/k3s/registries.yaml' } } },
    runtime: { name: 'containerd://2.1.4-k3s1', flags: { from: 'process' } },
    registries: [{ registry: 'reg.test:5000', hosts: [{ url: 'http://mirror.test:5001' }] }],
    unseen: [],
  });
});

test('holds no password of a proxy or an endpoint', async () => {
  await using node = await nodeRoot({
    'usr/lib/systemd/system/containerd.service':
      '[Service]\nEnvironment=HTTPS_PROXY=http://u:canary@proxy:1\nExecStart=/usr/bin/containerd\n',
    'etc/containerd/config.toml':
      'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."a"]\nendpoint = ["https://u:canary@m"]\n[plugins."io.containerd.grpc.v1.cri".registry.configs.r.auth]\nusername = "u"\npassword = "canary"\n',
    'var/lib/kubelet/config.json': '{"auths":{"r":{"username":"u","password":"canary"}}}',
  });
  for (const output of ['text', 'json']) {
    const { text } = await explained('--host-root', node.path, '-o', output);
    expect(text).toContain('proxy:1');
    expect(text).not.toContain('canary');
  }
});

test('a host root that is not there is refused', async () => {
  expect(await explained('--host-root', '/no/such/root')).toEqual({
    status: 2,
    text: 'drypull: --host-root: open /no/such/root: no such file or directory\n',
  });
});
