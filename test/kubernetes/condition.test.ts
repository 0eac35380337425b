import { describe, expect, test } from 'vitest';
import {
  type Wanted,
  type Written,
  afterWrite,
  conditionOf,
  defaultTempo,
  dueAt,
  isOurs,
} from '#kubernetes/condition.ts';

const start = Date.parse('2026-11-21T01:30:00Z');
const wanted = (status: Wanted['status'], sinceMs = start, message = 'm'): Wanted => ({
  status,
  reason: 'AllPull',
  message,
  sinceMs,
});
const written = (status: Wanted['status'], flips: readonly number[] = []): Written => ({
  condition: conditionOf(wanted(status), undefined, new Date(start)),
  atMs: start,
  flips,
});

describe('when the condition is written', () => {
  test('the first time at once', () => {
    expect(dueAt(wanted('True'), undefined, defaultTempo)).toBe(start);
  });

  test('while nothing changes, every ten minutes', () => {
    expect(dueAt(wanted('True'), written('True'), defaultTempo)).toBe(start + 600_000);
  });

  test('words alone, once a minute', () => {
    expect(dueAt(wanted('True', start, 'other words'), written('True'), defaultTempo)).toBe(start + 60_000);
  });

  const flipping: readonly (readonly [number, number])[] = [
    [0, 30_000],
    [1, 60_000],
    [2, 120_000],
    [4, 480_000],
    [9, 600_000],
  ];
  test.each(flipping)('after %i changes in the last hour a new status must have stood %i ms', (changes, holdMs) => {
    const flips = Array.from({ length: changes }, (_, index) => start - index * 60_000);
    expect(dueAt(wanted('False'), written('True', flips), defaultTempo)).toBe(start + holdMs);
  });

  test('changes of more than an hour ago are forgotten', () => {
    const flips = [start - 3_700_000, start - 3_600_001];
    expect(dueAt(wanted('False'), written('True', flips), defaultTempo)).toBe(start + 30_000);
    expect(
      afterWrite(conditionOf(wanted('False'), undefined, new Date(start)), written('True', flips), start).flips,
    ).toEqual([start]);
  });
});

describe('what is written', () => {
  test('the time of transition stays while the status does, and a heartbeat moves', () => {
    const first = conditionOf(wanted('True'), undefined, new Date(start));
    const second = conditionOf(wanted('True', start, 'other'), first, new Date(start + 90_500));
    expect(second).toEqual({
      type: 'ImagePullReady',
      status: 'True',
      reason: 'AllPull',
      message: 'other',
      lastHeartbeatTime: '2026-11-21T01:31:30Z',
      lastTransitionTime: '2026-11-21T01:30:00Z',
    });
    expect(conditionOf(wanted('False'), second, new Date(start + 90_500)).lastTransitionTime).toBe(
      '2026-11-21T01:31:30Z',
    );
  });

  test('no more than a kilobyte of words', () => {
    expect(conditionOf(wanted('True', start, 'x'.repeat(5000)), undefined, new Date(start)).message).toHaveLength(1024);
  });
});

describe('whose words stand on the Node', () => {
  const ours = written('True');
  const cases: readonly (readonly [string, object, boolean])[] = [
    ['the same', {}, true],
    ['the same time, written otherwise', { lastHeartbeatTime: '2026-11-21T01:30:00.000Z' }, true],
    ['a later heartbeat', { lastHeartbeatTime: '2026-11-21T01:30:01Z' }, false],
    ['another status', { status: 'False' }, false],
    ['other words', { message: 'theirs' }, false],
  ];
  test.each(cases)('%s', (_, change, expected) => {
    expect(isOurs({ ...ours.condition, ...change }, ours)).toBe(expected);
  });

  test('nothing, or before we wrote anything: nobody is in our way', () => {
    expect(isOurs(undefined, ours)).toBe(true);
    expect(isOurs(ours.condition, undefined)).toBe(true);
  });
});
