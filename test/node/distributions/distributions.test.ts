/** Sixteen distributions, each as a whole disk, as files without processes, and as the manifests show it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NodeView } from '#node/view.ts';
import { readNode } from '#rehearsal/read-node.ts';
import { distributions } from '../../../src/node/distributions/distributions.ts';
import { shownBy } from '../../../src/node/distributions/mounts.ts';
import {
  exampleComponents,
  nodes,
  proxy,
  showNode,
  type DistributionNode,
  type Setting,
  type Showing,
} from '../../kit/distributions.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import { freePort } from '../../kit/program.ts';
import { pass } from '../../kit/stage.ts';

const open = { images: { 'team/app:v1': image({ seed: 'app' }) } };
let mirror: FakeRegistry;
let closed: FakeRegistry;
let port: number;

beforeAll(async () => {
  [mirror, closed, port] = await Promise.all([
    FakeRegistry.open(open),
    FakeRegistry.open({ ...open, auth: { scheme: 'basic', users: { puller: 'right' } } }),
    freePort(),
  ]);
});
afterAll(() => Promise.all([mirror.close(), closed.close()]));

const setting = (by = mirror): Setting => ({ registry: `reg.test:${port}`, mirror: `http://mirror.test:${by.port}` });

async function viewOf(node: DistributionNode, showing: Showing, by = mirror): Promise<NodeView> {
  await using shown = await showNode(node, setting(by), showing);
  const { kubeletVersion, osImage } = node;
  const info = {
    ...(kubeletVersion === undefined ? {} : { kubeletVersion }),
    ...(osImage === undefined ? {} : { osImage }),
  };
  return await readNode({
    hostRoot: shown.root,
    ...(node.runtime === '' ? {} : { runtime: node.runtime }),
    platform: { os: 'linux', architecture: 'amd64' },
    nodeName: 'node-7',
    kubelet: { runsHere: node.name !== 'docker' },
    info: typeof showing === 'string' ? {} : info,
    now: new Date(),
  });
}

async function verdictOf(node: DistributionNode, showing: Showing, by = mirror) {
  const view = await viewOf(node, showing, by);
  const [report] = await pass(view, [`reg.test:${port}/team/app:v1`]);
  if (report === undefined) throw new Error('nothing was reported');
  const { verdict } = report;
  const code = 'fault' in verdict ? verdict.fault.code : '';
  return { view, is: verdict.is, sure: verdict.confidence.is, code, remedy: report.advice?.remedy ?? '' };
}

/** Of these no other runtime than containerd is understood, or there is no kubelet. */
const withoutContainerd = ['openshift', 'docker'];
const withContainerd = nodes.filter(({ name }) => !withoutContainerd.includes(name));
const kubeletNodes = nodes.filter(({ name }) => name !== 'docker');
const components = [...new Set(shownBy.map(({ component }) => component))].filter((one) => one !== 'base');
const everyShowing: readonly (readonly [string, Showing])[] = [
  ['base', []],
  ['example', exampleComponents],
  ...components.map((component) => [component, [component]] as const),
];

test('every distribution has a node', () => {
  expect(nodes.map(({ name }) => name).toSorted()).toEqual(distributions.map(({ name }) => name).toSorted());
});

describe.each(nodes)('$name', (node) => {
  test.each<Showing>(['whole', 'files'])('is recognised from its files: %s', async (showing) => {
    expect((await viewOf(node, showing)).distribution?.distribution.name).toBe(node.name);
  });

  test.each(everyShowing)('is recognised as mounted by %s', async (_, showing) => {
    expect((await viewOf(node, showing)).distribution?.distribution.name).toBe(node.name);
  });
});

describe.each(withContainerd)('$name: the whole disk', (node) => {
  test('shows which configuration is in force, and a good pull pulls for certain', async () => {
    const { view, ...found } = await verdictOf(node, 'whole');
    expect(found).toMatchObject({ is: 'pulls', sure: 'exact' });
    expect(view.runtime.config.source).toBe(
      node.name === 'microk8s' ? '/var/snap/microk8s/8300/args/containerd.toml' : node.config,
    );
    expect(view.launches?.runtime.from).toBe('process');
    expect(view.runtime.proxy.https?.reveal()).toBe(proxy);
  });

  test('shows the same without its processes, from units and files', async () => {
    const { view, ...found } = await verdictOf(node, 'files');
    // Talos keeps its proxies where no file shows them.
    expect(found).toMatchObject({ is: 'pulls', sure: node.name === 'talos' ? 'approximate' : 'exact' });
    expect(view.runtime.config.source).toBe(node.config);
    expect(view.launches?.kubelet.where.split(', ')).toEqual(expect.arrayContaining(node.kubeletFlags.split(', ')));
    expect(view.runtime.proxy.https?.reveal()).toBe(node.name === 'talos' ? undefined : proxy);
  });

  test('shows its credential providers', async () => {
    for (const showing of ['whole', 'files'] as const) {
      const { providers } = (await viewOf(node, showing)).kubelet;
      expect(providers).toMatchObject({ ok: true });
      expect(providers.ok && providers.value.length).toBe(node.hasProviders === true ? 1 : 0);
    }
  });

  test('needs its own components, and no other, for a sure answer', async () => {
    const found = await verdictOf(node, node.components);
    expect(found).toMatchObject({ is: 'pulls', sure: 'exact' });
  });
});

describe.each(kubeletNodes)('$name: a part of the disk', (node) => {
  test.each(everyShowing)('mounted by %s never fails falsely, and names what would show more', async (_, showing) => {
    const { is, sure, code, remedy, view } = await verdictOf(node, showing);
    expect(is).toMatch(/^(pulls|unknown)$/);
    if (is === 'unknown') expect([code, remedy]).toEqual(['agent.cannot_see', expect.stringMatching(asked(node))]);
    if (is === 'pulls' && sure === 'exact') expect(view.unseen ?? []).toEqual([]);
  });

  test.each(everyShowing)('mounted by %s does not miss a login that it cannot see', async (_, showing) => {
    const { is, code } = await verdictOf(node, showing, closed);
    if (is === 'fails') expect([code, await hasAllLogins(node, showing)]).toEqual(['auth.required', true]);
    else expect([is, code]).toEqual(['unknown', 'agent.cannot_see']);
  });
});

/** What the remedy of an unknown verdict may ask for. */
function asked({ name }: DistributionNode): RegExp {
  return name === 'openshift' ? /./ : /the component |^Mount the directory /;
}

async function hasAllLogins(node: DistributionNode, showing: Showing): Promise<boolean> {
  const { kubelet } = await viewOf(node, showing, closed);
  return kubelet.nodeFile.ok && kubelet.providers.ok;
}

describe('Docker without Kubernetes', () => {
  const node = nodes.find(({ name }) => name === 'docker');

  test('has no kubelet, and that is said', async () => {
    if (node === undefined) throw new Error('no such node');
    const { is, code, remedy } = await verdictOf(node, 'whole');
    expect([is, code]).toEqual(['unknown', 'agent.cannot_see']);
    expect(remedy).toMatch(/--runtime.*--nodes.*--host-root/);
  });

  test('is rehearsed as a plain node where a runtime is named', async () => {
    if (node === undefined) throw new Error('no such node');
    const { is, sure, code } = await verdictOf({ ...node, runtime: 'containerd://1.7.27' }, 'whole');
    expect([is, sure, code]).toEqual(['fails', 'approximate', 'tcp.refused']);
  });
});
