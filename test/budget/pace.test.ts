import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fault } from '#report/fault.ts';
import { cadencesOf, defaultPace, dueAt, rests, slowed, spread, takesPart, retryKindOf } from '#budget/pace.ts';
import type { Verdict } from '#report/verdict.ts';

const confidence = { is: 'exact', because: [] } as const;
const fails = (fault: Fault): Verdict => ({ is: 'fails', fault, stage: 'api', confidence });
const refused: Fault = { code: 'tcp.refused', address: '10.0.0.1', port: 443 };
const limited = (retryAfterS?: number): Fault => ({
  code: 'api.rate_limited',
  host: 'registry-1.docker.io',
  status: 429,
  limit: { scope: 'quota', ...(retryAfterS === undefined ? {} : { retryAfterS }) },
  message: '',
});
const pace = { cadenceMs: 300_000, ...defaultPace };
const due = (fault: Fault, failures: number, dice = 0.5): number | undefined =>
  dueAt({ verdict: fails(fault), endedMs: 0, failures }, pace, dice);

describe('temperOf', () => {
  test.each<[string, Verdict, string]>([
    ['what pulls waits for its turn', { is: 'pulls', confidence }, 'steady'],
    ['a refused connection may be back in seconds', fails(refused), 'eager'],
    [
      'a wrong password is not tried again soon',
      fails({ code: 'auth.rejected', host: 'r', as: 'x', status: 401, message: '' }),
      'shy',
    ],
    ['a rate limit is not tried again soon', fails(limited()), 'shy'],
    [
      'a rate limit behind a realm is a rate limit',
      fails({ code: 'auth.realm_unreachable', realm: 'r', cause: limited() }),
      'shy',
    ],
    [
      'a missing tag waits for its turn',
      fails({ code: 'manifest.unknown_tag', image: 'a', host: 'r', message: '' }),
      'steady',
    ],
  ])('%s', (_, verdict, temper) => {
    expect(retryKindOf(verdict)).toBe(temper);
  });
});

describe('dueAt', () => {
  test('a refused connection is tried again after 15 s, then after twice as long each time, until the cadence takes over', () => {
    expect([1, 2, 3, 4, 5, 6, 1000].map((failures) => due(refused, failures))).toEqual([
      15_000,
      30_000,
      60_000,
      120_000,
      240_000,
      undefined,
      undefined,
    ]);
  });

  test('a rate limit is never tried again before the registry allows it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 86_400 }),
        fc.integer({ min: 1, max: 99 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (retryAfterS, failures, dice) => {
          expect(due(limited(retryAfterS), failures, dice)).toBeGreaterThanOrEqual(retryAfterS * 1000);
        },
      ),
    );
  });

  test('a rate limit without advice is tried again later than the cadence, at last every hour', () => {
    expect([1, 2, 3, 50].map((failures) => due(limited(), failures, 0))).toEqual([
      600_000, 1_200_000, 2_400_000, 3_600_000,
    ]);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -5, 1e12])('a senseless Retry-After of %d is bounded', (asked) => {
    const at = due(limited(asked), 1, 0) ?? 0;
    expect(at).toBeGreaterThanOrEqual(600_000);
    expect(at).toBeLessThanOrEqual(86_400_000);
  });

  test('a shy image sits out the regular passes until it is due', () => {
    expect(takesPart(fails(limited()), 100, 99)).toBe(false);
    expect(takesPart(fails(limited()), 100, 100)).toBe(true);
    expect(takesPart(fails(refused), 100, 99)).toBe(true);
  });
});

describe('jitter', () => {
  test('moves a time by its share either way and no further', () => {
    expect([0, 0.5, 1].map((dice) => Math.round(((due(refused, 1, dice) ?? 0) / pace.soonestMs) * 100))).toEqual([
      80, 100, 120,
    ]);
  });
});

describe('spread', () => {
  const registryOf = (image: string): string => image.split('/')[0] ?? '';

  test('registries take turns', () => {
    expect(spread(['a/1', 'a/2', 'a/3', 'b/1', 'c/1', 'c/2'], registryOf, 10)).toEqual({
      now: ['a/1', 'b/1', 'c/1', 'a/2', 'c/2', 'a/3'],
      later: [],
    });
  });

  test('no registry is asked for more images than its budget in one pass', () => {
    expect(spread(['a/1', 'a/2', 'b/1', 'a/3'], registryOf, 2)).toEqual({ now: ['a/1', 'b/1', 'a/2'], later: ['a/3'] });
  });

  test('no image is lost', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a/1', 'b/2', 'c/3')), fc.integer({ min: 0, max: 5 }), (images, budget) => {
        const { now, later } = spread(images, registryOf, budget);
        expect([...now, ...later].toSorted()).toEqual(images.toSorted());
      }),
    );
  });
});

describe('an image that a start would not ask for', () => {
  test.each([
    [{ asks: 'yes', present: 'no' }, 1],
    [{ asks: 'perhaps', present: 'unknown' }, 1],
    [{ present: 'yes' }, 1],
    [{ asks: 'perhaps', present: 'yes' }, 3],
    [{ asks: 'no', present: 'yes' }, 6],
  ] as const)('%j is rehearsed every so many cadences: %i', (demand, cadences) => {
    expect(cadencesOf(demand)).toBe(cadences);
  });

  test('so is one that is yet to come, until somebody here wants it', () => {
    const coming = { kind: 'Deployment', namespace: 'shop', name: 'web', part: '', coming: true } as const;
    const pod = { kind: 'Pod', namespace: 'shop', name: 'web-1', part: '' };
    expect(cadencesOf({ asks: 'yes', present: 'no', requestedBy: [coming] })).toBe(6);
    expect(cadencesOf({ asks: 'yes', present: 'no', requestedBy: [coming, pod] })).toBe(1);
  });

  test('rests for all but one of them, jitter included', () => {
    const minutes = [5, 10, 15, 20, 25, 28, 30, 31];
    const resting = minutes.map((at) => rests(6, { lastMs: 0, cadenceMs: 300_000, nowMs: at * 60_000 }));
    expect(resting).toEqual([true, true, true, true, true, false, false, false]);
    expect(rests(1, { lastMs: 0, cadenceMs: 300_000, nowMs: 1 })).toBe(false);
  });

  test('is in no hurry when it fails, either', () => {
    const slow = slowed(pace, 6);
    expect(dueAt({ verdict: fails(refused), endedMs: 0, failures: 1 }, slow, 0.5)).toBe(300_000);
    expect(slowed(pace, 1)).toBe(pace);
  });
});
