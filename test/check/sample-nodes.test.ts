import { describe, expect, test } from 'vitest';
import { poolOf, sampleNodes, type SampledNode } from '#check/sample-nodes.ts';

const node = (name: string, labels: Record<string, string> = {}, over: Partial<SampledNode> = {}): SampledNode => ({
  name,
  labels,
  architecture: 'amd64',
  runtime: 'containerd://2.1.9',
  ...over,
});
const many = (count: number, labels: Record<string, string> = {}, prefix = 'node'): readonly SampledNode[] =>
  Array.from({ length: count }, (_, index) => node(`${prefix}-${index}`, labels));

describe('sampleNodes', () => {
  test('fewer than 300 nodes are all asked', () => {
    const nodes = many(299);
    expect(sampleNodes(nodes)).toEqual({ nodes, of: 299, kinds: 1 });
  });

  test('of more, about 150 are asked, in the order in which they were given', () => {
    const nodes = many(1000);
    const { nodes: chosen, of } = sampleNodes(nodes);
    expect([chosen.length, of]).toEqual([150, 1000]);
    expect(chosen).toEqual(nodes.filter((one) => chosen.includes(one)));
  });

  test.each<[string, readonly SampledNode[], number]>([
    ['three of a pool that is small', many(4, { 'karpenter.sh/nodepool': 'gpu' }, 'gpu'), 3],
    ['all of a pool of two', many(2, { 'cloud.google.com/gke-nodepool': 'gpu' }, 'gpu'), 2],
    ['three of another architecture', many(10, {}, 'arm').map((one) => ({ ...one, architecture: 'arm64' })), 3],
    ['three of another runtime', many(9, {}, 'old').map((one) => ({ ...one, runtime: 'containerd://1.6.20' })), 3],
    ['three of another zone', many(9, { 'topology.kubernetes.io/zone': 'c' }, 'far'), 3],
  ])('%s', (_what, odd, expected) => {
    const { nodes, kinds } = sampleNodes([...many(1000), ...odd]);
    expect(nodes.filter((one) => odd.includes(one))).toHaveLength(expected);
    expect(kinds).toBe(2);
  });

  test('the same nodes are chosen whatever the order, and whoever asks', () => {
    const nodes = many(500);
    const names = (all: readonly SampledNode[]): readonly string[] => all.map(({ name }) => name).toSorted();
    expect(names(sampleNodes(nodes.toReversed()).nodes)).toEqual(names(sampleNodes(nodes).nodes));
  });

  test('neighbours by name are not chosen together more often than others', () => {
    const chosen = new Set(sampleNodes(many(1000)).nodes.map(({ name }) => Number(name.slice(5))));
    const pairs = [...chosen].filter((number) => chosen.has(number + 1)).length;
    // 150 of 1000 by chance: about 22 pairs; by name there would be 149.
    expect(pairs).toBeLessThan(45);
    expect([...chosen].filter((number) => number < 500).length).toBeGreaterThan(50);
  });
});

describe('poolOf', () => {
  test.each<[Record<string, string>, string | undefined]>([
    [{ 'eks.amazonaws.com/nodegroup': 'gpu' }, 'nodegroup=gpu'],
    [{ 'cloud.google.com/gke-nodepool': 'gpu' }, 'gke-nodepool=gpu'],
    [{ 'kubernetes.azure.com/agentpool': 'gpu' }, 'agentpool=gpu'],
    [{ agentpool: 'gpu' }, 'agentpool=gpu'],
    [{ 'karpenter.sh/nodepool': 'gpu', 'node.kubernetes.io/instance-type': 'g5.xlarge' }, 'nodepool=gpu'],
    [{ 'worker.gardener.cloud/pool': 'gpu' }, 'pool=gpu'],
    [{ 'node.kubernetes.io/instance-type': 'g5.xlarge' }, 'instance-type=g5.xlarge'],
    [{ pool: '' }, undefined],
    [{}, undefined],
  ])('%j', (labels, expected) => {
    expect(poolOf({ labels })).toBe(expected);
  });
});
