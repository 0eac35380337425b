import { describe, expect, test } from 'vitest';
import { flagLayer, kubeletConfigOf } from '#kubelet/config.ts';

const usual = {
  'memory.available': '100Mi',
  'nodefs.available': '10%',
  'nodefs.inodesFree': '5%',
  'imagefs.available': '15%',
  'imagefs.inodesFree': '5%',
};

describe("the kubelet's eviction thresholds", () => {
  test.each<[string, unknown, Record<string, string>]>([
    ['are the usual ones where nothing is written', {}, usual],
    [
      'that are written switch the others off',
      { evictionHard: { 'imagefs.available': '20%' } },
      { 'imagefs.available': '20%' },
    ],
    ['are all off where none is written below the key', { evictionHard: {} }, {}],
    [
      'that are written go over the usual ones where both are wished for',
      { evictionHard: { 'imagefs.available': '20%' }, mergeDefaultEvictionSettings: true },
      { ...usual, 'imagefs.available': '20%' },
    ],
    [
      'of 0% and 100% are none',
      { evictionHard: { 'imagefs.available': '0%', 'nodefs.available': '100%', 'memory.available': '1Gi' } },
      { 'memory.available': '1Gi' },
    ],
    ['that are no text are passed over', { evictionHard: { 'imagefs.available': 5 } }, {}],
    ['are the usual ones where the key is null', { evictionHard: null }, usual],
  ])('%s', (_, layer, expected) => {
    expect(kubeletConfigOf([layer]).evictionHard).toEqual(expected);
  });
});

describe('layers', () => {
  test('are merged as patches, the later over the earlier', () => {
    const config = kubeletConfigOf([
      { registryPullQPS: 1, evictionHard: { 'memory.available': '1Gi' } },
      { evictionHard: { 'nodefs.available': '1Gi', 'memory.available': null } },
      { registryPullQPS: null, registryBurst: 3 },
    ]);
    expect(config).toMatchObject({ registryPullQps: 5, registryBurst: 3, evictionHard: { 'nodefs.available': '1Gi' } });
  });

  test('of parallel pulls end the serial ones, unless that is written', () => {
    expect(kubeletConfigOf([{}]).serializeImagePulls).toBe(true);
    expect(kubeletConfigOf([{ maxParallelImagePulls: 4 }]).serializeImagePulls).toBe(false);
    expect(kubeletConfigOf([{ maxParallelImagePulls: 4, serializeImagePulls: true }]).serializeImagePulls).toBe(true);
  });

  test('say how the kubelet eases off, collects and pulls', () => {
    expect(kubeletConfigOf([{}])).toMatchObject({
      evictionSoft: {},
      evictionSoftGraceS: {},
      evictionMinimumReclaim: {},
      evictionPressureTransitionS: 300,
      imageMinimumGcAgeS: 120,
      imageMaximumGcAgeS: 0,
    });
    const config = kubeletConfigOf([
      {
        evictionSoft: { 'nodefs.available': '20%', 'imagefs.available': '100%' },
        evictionSoftGracePeriod: { 'nodefs.available': '1m30s', 'imagefs.available': 30 },
        evictionMinimumReclaim: { 'nodefs.available': '2Gi' },
        evictionPressureTransitionPeriod: '0s',
        imageMinimumGCAge: '5m',
        imageMaximumGCAge: '12h',
        maxParallelImagePulls: 4,
      },
    ]);
    expect(config).toMatchObject({
      evictionSoft: { 'nodefs.available': '20%' },
      evictionSoftGraceS: { 'nodefs.available': 90 },
      evictionMinimumReclaim: { 'nodefs.available': '2Gi' },
      evictionPressureTransitionS: 300,
      imageMinimumGcAgeS: 300,
      imageMaximumGcAgeS: 43_200,
      maxParallelImagePulls: 4,
    });
  });

  test.each([
    [undefined],
    [null],
    ['text'],
    [[1]],
    [{ registryPullQPS: '7', imageGCHighThresholdPercent: Number.NaN }],
  ])('that say nothing usable leave the defaults: %j', (layer) => {
    expect(kubeletConfigOf([layer])).toEqual(kubeletConfigOf([]));
  });

  test('of flags stand for the fields of the file', () => {
    const flags: Record<string, string> = {
      'registry-qps': '2',
      'image-gc-high-threshold': 'much',
      'serialize-image-pulls': 'false',
      'eviction-hard': 'imagefs.available<1Gi, nodefs.available<5%,nonsense',
      'eviction-soft-grace-period': 'imagefs.available=2m',
      'eviction-pressure-transition-period': '30s',
      'minimum-image-ttl-duration': 'long',
    };
    expect(flagLayer((name) => flags[name])).toEqual({
      registryPullQPS: 2,
      serializeImagePulls: false,
      evictionHard: { 'imagefs.available': '1Gi', 'nodefs.available': '5%' },
      evictionSoftGracePeriod: { 'imagefs.available': '2m' },
      evictionPressureTransitionPeriod: '30s',
    });
  });
});
