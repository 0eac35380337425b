import { expect, test } from 'vitest';
import { generateFrom } from '../../../src/node/distributions/registries-yaml.ts';
import { readNode } from '#rehearsal/read-node.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import { nodeRoot } from '../../kit/node-root.ts';
import { freePort } from '../../kit/program.ts';
import { pass } from '../../kit/stage.ts';

const hostsOf = (text: string): Readonly<Record<string, string>> => {
  const read = generateFrom(text);
  return read.ok ? Object.fromEntries(read.hosts) : { why: read.why };
};

test.each<readonly [title: string, text: string, hosts: Readonly<Record<string, string>>]>([
  ['nothing', '', {}],
  ['no YAML', 'mirrors: [', { why: 'it is no YAML' }],
  [
    'a mirror with a rewrite, and the registry itself behind it',
    'mirrors:\n  docker.io:\n    endpoint: ["mirror.test", "https://registry-1.docker.io"]\n    rewrite:\n      "^(.*)$": "hub/$1"\n',
    {
      'docker.io':
        'server = "https://registry-1.docker.io/v2"\n\n[host."https://mirror.test/v2"]\ncapabilities = ["pull", "resolve"]\n[host."https://mirror.test/v2".rewrite]\n"^(.*)$" = "hub/$1"\n',
    },
  ],
  [
    'another path, plain HTTP on localhost, and every other registry',
    'mirrors:\n  "*":\n    endpoint: ["https://m.test/proxy", "localhost:5000"]\n',
    {
      _default:
        '\n[host."https://m.test/proxy"]\ncapabilities = ["pull", "resolve"]\noverride_path = true\n\n[host."http://localhost:5000/v2"]\ncapabilities = ["pull", "resolve"]\n',
    },
  ],
  [
    'certificates of a registry without a mirror',
    'configs:\n  reg.test:5000:\n    tls:\n      ca_file: /ca.pem\n      insecure_skip_verify: true\n',
    { 'reg.test:5000': 'server = "https://reg.test:5000/v2"\nca = ["/ca.pem"]\nskip_verify = true\n' },
  ],
  ['a login alone needs no hosts.toml', 'configs:\n  reg.test:\n    auth:\n      username: u\n      password: p\n', {}],
])('%s', (_, text, hosts) => {
  expect(hostsOf(text)).toEqual(hosts);
});

/** A Harbor-like cache: it has the image below another path. */
async function pulled(runtime: string, files: (mirror: string, registry: string) => Record<string, string>) {
  await using cache = await FakeRegistry.open({ images: { 'proxy/team/app:v1': image({ seed: 'app' }) } });
  const registry = `reg.test:${await freePort()}`;
  await using node = await nodeRoot({
    'etc/hosts': '127.0.0.1 reg.test mirror.test\n',
    'etc/nsswitch.conf': 'hosts: files\n',
    'etc/systemd/system/k3s.service': '[Service]\nExecStart=/usr/local/bin/k3s server\n',
    ...files(`http://mirror.test:${cache.port}`, registry),
  });
  const view = await readNode({ hostRoot: node.path, runtime, nodeName: 'n', kubelet: {}, now: new Date() });
  const [report] = await pass(view, [`${registry}/team/app:v1`]);
  return [report?.verdict.is, report?.verdict.confidence.is];
}

const generated = 'var/lib/rancher/k3s/agent/etc/containerd';
const rewriting = (mirror: string, registry: string): Record<string, string> => ({
  [`${generated}/config.toml`]: `version = 3\n[plugins."io.containerd.cri.v1.images".registry]\nconfig_path = "/${generated}/certs.d"\n`,
  [`${generated}/certs.d/${registry}/hosts.toml`]: `[host."${mirror}"]\ncapabilities = ["pull", "resolve"]\n[host."${mirror}".rewrite]\n"^(.*)$" = "proxy/$1"\n`,
});

test("a rewrite is followed by k3s's containerd, and by no other", async () => {
  expect(await pulled('containerd://2.1.4-k3s1', rewriting)).toEqual(['pulls', 'exact']);
  expect(await pulled('containerd://2.1.4', rewriting)).toEqual(['fails', 'exact']);
});

test('before the first start, registries.yaml shows what will be generated', async () => {
  const files = (mirror: string, registry: string): Record<string, string> => ({
    'etc/rancher/k3s/registries.yaml': `mirrors:\n  "${registry}":\n    endpoint: ["${mirror}"]\n    rewrite:\n      "^(.*)$": "proxy/$1"\n`,
  });
  expect(await pulled('containerd://2.1.4-k3s1', files)).toEqual(['pulls', 'approximate']);
});
