/** How much room there was. */
import { describe, expect, test } from 'vitest';
import { learnDisks, readDisksHistory, type DisksHistory } from '#forecast/history/disks.ts';
import { GiB, nodeWith, one } from '../../kit/disks.ts';
import { nodeOf } from '../../kit/stage.ts';

const start = Date.parse('2026-03-04T12:00:00Z');
const withFree = (freeBytes: number, capacityBytes = one.capacityBytes) =>
  nodeWith({ disks: [{ ...one, freeBytes, capacityBytes }] });
const learned = (frees: readonly number[], everyMs = 300_000): DisksHistory =>
  frees.reduce<DisksHistory>((history, free, i) => learnDisks(history, withFree(free), start + i * everyMs), {});

test('each look is remembered, with the inodes', () => {
  expect(learned([5, 4])[one.path]?.samples).toEqual([
    [start, 5, one.inodesFree],
    [start + 300_000, 4, one.inodesFree],
  ]);
});

test('looks within a minute are one', () => {
  expect(learned([5, 4, 3], 30_000)[one.path]?.samples).toHaveLength(2);
});

test('another size is another file system', () => {
  const history = learnDisks(learned([5, 4]), withFree(9, 50), start + 900_000);
  expect(history[one.path]?.samples).toHaveLength(1);
});

test('a month of looks is a bounded series, dense at its end', () => {
  const samples = learned(Array.from({ length: 9000 }, (_, i) => i))[one.path]?.samples ?? [];
  expect(samples.length).toBeLessThanOrEqual(160);
  const gaps = samples.slice(1).map(([atMs], i) => atMs - (samples[i]?.[0] ?? 0));
  expect(gaps.slice(-70)).toEqual(gaps.slice(-70).map(() => 300_000));
  expect(Math.max(...gaps)).toBeLessThan(2 * 86_400_000);
  expect(samples.at(-1)?.[0]).toBe(start + 8999 * 300_000);
});

test('a clock that was set back leaves no time to come', () => {
  const history = learnDisks(learned([5, 4, 3]), withFree(2), start - 86_400_000);
  expect(history[one.path]?.samples.every(([atMs]) => atMs <= start + 600_000)).toBe(true);
});

describe('image garbage collection', () => {
  test('is seen where room comes back near its threshold', () => {
    expect(learned([18 * GiB, 16 * GiB, 20 * GiB])[one.path]?.collectedMs).toBe(start + 600_000);
  });

  test.each([
    ['far from it', [40 * GiB, 45 * GiB]],
    ['by a little', [16 * GiB, 16.5 * GiB]],
  ])('is not where room comes back %s', (_, frees) => {
    expect(learned(frees)[one.path]?.collectedMs).toBeUndefined();
  });
});

test('what nobody saw teaches nothing', () => {
  const history = learned([5]);
  expect(learnDisks(history, nodeOf(), start)).toBe(history);
});

describe('what was kept in a file', () => {
  test('is read as it was written', () => {
    const history = learned([18 * GiB, 16 * GiB, 20 * GiB]);
    expect(readDisksHistory(JSON.parse(JSON.stringify(history)))).toEqual(history);
  });

  test.each([
    [undefined],
    [[]],
    ['x'],
    [{ '/a': 1 }],
    [{ '/a': { capacityBytes: '1', samples: [] } }],
    [{ '/a': { capacityBytes: 1, samples: {} } }],
  ])('and is no such thing is nothing: %j', (value) => {
    expect(readDisksHistory(value)).toEqual({});
  });

  test('loses only the samples that are none', () => {
    const value = { '/a': { capacityBytes: 1, samples: [[2, 1, 1], 'x', [1, 1, 1], [1, null, 1], []] } };
    expect(readDisksHistory(value)['/a']?.samples).toEqual([
      [1, 1, 1],
      [2, 1, 1],
    ]);
  });
});
