/** Named after kubernetes pkg/kubelet/eviction/helpers_test.go and pkg/kubelet/images/image_gc_manager_test.go. */
import { describe, expect, test } from 'vitest';
import type { Disk } from '#kubelet/disk.ts';
import { garbageCollectionOf, isMet, thresholdsOf } from '#kubelet/eviction.ts';
import { kubeletConfigOf } from '#kubelet/config.ts';
import { one } from '../kit/disks.ts';

const of = (layer: unknown, over: Partial<Disk> = {}) => thresholdsOf({ ...one, ...over }, kubeletConfigOf([layer]));
const brief = (layer: unknown, over: Partial<Disk> = {}): readonly string[] =>
  of(layer, over).map(({ kind, signal, written, floor }) => `${kind} ${signal}<${written} ${floor}`);

describe('TestParseThresholdConfig', () => {
  test('a percentage is a float32 of the capacity, cut to a whole number', () => {
    // As float32, 0.15 is a little more: 640 bytes of 100 GiB; and 0.105 is a little less.
    expect(brief({ evictionHard: { 'imagefs.available': '15%' } })).toEqual(['hard imagefs.available<15% 16106128000']);
    expect(brief({ evictionHard: { 'imagefs.available': '10.5%' } }, { capacityBytes: 1000 })).toEqual([
      'hard imagefs.available<10.5% 104',
    ]);
  });

  test('signals of other disks, of memory and of nothing are passed over', () => {
    const layer = {
      evictionHard: { 'memory.available': '1Gi', 'nodefs.available': '1Gi', 'containerfs.available': '9Gi' },
    };
    expect(brief(layer, { roles: ['imagefs', 'content'] })).toEqual([]);
    expect(brief(layer)).toEqual(['hard nodefs.available<1Gi 1073741824']);
  });

  test.each(['nothing', '-1Gi', '0', '101%', '-5%', 'x%', ''])('%j is no threshold', (written) => {
    expect(of({ evictionHard: { 'nodefs.available': written } })).toEqual([]);
  });

  test('soft ones stand beside hard ones, with their grace, the first to be met first', () => {
    const layer = {
      evictionSoft: { 'nodefs.available': '20%', 'imagefs.available': '100%' },
      evictionSoftGracePeriod: { 'nodefs.available': '1m30s', 'imagefs.available': 'soon' },
      evictionHard: { 'nodefs.available': '10%' },
    };
    expect(of(layer)).toMatchObject([
      { kind: 'soft', written: '20%', graceS: 90 },
      { kind: 'hard', written: '10%' },
    ]);
  });
});

test('TestThresholdsMet: less than the threshold, and not the threshold itself', () => {
  const [threshold] = of({ evictionHard: { 'nodefs.inodesFree': '1000' } });
  const met = [999, 1000, 1001].map(
    (inodesFree) => threshold !== undefined && isMet(threshold, { ...one, inodesFree }),
  );
  expect(met).toEqual([true, false, false]);
});

describe('TestGarbageCollect', () => {
  const of = (layer: unknown, over: Partial<Disk> = {}) =>
    garbageCollectionOf({ ...one, capacityBytes: 1000, ...over }, kubeletConfigOf([layer]));

  test('usage is a whole percentage, so collection begins a little before its threshold', () => {
    // 159 free: 15 % in whole numbers, 85 % used. 160 free: 84 %.
    expect(of({})).toEqual({ beginsBelow: 160, until: 200 });
  });

  test.each([
    ['at 100 %', { imageGCHighThresholdPercent: 100 }, {}],
    ['off a disk without images', {}, { roles: ['nodefs'] as const }],
  ])('there is none %s', (_, layer, over) => {
    expect(of(layer, over)).toBeUndefined();
  });
});
