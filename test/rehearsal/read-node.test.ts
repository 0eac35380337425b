import { describe, expect, test } from 'vitest';
import { localContent } from '#runtime/containerd/config/content-store.ts';
import { readNode, type ReadNode } from '#rehearsal/read-node.ts';
import { nodeRoot, type NodeTree } from '../kit/node-root.ts';

function saying(part: string): unknown {
  return expect.stringContaining(part);
}

async function view(tree: NodeTree, ask: Partial<ReadNode> = {}) {
  await using node = await nodeRoot(tree);
  return await readNode({ hostRoot: node.path, kubelet: {}, now: new Date('2026-01-01T00:00:00Z'), ...ask });
}

const given: Partial<ReadNode> = {
  runtime: 'containerd://2.1.9',
  platform: { os: 'linux', architecture: 'amd64' },
  nodeName: 'node-7',
  kubelet: { home: '' },
};

const pem = `-----BEGIN CERTIFICATE-----\n${'QUJD'.repeat(10)}\n-----END CERTIFICATE-----\n`;
const started = Date.parse('2026-01-01T00:00:10Z');
const process: NodeTree = {
  'proc/stat': `btime ${Date.parse('2026-01-01T00:00:00Z') / 1000}\n`,
  'proc/5/comm': 'containerd\n',
  'proc/5/cmdline': 'containerd\0--root\0/data\0',
  'proc/5/environ': 'HTTPS_PROXY=http://proxy:3128\0SSL_CERT_FILE=/own.pem\0',
  'proc/5/stat': `5 (containerd) S ${'0 '.repeat(18)}1000 0`,
};

describe('the view of a node', () => {
  test('holds what its programs believe, and no doubt where everything was read', async () => {
    const node = await view(
      {
        'etc/containerd/config.toml':
          'version = 3\n[plugins."io.containerd.cri.v1.images".registry]\nconfig_path = "/etc/containerd/certs.d"',
        'etc/containerd/certs.d/docker.io/hosts.toml': '[host."https://mirror"]\ncapabilities = ["pull"]',
        'etc/resolv.conf': 'nameserver 10.0.0.2',
        'etc/nsswitch.conf': 'hosts: files dns',
        'etc/ssl/certs/ca-certificates.crt': pem,
        'var/lib/kubelet/config.json': '{"auths":{}}',
        'etc/systemd/system/containerd.service': '[Service]\nEnvironment=NO_PROXY=.lan',
      },
      given,
    );
    expect(node).toMatchObject({
      name: 'node-7',
      platform: { os: 'linux', architecture: 'amd64' },
      kubelet: {
        nodeFile: { ok: true, value: { path: '/var/lib/kubelet/config.json' } },
        providers: { ok: true, value: [] },
      },
      runtime: {
        version: { text: '2.1.9' },
        config: {
          ok: true,
          value: {
            engine: 'transfer',
            registry: {
              roots: [{ dirs: { 'docker.io': { is: { ok: true, value: { hosts: [{ url: 'https://mirror' }] } } } } }],
            },
          },
        },
        proxy: { no: '.lan' },
      },
      system: {
        resolver: { servers: [{ address: '10.0.0.2' }] },
        roots: { pems: [{ path: '/etc/ssl/certs/ca-certificates.crt' }] },
      },
      warnings: [],
      doubts: [],
    });
  });

  test('of a node without any file is made of defaults, and owns up to its assumptions', async () => {
    const node = await view({});
    expect(node).toMatchObject({
      name: 'this node',
      runtime: { config: { ok: true } },
      system: { roots: { pems: [] } },
    });
    expect(node.doubts).toMatchObject([{ is: 'approximate', about: 'runtime' }]);
  });

  test('takes the name of the host where none is given', async () => {
    expect((await view({ 'etc/hostname': 'Node-1.corp\n' })).name).toBe('node-1.corp');
  });

  test.each(['cri-o://1.33.0', 'docker://29.0.0'])(
    'of a node with %s is unknown about its runtime',
    async (runtime) => {
      const node = await view({ 'etc/containerd/config.toml': 'disabled_plugins = ["cri"]' }, { ...given, runtime });
      expect(node.runtime).toMatchObject({
        version: { name: runtime.split(':')[0] },
        config: { ok: false, fault: { code: 'agent.cannot_see' } },
      });
    },
  );

  test("follows the running containerd's flags and environment", async () => {
    const node = await view({ ...process, 'own.pem': { text: pem, modified: new Date(started - 1000) } }, given);
    expect(node).toMatchObject({
      runtime: { config: { value: { root: '/data' } }, proxy: { source: '/proc/5/environ' } },
      system: { roots: { pems: [{ path: '/own.pem' }] } },
      doubts: [],
    });
    expect(node.runtime.proxy.https?.reveal()).toBe('http://proxy:3128');
  });

  test.each([
    ['containerd://1.7.25', true],
    ['containerd://1.7.26', undefined],
  ])('knows whether %s knows three schemes of proxies alone: %s', async (runtime, threeSchemes) => {
    const node = await view(process, { ...given, runtime });
    expect(node.runtime.proxy.threeSchemes).toBe(threeSchemes);
  });

  test('says what waits for a restart of containerd', async () => {
    const newer = new Date(started + 1000);
    const older = new Date(started - 1000);
    const tree = (config: Date, bundle: Date): NodeTree => ({
      ...process,
      'etc/containerd/config.toml': { text: 'version = 3\nimports = ["/x.toml"]', modified: older },
      'x.toml': { text: 'version = 3', modified: config },
      'own.pem': { text: pem, modified: bundle },
    });
    const doubts = async (...times: readonly [Date, Date]) => (await view(tree(...times), given)).doubts;
    expect(await doubts(older, older)).toEqual([]);
    // Written right before the start, which the boot's missing fraction makes seem earlier.
    expect(await doubts(new Date(started + 900), new Date(started + 900))).toEqual([]);
    expect(await doubts(newer, older)).toMatchObject([
      { is: 'if_restarted', about: 'runtime', because: saying('/x.toml') },
    ]);
    expect(await doubts(older, newer)).toMatchObject([
      { is: 'if_restarted', about: 'roots', because: saying('/own.pem') },
    ]);
  });

  test('puts a fault in the place of what cannot be read', async () => {
    const node = await view(
      { 'etc/containerd/config.toml': 'version = ', 'etc/ssl/certs/ca-certificates.crt': '#'.repeat(5_000_000) },
      given,
    );
    expect(node.runtime.config).toMatchObject({ ok: false, fault: { code: 'runtime.misconfigured' } });
    expect(node.doubts).toMatchObject([{ is: 'approximate', about: 'roots' }]);
  });

  test('warns of a hosts.toml that containerd drops', async () => {
    const tree = {
      'etc/containerd/config.toml': 'version = 3\n[plugins."io.containerd.cri.v1.images".registry]\nconfig_path = "/c"',
      'c/reg.io/hosts.toml': 'capabilities = ["x"]',
    };
    expect((await view(tree, given)).warnings).toMatchObject([
      { code: 'hosts.unparsable', file: '/c/reg.io/hosts.toml' },
    ]);
  });

  test('is made from a root that is not there, without a throw', async () => {
    const node = await readNode({ hostRoot: '/no/such/root', kubelet: {}, now: new Date(0) });
    expect(node.runtime.version.name).toBe('containerd');
  });

  test('holds no secret in plain sight', async () => {
    const tree = {
      'etc/containerd/config.toml':
        'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.configs.r.auth]\nusername = "u"\npassword = "canary"',
      'var/lib/kubelet/config.json': '{"auths":{"r":{"username":"u","password":"canary"}}}',
      'etc/systemd/system/containerd.service': '[Service]\nEnvironment=HTTPS_PROXY=http://u:canary@p',
    };
    expect(JSON.stringify(await view(tree, given))).not.toContain('canary');
  });
});

describe('the content that containerd has', () => {
  const hex = 'a'.repeat(64);
  const blob = `data/io.containerd.content.v1.content/blobs/sha256/${hex}`;

  test('is read by digest below its root', async () => {
    await using node = await nodeRoot({ [blob]: '{"layers":[]}' });
    const content = localContent(node.path, '/data');
    expect(Buffer.from((await content(`sha256:${hex}`)) ?? []).toString()).toBe('{"layers":[]}');
    expect(await content(`sha256:${'b'.repeat(64)}`)).toBeUndefined();
    expect(await content(`sha512:${hex}`)).toBeUndefined();
    expect(await content(`sha256:../../../../${hex}`)).toBeUndefined();
  });

  test('is not read where it is as large as a layer', async () => {
    await using node = await nodeRoot({ [blob]: Buffer.alloc(8 * 1024 * 1024 + 1) });
    expect(await localContent(node.path, '/data')(`sha256:${hex}`)).toBeUndefined();
  });
});
