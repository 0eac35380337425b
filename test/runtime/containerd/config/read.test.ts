import { describe, expect, test } from 'vitest';
import type { Fault } from '#report/fault.ts';
import type { RuntimeConfig, RuntimeVersion } from '#node/view.ts';
import { k3s } from '#node/distributions/k3s.ts';
import { rke2 } from '#node/distributions/rke2.ts';
import { interpretFiles, loadContainerd, type ReadContainerd } from '#runtime/containerd/config/read.ts';
import { nodeRoot, type NodeTree } from '../../../kit/node-root.ts';

function saying(part: string): unknown {
  return expect.stringContaining(part);
}

function like(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}

const main = 'etc/containerd/config.toml';
const oldCri = 'plugins."io.containerd.grpc.v1.cri"';
const images = 'plugins."io.containerd.cri.v1.images"';
const everyVersion = ['1.6.20', '1.6.39', '1.7.34', '2.0.11', '2.1.9', '2.2.7', '2.3.4'];

function at(text: string): RuntimeVersion {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number);
  return { name: 'containerd', text, major, minor, patch };
}

interface Outcome {
  readonly config?: RuntimeConfig;
  readonly fault?: Fault;
  readonly source: string;
  readonly warnings: readonly Fault[];
}

async function read(
  tree: NodeTree | string,
  version: string,
  args: ReadContainerd['args'] = {},
  layout?: ReadContainerd['layout'],
): Promise<Outcome> {
  await using node = await nodeRoot(typeof tree === 'string' ? { [main]: tree } : tree);
  const warnings: Fault[] = [];
  const places = layout === undefined ? {} : { layout };
  const ask = { root: node.path, version: at(version), args, ...places, warn: (fault: Fault) => warnings.push(fault) };
  const config = await interpretFiles(ask, await loadContainerd(ask));
  return { ...(config.ok ? { config: config.value } : { fault: config.fault }), source: config.source, warnings };
}

/** What is in force, on one line: the engine and where registries are sought. */
async function inForce(tree: NodeTree | string, version: string): Promise<string> {
  const { config, fault } = await read(tree, version);
  if (config === undefined) return fault?.code ?? '';
  const { registry, engine } = config;
  if (registry.kind === 'hosts_dirs') return `${engine} ${registry.roots.map(({ path }) => path).join(' ')}`.trim();
  return `${engine} legacy ${Object.entries(registry.mirrors)
    .map(([host, urls]) => `${host}=${urls.join('+')}`)
    .join(' ')}`.trim();
}

const all = { mirrors: '[plugins.X.registry.mirrors."docker.io"]\nendpoint = ["https://m"]' };
const newPaths = '/etc/containerd/certs.d:/etc/docker/certs.d';

describe('which engine and directories are in force', () => {
  const table: readonly (readonly [title: string, text: string, byVersion: Readonly<Record<string, string>>])[] = [
    [
      'an empty file',
      '',
      {
        '1.6.20': 'local legacy',
        '1.7.34': 'local legacy',
        '2.0.11': 'local legacy',
        '2.1.9': 'transfer',
        '2.2.7': `transfer ${newPaths}`,
        '2.3.4': `transfer ${newPaths}`,
      },
    ],
    [
      'config_path in a version 2 file',
      `version = 2\n[${oldCri}.registry]\nconfig_path = "/a:/b"`,
      {
        '1.6.20': 'local /a /b',
        '1.7.34': 'local /a /b',
        '2.0.11': 'local /a /b',
        '2.1.9': 'transfer /a:/b',
        '2.2.7': 'transfer /a:/b',
        '2.3.4': 'transfer /a:/b',
      },
    ],
    [
      'config_path in a version 3 file',
      `version = 3\n[${images}.registry]\nconfig_path = "/a"`,
      {
        '1.7.34': 'runtime.misconfigured',
        '2.0.11': 'local /a',
        '2.1.9': 'transfer /a',
        '2.2.7': 'transfer /a',
        '2.3.4': 'transfer /a',
      },
    ],
    [
      'a version 3 file with the section of version 2 is not migrated before 2.3',
      `version = 3\n[${oldCri}.registry]\nconfig_path = "/a"`,
      { '2.0.11': 'local legacy', '2.1.9': 'transfer', '2.2.7': `transfer ${newPaths}`, '2.3.4': 'transfer /a' },
    ],
    [
      'a version 4 file',
      `version = 4\n[${images}.registry]\nconfig_path = "/a"`,
      { '2.0.11': 'runtime.misconfigured', '2.2.7': 'runtime.misconfigured', '2.3.4': 'transfer /a' },
    ],
    [
      'a version 1 file: 2.0 to 2.2 rename its plugin and then forget it',
      '[plugins.cri.registry]\nconfig_path = "/a"',
      {
        '1.6.20': 'local /a',
        '1.7.34': 'local /a',
        '2.0.11': 'local legacy',
        '2.1.9': 'transfer',
        '2.2.7': `transfer ${newPaths}`,
        '2.3.4': 'transfer /a',
      },
    ],
    [
      'a version 2 file with the section of version 1',
      'version = 2\n[plugins.cri.registry]\nconfig_path = "/a"',
      { '1.6.39': 'runtime.misconfigured', '1.7.34': 'runtime.misconfigured', '2.1.9': 'transfer' },
    ],
    [
      'mirrors',
      `version = 2\n${all.mirrors.replace('plugins.X', oldCri)}`,
      {
        '1.6.20': 'local legacy docker.io=https://m',
        '2.0.11': 'local legacy docker.io=https://m',
        '2.1.9': 'local legacy docker.io=https://m',
        '2.3.4': 'local legacy docker.io=https://m',
      },
    ],
    [
      'mirrors beside config_path keep the plugin from loading',
      `version = 2\n[${oldCri}.registry]\nconfig_path = "/a"\n${all.mirrors.replace('plugins.X', oldCri)}`,
      Object.fromEntries(everyVersion.map((version) => [version, 'runtime.misconfigured'])),
    ],
    [
      'TLS settings beside config_path keep it from loading in 1.x, and are unknown to 2.x',
      `version = 2\n[${oldCri}.registry]\nconfig_path = "/a"\n[${oldCri}.registry.configs.h.tls]\ninsecure_skip_verify = true`,
      {
        '1.6.20': 'runtime.misconfigured',
        '1.7.34': 'runtime.misconfigured',
        '2.0.11': 'local /a',
        '2.1.9': 'local /a',
        '2.3.4': 'local /a',
      },
    ],
    [
      'credentials beside config_path choose the local engine',
      `version = 2\n[${oldCri}.registry]\nconfig_path = "/a:/b"\n[${oldCri}.registry.configs.h.auth]\nusername = "u"`,
      { '1.7.34': 'local /a /b', '2.1.9': 'local /a /b', '2.3.4': 'local /a /b' },
    ],
    [
      'use_local_image_pull',
      `version = 3\n[${images}]\nuse_local_image_pull = true\nregistry.config_path = "/a:/b"`,
      { '2.1.9': 'local /a /b', '2.2.7': 'local /a /b' },
    ],
    [
      'use_local_image_pull with the default of 2.2',
      `version = 3\n[${images}]\nuse_local_image_pull = true`,
      { '2.1.9': 'local legacy', '2.2.7': 'local /etc/containerd/certs.d /etc/docker/certs.d' },
    ],
    [
      'another number of downloads',
      `version = 3\n[${images}]\nmax_concurrent_downloads = 10`,
      { '2.1.9': 'local legacy' },
    ],
    [
      'three downloads, which is the default',
      `version = 3\n[${images}]\nmax_concurrent_downloads = 3`,
      { '2.1.9': 'transfer' },
    ],
    [
      'snapshot annotations',
      `version = 3\n[${images}]\ndisable_snapshot_annotations = false`,
      { '2.1.9': 'local legacy' },
    ],
    ['discarded layers', `version = 3\n[${images}]\ndiscard_unpacked_layers = true`, { '2.1.9': 'local legacy' }],
    ['sync_fs', `version = 3\n[${images}]\nimage_pull_with_sync_fs = true`, { '2.1.9': 'local legacy' }],
    ['old auths', `version = 3\n[${images}.registry.auths."https://h"]\nusername = "u"`, { '2.1.9': 'local legacy' }],
    [
      'layers discarded in a version 2 file are migrated only beside runtimes',
      `version = 2\n[${oldCri}.containerd]\ndiscard_unpacked_layers = true`,
      { '2.1.9': 'transfer' },
    ],
    [
      'layers discarded in a version 2 file with runtimes',
      `version = 2\n[${oldCri}.containerd]\ndiscard_unpacked_layers = true\n[${oldCri}.containerd.runtimes.runc]\n`,
      { '2.1.9': 'local legacy', '2.3.4': 'local /etc/containerd/certs.d /etc/docker/certs.d' },
    ],
    ['fields in another case', `version = 3\n[${images}.Registry]\nConfig_Path = "/a"`, { '2.1.9': 'transfer /a' }],
  ];
  test.each(table)('%s', async (_, text, byVersion) => {
    for (const [version, expected] of Object.entries(byVersion)) {
      expect(`${version}: ${await inForce(text, version)}`).toBe(`${version}: ${expected}`);
    }
  });

  test('the transfer service finds no directories below a path of two', async () => {
    const tree = { [main]: '', 'etc/containerd/certs.d/docker.io/hosts.toml': '[host."https://m"]' };
    const { config, warnings } = await read(tree, '2.2.7');
    expect(config?.registry).toEqual({ kind: 'hosts_dirs', roots: [{ path: newPaths, dirs: {} }] });
    expect(warnings).toMatchObject([
      { code: 'runtime.misconfigured', why: saying('/etc/containerd/certs.d is not read') },
    ]);
    expect((await read('', '2.2.7')).warnings).toEqual([]);
  });

  test('an ignored section is pointed out', async () => {
    const { warnings } = await read(`version = 3\n[${oldCri}.registry]\nconfig_path = "/a"`, '2.1.9');
    expect(warnings).toMatchObject([{ code: 'runtime.misconfigured', why: saying('is ignored') }]);
  });
});

describe('a file that keeps containerd, or its image plugin, from starting', () => {
  test.each([
    ['not TOML', 'version = '],
    ['a plugin section that is no table', `version = 2\nplugins = 1`],
    ['config_path as a number', `version = 2\n[${oldCri}.registry]\nconfig_path = 5`],
    ['mirrors as a list', `version = 2\n[${oldCri}.registry]\nmirrors = []`],
    ['an endpoint as text', `version = 2\n[${oldCri}.registry.mirrors.a]\nendpoint = "x"`],
    ['imports as text', 'version = 2\nimports = "x"'],
    ['version as text', 'version = "2"'],
    ['an unparsable old auth address', `version = 2\n[${oldCri}.registry.auths."https://a b"]\nusername = "u"`],
    ['an unparsable timeout', `version = 2\n[${oldCri}]\nimage_pull_progress_timeout = "soon"`],
    ['a missing import', 'version = 2\nimports = ["/etc/none.toml"]'],
    ['an empty import', 'version = 2\nimports = [""]'],
    ['a bad pattern', 'version = 2\nimports = ["/etc/*[.toml"]'],
    ['the CRI plugin disabled', 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]'],
    ['a short name in a list of plugins', 'version = 2\ndisabled_plugins = ["restart"]'],
  ])('%s', async (_, text) => {
    for (const version of ['1.7.34', '2.1.9', '2.3.4']) {
      expect((await read(text, version)).fault).toMatchObject({
        code: 'runtime.misconfigured',
        file: like(/^\//),
      });
    }
  });

  test("the file of Docker's package, which disables the CRI plugin", async () => {
    for (const version of ['1.6.20', '1.7.34', '2.1.9']) {
      expect((await read('disabled_plugins = ["cri"]', version)).fault).toMatchObject({
        why: saying('disabled'),
      });
    }
  });

  test('a version that 1.x does not know is refused since 1.6.32 and 1.7.17', async () => {
    for (const [version, refused] of [
      ['1.6.31', false],
      ['1.6.32', true],
      ['1.7.16', false],
      ['1.7.17', true],
    ] as const) {
      expect((await read('version = 3', version)).fault !== undefined).toBe(refused);
    }
  });

  test('a file that only we cannot read is not blamed on the node', async () => {
    expect((await read('#'.repeat(5_000_000), '2.1.9')).fault).toMatchObject({ code: 'agent.cannot_see' });
  });

  test('a config_path that is a file fails every look-up', async () => {
    const tree = { [main]: `version = 3\n[${images}.registry]\nconfig_path = "/a"`, a: '' };
    expect((await read(tree, '2.1.9')).fault).toMatchObject({ code: 'hosts.unreadable', file: '/a' });
  });
});

describe('imports', () => {
  const cri = (body: string) => `version = 2\n[${oldCri}]\n${body}`;
  test("1.x replaces a plugin's whole section, 2.x merges its tables", async () => {
    const tree = {
      [main]: `imports = ["conf.d/*.toml"]\n${cri('sandbox_image = "mine"')}`,
      'etc/containerd/conf.d/a.toml': cri('registry.config_path = "/a"'),
    };
    expect((await read(tree, '1.7.34')).config).toMatchObject({
      sandboxImage: 'registry.k8s.io/pause:3.8',
      registry: { roots: [{ path: '/a' }] },
    });
    for (const version of ['2.0.11', '2.1.9', '2.2.7', '2.3.4']) {
      expect((await read(tree, version)).config).toMatchObject({
        sandboxImage: 'mine',
        registry: { roots: [{ path: '/a' }] },
      });
    }
  });

  test('the later file wins, and a list inside a section is replaced', async () => {
    const tree = {
      [main]: `imports = ["/x/*.toml", "y.toml"]\nroot = "/r0"\n${cri('')}`,
      'x/b.toml': `root = "/rb"\n${cri('registry.mirrors.a.endpoint = ["b"]')}`,
      'x/a.toml': `root = "/ra"\n${cri('registry.mirrors.a.endpoint = ["a1", "a2"]')}`,
      'etc/containerd/y.toml': cri('registry.mirrors.c.endpoint = ["y"]'),
    };
    const { config } = await read(tree, '2.1.9');
    expect(config).toMatchObject({ root: '/rb', registry: { mirrors: { a: ['b'], c: ['y'] } } });
  });

  test('imports of imports are relative to their own file, and cycles end', async () => {
    const tree = {
      [main]: 'version = 2\nimports = ["d/a.toml"]',
      'etc/containerd/d/a.toml': 'version = 2\nimports = ["b.toml", "../config.toml", "/etc/containerd/config.toml"]',
      'etc/containerd/d/b.toml': cri('sandbox_image = "b"'),
    };
    for (const version of ['1.7.34', '2.1.9', '2.3.4'])
      expect((await read(tree, version)).config?.sandboxImage).toBe('b');
  });

  test('a drop-in of version 3 beside a file of version 2 stops the migration before 2.3', async () => {
    const tree = {
      [main]: `imports = ["a.toml"]\n${cri('registry.config_path = "/old"')}`,
      'etc/containerd/a.toml': `version = 3\n[${images}]\nmax_concurrent_downloads = 3`,
    };
    expect(await inForce(tree, '2.1.9')).toBe('transfer');
    expect((await read(tree, '2.3.4')).fault).toMatchObject({
      why: saying('higher than root config version 2'),
    });
  });

  test('the include pattern of generated files is not applied by itself', async () => {
    const tree = {
      [main]: 'version = 3',
      'etc/containerd/conf.d/a.toml': `version = 3\n[${images}.registry]\nconfig_path = "/a"`,
    };
    expect(await inForce(tree, '2.2.7')).toBe(`transfer ${newPaths}`);
  });
});

describe('what else is read', () => {
  test('headers, credentials, the sandbox image and the root', async () => {
    const text = `version = 2
root = "/data"
[${oldCri}]
sandbox_image = "pause:1"
[${oldCri}.registry.headers]
X-Meta = ["a", "b"]
[${oldCri}.registry.configs."registry-1.docker.io".auth]
username = "u"
password = "p"
[${oldCri}.registry.configs.token.auth]
identitytoken = "t"
[${oldCri}.registry.configs.both.auth]
auth = "${Buffer.from('x:y:z').toString('base64')}"
[${oldCri}.registry.configs.empty.auth]
[${oldCri}.registry.configs.broken.auth]
auth = "!"
[${oldCri}.registry.auths."https://old:5000/v2"]
username = "o"
`;
    for (const version of ['1.7.34', '2.1.9', '2.3.4']) {
      const { config, warnings } = await read(text, version);
      expect(config).toMatchObject({
        root: '/data',
        sandboxImage: 'pause:1',
        headers: [
          ['X-Meta', 'a'],
          ['X-Meta', 'b'],
        ],
      });
      expect(Object.keys(config?.auths ?? {})).toEqual(['registry-1.docker.io', 'token', 'both', 'old:5000']);
      expect(config?.auths['registry-1.docker.io']?.password.reveal()).toBe('p');
      expect(config?.auths['token']?.identityToken?.reveal()).toBe('t');
      expect(config?.auths['both']).toMatchObject({ username: 'x' });
      expect(config?.auths['both']?.password.reveal()).toBe('y:z');
      expect(warnings).toMatchObject([{ code: 'runtime.misconfigured', why: saying('broken') }]);
      expect(JSON.stringify([config, warnings])).not.toContain('y:z');
    }
  });

  test.each([
    ['1.6.20', '3.6'],
    ['1.7.34', '3.8'],
    ['2.0.11', '3.10'],
    ['2.1.9', '3.10'],
    ['2.2.7', '3.10.1'],
    ['2.3.4', '3.10.2'],
  ])('the sandbox image of %s is pause:%s', async (version, tag) => {
    const { config } = await read('', version);
    expect(config).toMatchObject({ sandboxImage: `registry.k8s.io/pause:${tag}`, root: '/var/lib/containerd' });
  });

  test('the TLS settings of 1.x are read with their mistakes', async () => {
    const text = `version = 2\n[${oldCri}.registry.configs."h:5000".tls]\ninsecure_skip_verify = true\n[${oldCri}.registry.configs.x.tls]\nca_file = "/none"`;
    const { config } = await read(text, '1.7.34');
    expect(config?.registry).toMatchObject({
      kind: 'legacy',
      tls: {
        'h:5000': { ok: true, value: { verify: false } },
        x: { ok: false, fault: { code: 'hosts.ca_unreadable' } },
      },
    });
    expect((await read(text, '2.0.11')).config?.registry).toEqual({ kind: 'legacy', mirrors: {}, tls: {} });
  });

  test('a decode error of one hosts.toml is a warning', async () => {
    const tree = {
      [main]: `version = 3\n[${images}.registry]\nconfig_path = "/a"`,
      'a/docker.io/hosts.toml': 'server = ',
    };
    expect((await read(tree, '2.1.9')).warnings).toMatchObject([{ code: 'hosts.unparsable' }]);
  });
});

describe('where the configuration is', () => {
  test('nowhere means the defaults', async () => {
    const { config, source } = await read({}, '2.1.9');
    expect(config?.engine).toBe('transfer');
    expect(source).toContain('defaults');
  });

  test('a file named on the command line must exist', async () => {
    expect((await read({}, '2.1.9', { config: '/x.toml' })).fault).toMatchObject({
      code: 'runtime.misconfigured',
      file: '/x.toml',
    });
    const { config } = await read({ 'x.toml': 'version = 3\nroot = "/r"' }, '2.1.9', { config: '/x.toml' });
    expect(config?.root).toBe('/r');
  });

  test.each([k3s, rke2])('$name brings its own', async ({ name, runtime }) => {
    const file = `var/lib/rancher/${name}/agent/etc/containerd/config.toml`;
    const tree = { [main]: 'disabled_plugins = ["cri"]', [file]: 'version = 3' };
    const { config, source } = await read(tree, '2.1.9', {}, runtime);
    expect(source).toBe(`/${file}`);
    expect(config?.root).toBe(`/var/lib/rancher/${name}/agent/containerd`);
  });

  test('--root goes over everything', async () => {
    const { config } = await read('version = 3\nroot = "/r"', '2.1.9', { root: '/flag' });
    expect(config?.root).toBe('/flag');
  });
});

describe('where layers are unpacked', () => {
  const usual = '/data/io.containerd.snapshotter.v1.overlayfs';
  const moved = `version = 2
root = "/data"
[plugins."io.containerd.snapshotter.v1.overlayfs"]
root_path = "/fast"
`;

  test.each([
    ['1.6.20', { root: '/fast', reportedRoot: usual }],
    ['1.7.34', { root: '/fast', reportedRoot: usual }],
    ['2.0.11', { root: '/fast', reportedRoot: '/fast' }],
    ['2.3.4', { root: '/fast', reportedRoot: '/fast' }],
  ])('a root_path moves it, and containerd %s reports it to the kubelet or does not', async (version, expected) => {
    expect((await read(moved, version)).config?.snapshots).toMatchObject({ snapshotter: 'overlayfs', ...expected });
  });

  test('another snapshotter has a directory of its own', async () => {
    const text = `version = 2\n[${oldCri}.containerd]\nsnapshotter = "native"\ndiscard_unpacked_layers = true\n`;
    expect((await read(text, '1.7.34')).config?.snapshots).toEqual({
      snapshotter: 'native',
      root: '/var/lib/containerd/io.containerd.snapshotter.v1.native',
      reportedRoot: '/var/lib/containerd/io.containerd.snapshotter.v1.native',
      discardsLayers: true,
    });
  });
});

describe('how long containerd waits for the next byte', () => {
  test.each([
    ['1.6.39', 'version = 2', 0],
    ['1.7.9', 'version = 2', 60_000],
    ['1.7.10', 'version = 2', 300_000],
    ['2.3.4', 'version = 3', 300_000],
    ['1.7.34', `version = 2\n[${oldCri}]\nimage_pull_progress_timeout = "90s"`, 90_000],
    ['1.6.39', `version = 2\n[${oldCri}]\nimage_pull_progress_timeout = "90s"`, 0],
    ['2.1.9', `version = 3\n[${images}]\nimage_pull_progress_timeout = "0s"`, 0],
  ])('%s, %j', async (version, text, expected) => {
    expect((await read(text, version)).config?.progressTimeoutMs).toBe(expected);
  });
});
