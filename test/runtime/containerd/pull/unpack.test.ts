import { describe, expect, test } from 'vitest';
import { bareDemand } from '#config/image-demand.ts';
import { readNode } from '#rehearsal/read-node.ts';
import { manners } from '#rehearsal/open-wire.ts';
import { Rehearser } from '#rehearsal/rehearser.ts';
import { FakeRegistry, image } from '../../../kit/fake-registry.ts';
import type { BuiltImage } from '../../../kit/image.ts';
import { nodeRoot } from '../../../kit/node-root.ts';
import * as odd from '../../../kit/odd-images.ts';

/** The verdicts of passes over one image, as an agent makes them. */
async function verdicts(built: BuiltImage, { version = '2.1.9', passes = 1 } = {}): Promise<readonly string[]> {
  await using registry = await FakeRegistry.open({ images: { 'team/app:v1': built } });
  await using root = await nodeRoot({ 'etc/containerd/config.toml': 'version = 2\n' });
  const rehearser = new Rehearser({ hostRoot: root.path, env: {}, now: () => new Date(), clockMs: () => 0 });
  const seen: string[] = [];
  for (let i = 0; i < passes; i += 1) {
    const at = { hostRoot: root.path, runtime: `containerd://${version}`, nodeName: 'n', kubelet: {}, now: new Date() };
    const signal = new AbortController().signal;
    const bounds = { manners, atOnce: 1, perRegistry: 8, meteredRegistries: [], signal };
    const demands = [bareDemand(`${registry.host}/team/app:v1`, [])];
    for await (const { verdict } of rehearser.rehearse(await readNode(at), demands, bounds))
      seen.push(verdict.is === 'fails' ? verdict.fault.code : verdict.is);
  }
  return seen;
}

const app = image({ seed: 'app' });
const broken = odd.withConfig(app, (json) => ({
  ...json,
  rootfs: { ...json.rootfs, diff_ids: [`sha256:${'0'.repeat(64)}`] },
}));

describe('an image that cannot be unpacked', () => {
  test.each([
    ['a configuration that is no JSON', odd.withConfig(app, () => '<html>'), 'manifest.malformed'],
    [
      'a configuration of fewer layers',
      odd.withConfig(app, (json) => ({ ...json, rootfs: { ...json.rootfs, diff_ids: [] } })),
      'manifest.malformed',
    ],
    ['a layer of other content than the configuration says', broken, 'blob.digest_mismatch'],
    [
      'an index entry without a platform, for another one',
      odd.withoutPlatforms(image({ seed: 'other', platforms: ['linux/s390x'], index: true })),
      'manifest.no_platform',
    ],
    [
      'a layer of a type that nothing unpacks',
      odd.withLayerType(app, 'application/vnd.oci.image.layer.v9'),
      'manifest.unsupported',
    ],
    [
      'an encrypted layer, whose keys are not looked at',
      odd.withLayerType(app, 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted'),
      'unknown',
    ],
  ])('%s', async (_, built, expected) => {
    expect(await verdicts(built)).toEqual([expected]);
  });

  test.each([
    ['a configuration that is no JSON', odd.withConfig(app, () => '<html>'), 'manifest.malformed'],
    ['a layer of other content', broken, 'blob.digest_mismatch'],
  ])('stays one in later passes: %s', async (_, built, expected) => {
    expect(await verdicts(built, { passes: 3 })).toEqual([expected, expected, expected]);
  });
});

test.each([
  ['1.6.20', 'manifest.unsupported'],
  ['1.7.34', 'pulls'],
  ['2.1.9', 'pulls'],
])('a chart on containerd %s: %s', async (version, expected) => {
  expect(await verdicts(odd.chart(app), { version })).toEqual([expected]);
});

test.each([
  ['1.7.34', 'manifest.unsupported'],
  ['2.1.9', 'pulls'],
])('layers beside an unknown configuration are never fetched by containerd %s: %s', async (version, expected) => {
  const built = odd.withConfig(app, (json) => json, 'application/octet-stream');
  expect(await verdicts(built, { version })).toEqual([expected]);
});

test.each(['1.6.20', '1.7.34', '2.1.9', '2.3.4'])(
  'a build for another processor, without an index, is unpacked by containerd %s',
  async (version) => {
    expect(await verdicts(image({ seed: 'single', platforms: ['linux/s390x'] }), { version })).toEqual(['pulls']);
  },
);
