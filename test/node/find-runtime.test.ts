import { describe, expect, test } from 'vitest';
import { assumedVersion, findRuntime, parseRuntime } from '#node/find-runtime.ts';
import { nodeRoot } from '../kit/node-root.ts';

function saying(part: string): unknown {
  return expect.stringContaining(part);
}

describe('the runtime as the node object names it', () => {
  test.each([
    ['containerd://2.1.9', { name: 'containerd', text: '2.1.9', major: 2, minor: 1, patch: 9 }],
    ['containerd://v1.7.34', { name: 'containerd', text: '1.7.34', major: 1, minor: 7, patch: 34 }],
    ['containerd://2.0.5-k3s2', { name: 'containerd', text: '2.0.5-k3s2', major: 2, minor: 0, patch: 5 }],
    ['containerd://1.6.20~ds1', { name: 'containerd', text: '1.6.20~ds1', major: 1, minor: 6, patch: 20 }],
    ['containerd://2.3', { name: 'containerd', text: '2.3', major: 2, minor: 3, patch: 0 }],
    ['cri-o://1.33.1', { name: 'cri-o', text: '1.33.1', major: 1, minor: 33, patch: 1 }],
    ['docker://29.7.2', { name: 'docker', text: '29.7.2', major: 29, minor: 7, patch: 2 }],
  ])('%s', (written, version) => {
    expect(parseRuntime(written)).toEqual(version);
  });

  test.each([
    '',
    'containerd',
    'containerd://',
    'containerd://latest',
    '2.1.9',
    'containerd://2',
    '://2.1.9',
    'containerd://2.1.9.4',
  ])('%j is not understood', (written) => {
    expect(parseRuntime(written)).toBeUndefined();
  });
});

describe('the runtime where nobody names it', () => {
  const block = (name: string, status: string, version: string) =>
    `Package: ${name}\nStatus: install ok ${status}\nPriority: optional\nVersion: ${version}\nDescription: x\n y\n\n`;

  test.each([
    ["Docker's package", block('containerd.io', 'installed', '1.7.27-1'), '1.7.27'],
    ["Debian's package", block('containerd', 'installed', '1.6.20~ds1-1+deb12u1'), '1.6.20'],
    ['a package with an epoch', block('containerd', 'installed', '5:2.2.1-0ubuntu1'), '2.2.1'],
    [
      'other packages before it',
      block('bash', 'installed', '5.2.0') + block('containerd', 'installed', '2.0.1'),
      '2.0.1',
    ],
  ])('is found in %s', async (_, status, text) => {
    await using node = await nodeRoot({ 'var/lib/dpkg/status': status });
    expect(await findRuntime(node.path, {})).toMatchObject({
      version: { name: 'containerd', text },
      doubts: [],
    });
  });

  test.each([
    ['nothing', {}],
    ['a package that was removed', { 'var/lib/dpkg/status': block('containerd', 'config-files', '1.6.20') }],
    ['a neighbour of its name', { 'var/lib/dpkg/status': block('containerd-app', 'installed', '1.6.20') }],
  ])('is assumed from %s, with a doubt', async (_, tree) => {
    await using node = await nodeRoot(tree);
    expect(await findRuntime(node.path, {})).toMatchObject({
      version: { text: assumedVersion },
      doubts: [{ is: 'approximate', about: 'runtime' }],
    });
  });

  test('a text that is not understood is owned up to', async () => {
    await using node = await nodeRoot();
    const { doubts } = await findRuntime(node.path, { written: 'podman' });
    expect(doubts).toMatchObject([{ is: 'approximate', because: saying('"podman"') }]);
  });
});

describe('the runtime by what its kubelet and its files show', () => {
  test.each([
    ['unix:///var/run/crio/crio.sock', 'cri-o'],
    ['unix:///run/containerd/containerd.sock', 'containerd'],
    ['unix:///var/run/cri-dockerd.sock', 'docker'],
  ])('%s', async (endpoint, name) => {
    await using node = await nodeRoot();
    expect((await findRuntime(node.path, { endpoint })).version.name).toBe(name);
  });

  test('is CRI-O where its configuration is, and containerd has none', async () => {
    await using node = await nodeRoot({ 'etc/crio/crio.conf.d/10-crio.conf': '' });
    expect((await findRuntime(node.path, {})).version.name).toBe('cri-o');
    await node.add({ 'etc/containerd/config.toml': '' });
    expect((await findRuntime(node.path, {})).version.name).toBe('containerd');
  });

  test.each([
    ['containerd://1.5.0', 1],
    ['containerd://1.6.0', 0],
    ['containerd://2.3.4', 0],
    ['containerd://2.4.0', 1],
    ['containerd://9.9.9', 1],
    ['cri-o://9.9.9', 0],
  ])('%s is known: %d doubts', async (written, count) => {
    await using node = await nodeRoot();
    expect((await findRuntime(node.path, { written })).doubts).toHaveLength(count);
  });
});
