import { describe, expect, test } from 'vitest';
import { AtStart } from '../../src/node/at-start.ts';
import { k3s } from '../../src/node/distributions/k3s.ts';
import { kubelet } from '../../src/node/distributions/known.ts';
import { nodeFilePaths, readKubelet, type KubeletFacts } from '../../src/node/kubelet.ts';
import type { Running } from '../../src/node/processes.ts';
import { nodeRoot, type NodeTree } from '../kit/node-root.ts';

function saying(part: string): unknown {
  return expect.stringContaining(part);
}

const launch = { source: { from: 'nothing', where: 'nothing was looked for' }, unseen: [] } as const;
const none = { running: undefined, atStart: new AtStart() };

async function read(tree: NodeTree, facts: KubeletFacts = {}, running?: Partial<Running>, layout = kubelet) {
  await using node = await nodeRoot(tree);
  const process = running === undefined ? undefined : { pid: 1, args: [], ...running };
  const launch = { source: { from: 'process', where: '' }, unseen: [] } as const;
  const args = process === undefined ? {} : { args: process.args };
  const ask = { facts, layout, launch: { ...launch, ...args } };
  const { view, doubts } = await readKubelet(node.path, ask, { running: process, atStart: new AtStart() });
  return { ...view, doubts, root: node.path };
}

const auth = (user: string) =>
  JSON.stringify({ auths: { 'reg.io': { auth: Buffer.from(`${user}:p`).toString('base64') } } });

async function fileFound(tree: NodeTree, facts: KubeletFacts = {}): Promise<string | undefined> {
  const { nodeFile } = await read(tree, facts);
  return nodeFile.ok ? nodeFile.value?.path : nodeFile.fault.code;
}

describe("the node's docker configuration file", () => {
  test('is sought in eight places, each relative one from the working directory', () => {
    const paths = (home: string) =>
      nodeFilePaths({ rootDir: '/var/lib/kubelet', cwd: '/wd', home }).map(([path]) => path);
    expect(paths('')).toEqual([
      '/var/lib/kubelet/config.json',
      '/wd/config.json',
      '/wd/.docker/config.json',
      '/.docker/config.json',
      '/var/lib/kubelet/.dockercfg',
      '/wd/.dockercfg',
      '/wd/.dockercfg',
      '/.dockercfg',
    ]);
    expect(paths('/root')).toContain('/root/.docker/config.json');
    expect(paths('/root')).toContain('/root/.dockercfg');
  });

  test.each<readonly [title: string, tree: NodeTree, facts: KubeletFacts, found: string | undefined]>([
    ['none', {}, {}, undefined],
    [
      'the root directory comes first',
      { 'var/lib/kubelet/config.json': auth('a'), '.docker/config.json': auth('b') },
      {},
      '/var/lib/kubelet/config.json',
    ],
    [
      'another root directory',
      { 'data/config.json': auth('a'), 'var/lib/kubelet/config.json': auth('b') },
      { rootDir: '/data' },
      '/data/config.json',
    ],
    [
      'the working directory',
      { 'w/config.json': auth('a'), '.docker/config.json': auth('b') },
      { cwd: '/w' },
      '/w/config.json',
    ],
    ['without HOME the directory of root is not read', { 'root/.docker/config.json': auth('a') }, {}, undefined],
    ['with HOME it is', { 'root/.docker/config.json': auth('a') }, { home: '/root' }, '/root/.docker/config.json'],
    [
      'any config.json comes before any .dockercfg',
      { 'var/lib/kubelet/.dockercfg': '{}', '.docker/config.json': '{}' },
      {},
      '/.docker/config.json',
    ],
    ['a .dockercfg', { '.dockercfg': '{"reg.io":{"username":"u","password":"p"}}' }, {}, '/.dockercfg'],
    [
      'a malformed file is passed over',
      { 'var/lib/kubelet/config.json': '{', '.docker/config.json': auth('b') },
      {},
      '/.docker/config.json',
    ],
    [
      'so is one whose auth is not base64',
      { 'var/lib/kubelet/config.json': '{"auths":{"r":{"auth":"!"}}}', '.docker/config.json': auth('b') },
      {},
      '/.docker/config.json',
    ],
    [
      'so is one whose auth has no colon',
      { 'var/lib/kubelet/config.json': '{"auths":{"r":{"auth":"YWJj"}}}' },
      {},
      undefined,
    ],
    [
      'so is one with numbers for names',
      { 'var/lib/kubelet/config.json': '{"auths":{"r":{"username":1}}}' },
      {},
      undefined,
    ],
    ['so is a list', { 'var/lib/kubelet/config.json': '[]' }, {}, undefined],
    ['so is one with a byte order mark', { 'var/lib/kubelet/config.json': '\uFEFF{}' }, {}, undefined],
    ['so is a directory', { 'var/lib/kubelet/config.json/x': '' }, {}, undefined],
    [
      'an empty object is a file like any other',
      { 'var/lib/kubelet/config.json': '{}', '.docker/config.json': auth('b') },
      {},
      '/var/lib/kubelet/config.json',
    ],
    [
      'an auth without padding',
      { 'var/lib/kubelet/config.json': '{"Auths":{"r":{"AUTH":"YTpiYw"}}}' },
      {},
      '/var/lib/kubelet/config.json',
    ],
    ['one that we cannot read', { 'var/lib/kubelet/config.json': ' '.repeat(5_000_000) }, {}, 'agent.cannot_see'],
  ])('%s', async (_, tree, facts, found) => {
    expect(await fileFound(tree, facts)).toBe(found);
  });

  test('is kept out of sight', async () => {
    const { nodeFile } = await read({ 'var/lib/kubelet/config.json': auth('canary') });
    expect(nodeFile).toMatchObject({ ok: true, value: { format: 'config' } });
    expect(JSON.stringify(nodeFile)).not.toContain(Buffer.from('canary:p').toString('base64'));
  });
});

describe("the kubelet's own process", () => {
  test('tells its root directory, HOME and working directory, and what we were told goes over it', async () => {
    const tree = { 'k/config.json': '{}', 'told/config.json': '{}' };
    const running = { args: ['kubelet', '--root-dir=/k'], env: new Map([['HOME', '/h']]), cwd: '/w' };
    expect((await read(tree, {}, running)).nodeFile.source).toBe('/k/config.json');
    expect((await read(tree, { rootDir: '/told' }, running)).nodeFile.source).toBe('/told/config.json');
    expect((await read({ 'h/.docker/config.json': '{}' }, {}, running)).nodeFile.source).toBe('/h/.docker/config.json');
    expect((await read({ 'w/config.json': '{}' }, {}, running)).nodeFile.source).toBe('/w/config.json');
  });

  test('where HOME is unknown and would matter, there is a doubt', async () => {
    const tree = { 'root/.docker/config.json': '{}' };
    expect((await read(tree)).doubts).toMatchObject([{ is: 'approximate', about: 'credentials' }]);
    expect((await read(tree, { home: '' })).doubts).toEqual([]);
    expect((await read(tree, {}, { env: new Map() })).doubts).toEqual([]);
    expect((await read({ ...tree, 'var/lib/kubelet/config.json': '{}' })).doubts).toEqual([]);
    expect((await read({})).doubts).toEqual([]);
  });
});

const config = 'etc/providers.yaml';
const flags = { credentialProviderConfig: '/etc/providers.yaml', credentialProviderBinDir: '/bin' };
const plugin = { text: '#!/bin/sh\n', mode: 0o755 };
const provider = {
  name: 'ecr',
  matchImages: ['*.dkr.ecr.*.amazonaws.com'],
  defaultCacheDuration: '12h',
  apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
};

function file(...providers: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'kubelet.config.k8s.io/v1', kind: 'CredentialProviderConfig', providers });
}

async function providersOf(tree: NodeTree) {
  const { providers, root } = await read({ 'bin/ecr': plugin, 'bin/gcr': plugin, ...tree }, flags);
  return { providers, root };
}

describe('credential providers', () => {
  test('are read from YAML, with their binary as a path on this machine', async () => {
    const yaml = `
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
  - name: ecr
    matchImages: ["*.dkr.ecr.*.amazonaws.com"]
    defaultCacheDuration: "1h30m"
    apiVersion: credentialprovider.kubelet.k8s.io/v1
    args: [get-credentials]
    env: [{ name: A, value: b }]
`;
    const { providers, root } = await providersOf({ [config]: yaml });
    expect(providers).toEqual({
      source: '/etc/providers.yaml',
      ok: true,
      value: [
        {
          name: 'ecr',
          apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
          matchImages: ['*.dkr.ecr.*.amazonaws.com'],
          defaultCacheS: 5400,
          args: ['get-credentials'],
          env: [{ name: 'A', value: 'b' }],
          binary: `${root}/bin/ecr`,
          wantsToken: false,
        },
      ],
    });
  });

  test('of a directory are merged in the order of its file names', async () => {
    const { providers } = await providersOf({
      [`${config}/b.json`]: file(provider),
      [`${config}/a.yml`]: file({ ...provider, name: 'gcr' }),
      [`${config}/c.txt`]: 'not read',
      [`${config}/sub/d.json`]: 'not read',
    });
    expect(providers.ok && providers.value.map(({ name }) => name)).toEqual(['gcr', 'ecr']);
  });

  test('that want a ServiceAccount token are marked', async () => {
    const tokenAttributes = { serviceAccountTokenAudience: 'a', cacheType: 'Token', requireServiceAccount: true };
    const { providers } = await providersOf({ [config]: file({ ...provider, tokenAttributes }) });
    expect(providers).toMatchObject({ ok: true, value: [{ wantsToken: true }] });
  });

  const token = { serviceAccountTokenAudience: 'a', cacheType: 'Token', requireServiceAccount: true };
  test.each<readonly [title: string, tree: NodeTree]>([
    ['no such file', {}],
    ['neither JSON nor YAML', { [config]: '{"a": [' }],
    ['a document that is a list', { [config]: '[]' }],
    ['an empty document', { [config]: '' }],
    ['the wrong kind', { [config]: file(provider).replace('CredentialProviderConfig', 'Pod') }],
    ['the wrong apiVersion', { [config]: file(provider).replace('kubelet.config.k8s.io/v1', 'v1') }],
    ['no provider', { [config]: file() }],
    ['an unknown field', { [config]: file({ ...provider, extra: 1 }) }],
    ['a name with a slash', { [config]: file({ ...provider, name: '../ecr' }) }],
    ['a name with a blank', { [config]: file({ ...provider, name: 'e cr' }) }],
    ['the name of a directory', { [config]: file({ ...provider, name: '..' }) }],
    ['a name twice', { [config]: file(provider, provider) }],
    ['a name twice over two files', { [`${config}/a.json`]: file(provider), [`${config}/b.json`]: file(provider) }],
    ['an empty directory', { [config]: { dir: true } }],
    ['no images', { [config]: file({ ...provider, matchImages: [] }) }],
    ['an image that is no address', { [config]: file({ ...provider, matchImages: ['a b'] }) }],
    ['no duration', { [config]: file({ ...provider, defaultCacheDuration: undefined }) }],
    ['a negative duration', { [config]: file({ ...provider, defaultCacheDuration: '-1s' }) }],
    ['a duration without a unit', { [config]: file({ ...provider, defaultCacheDuration: '5' }) }],
    ['a duration that is a number', { [config]: file({ ...provider, defaultCacheDuration: 5 }) }],
    ['another apiVersion of the plugin', { [config]: file({ ...provider, apiVersion: 'v1' }) }],
    ['a plugin that is missing', { [config]: file({ ...provider, name: 'acr' }) }],
    ['a plugin that may not be executed', { [config]: file({ ...provider, name: 'acr' }), 'bin/acr': 'x' }],
    ['a plugin that is a directory', { [config]: file({ ...provider, name: 'acr' }), 'bin/acr/x': 'x' }],
    [
      'a token for an older apiVersion',
      {
        [config]: file({
          ...provider,
          apiVersion: 'credentialprovider.kubelet.k8s.io/v1beta1',
          tokenAttributes: token,
        }),
      },
    ],
    [
      'a token without an audience',
      { [config]: file({ ...provider, tokenAttributes: { ...token, serviceAccountTokenAudience: '' } }) },
    ],
    [
      'a token without a cache type',
      { [config]: file({ ...provider, tokenAttributes: { ...token, cacheType: undefined } }) },
    ],
    [
      'a token that does not say whether it needs an account',
      { [config]: file({ ...provider, tokenAttributes: { ...token, requireServiceAccount: undefined } }) },
    ],
  ])('with %s keep the kubelet from starting', async (_, tree) => {
    expect((await providersOf(tree)).providers).toMatchObject({
      ok: false,
      fault: { code: 'credential.provider_misconfigured' },
    });
  });

  test('whose file makes much out of little are refused', async () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...'bcdefgh'.split('').map(
        (name, at) =>
          `${name}: &${name} [${Array(9)
            .fill(`*${'abcdefgh'.charAt(at)}`)
            .join(',')}]`,
      ),
    ];
    expect((await providersOf({ [config]: bomb.join('\n') })).providers).toMatchObject({ ok: false });
  });

  test('need both flags', async () => {
    const tree = { [config]: file(provider), 'bin/ecr': plugin };
    expect((await read(tree, { credentialProviderConfig: '/etc/providers.yaml' })).providers).toMatchObject({
      ok: true,
      value: [],
    });
    expect((await read(tree)).providers).toMatchObject({ ok: true, value: [] });
    const args = [
      'kubelet',
      '--image-credential-provider-config',
      '/etc/providers.yaml',
      '--image-credential-provider-bin-dir=/bin',
    ];
    expect((await read(tree, {}, { args })).providers).toMatchObject({ ok: true, value: [{ name: 'ecr' }] });
  });

  test('of k3s are where k3s puts them', async () => {
    const base = 'var/lib/rancher/credentialprovider';
    const tree = { [`${base}/config.yaml`]: file(provider), [`${base}/bin/ecr`]: plugin };
    expect((await read(tree, {}, undefined, k3s.kubelet)).providers).toMatchObject({
      ok: true,
      value: [{ name: 'ecr' }],
    });
  });

  test('without a directory of binaries keep the kubelet from starting', async () => {
    const { providers } = await read({ [config]: file(provider) }, flags);
    expect(providers).toMatchObject({ ok: false, fault: { why: saying('did not exist') } });
  });
});

describe("the kubelet's directory out of sight", () => {
  test('is none of our business where no kubelet is known to run', async () => {
    await using root = await nodeRoot({ 'etc/hostname': 'n' });
    const { view } = await readKubelet(root.path, { facts: {}, layout: kubelet, launch }, none);
    expect(view.nodeFile).toMatchObject({ ok: true, value: null });
  });

  test('leaves its credentials unseen where one runs', async () => {
    await using root = await nodeRoot({ 'etc/hostname': 'n' });
    const { view } = await readKubelet(root.path, { facts: { runsHere: true }, layout: kubelet, launch }, none);
    expect(view.nodeFile).toMatchObject({ ok: false, fault: { code: 'agent.cannot_see' } });
  });

  test('holds no file where it is seen and there is none', async () => {
    await using root = await nodeRoot({ 'var/lib/kubelet/config.yaml': '' });
    const { view } = await readKubelet(root.path, { facts: { runsHere: true }, layout: kubelet, launch }, none);
    expect(view.nodeFile).toMatchObject({ ok: true, value: null });
  });
});
