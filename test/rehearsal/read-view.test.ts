/** The node as its files say, and over them what the Node and its kubelet say. */
import { describe, expect, test } from 'vitest';
import type { DiskPressure } from '#kubelet/disk.ts';
import { kubeletConfigOf } from '#kubelet/config.ts';
import { good, seen } from '#report/outcome.ts';
import { parseConfig } from '#config/config.ts';
import { readView, type NodeStatus } from '#rehearsal/read-view.ts';
import { nodeRoot } from '../kit/node-root.ts';

const now = new Date('2026-03-04T12:00:00Z');
const status: NodeStatus = { runtime: 'containerd://2.1.9', os: 'linux', architecture: 'amd64' };

async function kubeletOf(more: Partial<NodeStatus>) {
  await using root = await nodeRoot({ 'var/lib/kubelet/config.yaml': 'registryPullQPS: 1\n' });
  const parsed = parseConfig(undefined, { DRYPULL_HOST_ROOT: root.path });
  if (!parsed.ok) throw new Error('the defaults are refused');
  return (await readView(parsed.config, { now, status: { ...status, ...more } })).kubelet;
}

describe("the Node's DiskPressure", () => {
  const condition = (status: string) => [{ type: 'DiskPressure', status, lastTransitionTime: '2026-03-04T11:00:00Z' }];
  const taints = [{ key: 'node.kubernetes.io/disk-pressure' }];

  test.each<[string, Partial<NodeStatus>, Partial<DiskPressure> | undefined]>([
    ['its condition', { conditions: condition('True') }, { is: true, since: '2026-03-04T11:00:00Z' }],
    ['its taint alone', { conditions: [], taints }, { is: true, since: '' }],
    ['a condition that is over while the taint stands', { conditions: condition('False'), taints }, { is: true }],
    ['a condition that is not true', { conditions: condition('False'), taints: [] }, { is: false }],
    ['nothing', {}, undefined],
  ])('is %s', async (_, more, expected) => {
    const { diskPressure } = await kubeletOf(more);
    if (expected === undefined) expect(diskPressure).toBeUndefined();
    else expect(diskPressure).toMatchObject(expected);
  });
});

test.each<[string, string, readonly string[], readonly string[] | undefined]>([
  ['are those of the catalog', '[]', ['linux/amd64', 'linux/arm64'], ['linux/amd64', 'linux/arm64']],
  ['are those of the configuration, where it names any', '["linux/s390x"]', ['linux/arm64'], ['linux/s390x']],
  ['are not known where nobody says them', '[]', [], undefined],
])('the platforms of the cluster %s', async (_, written, clusterPlatforms, expected) => {
  await using root = await nodeRoot({});
  const parsed = parseConfig(`clusterPlatforms: ${written}\n`, { DRYPULL_HOST_ROOT: root.path });
  if (!parsed.ok) throw new Error('the configuration is refused');
  expect((await readView(parsed.config, { now, status: { ...status, clusterPlatforms } })).clusterPlatforms).toEqual(
    expected,
  );
});

test('what the kubelet itself says of its settings goes over its files', async () => {
  const kubeletConfig = seen('https://10.0.0.5:10250/configz', good(kubeletConfigOf([{ registryPullQPS: 9 }])));
  expect((await kubeletOf({ kubeletConfig })).config).toMatchObject({ value: { registryPullQps: 9 } });
  expect((await kubeletOf({})).config).toMatchObject({ value: { registryPullQps: 1 } });
});
