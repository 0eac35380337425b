import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { phaseOf } from '#budget/hash.ts';
import {
  affordableMs,
  affords,
  fullBucket,
  roundMs,
  shareOf,
  spend,
  type TokenBucket,
  type Share,
} from '#budget/share.ts';

const minute = 60_000;

/** What one agent spends in so long, taking all that it may. */
function spent(share: Share, at: { readonly cost: number; readonly phase: number; readonly forMs: number }): number[] {
  const times: number[] = [];
  let bucket = fullBucket(share, 0);
  for (let nowMs = 0; nowMs < at.forMs;) {
    const asking = { nowMs, cost: at.cost, phase: at.phase };
    if (affords(bucket, share, asking)) {
      bucket = spend(bucket, share, asking);
      times.push(nowMs);
    } else nowMs = Math.max(nowMs + 1, affordableMs(bucket, share, asking));
  }
  return times;
}

describe('an agent alone', () => {
  const share = shareOf({ perMinute: 60, agents: 1, cost: 4 });

  test('asks at once, and goes on below its budget', () => {
    const times = spent(share, { cost: 4, phase: 0.3, forMs: 10 * minute });
    expect(times.filter((at) => at === 0).length).toBeGreaterThanOrEqual(5);
    for (const from of times) {
      const inMinute = times.filter((at) => at >= from && at < from + minute).length * 4;
      expect(inMinute).toBeLessThanOrEqual(60);
    }
  });

  test('owes for an image that is dearer than its share, and then waits longer', () => {
    const times = spent(share, { cost: 50, phase: 0, forMs: 20 * minute });
    expect(times[0]).toBe(0);
    expect(times.length * 50).toBeLessThanOrEqual(21 * 60);
  });
});

test('a few agents answer at once as well, together within the budget', () => {
  const share = shareOf({ perMinute: 120, agents: 5, cost: 12 });
  const first = spent(share, { cost: 12, phase: 0.9, forMs: minute });
  expect(first[0]).toBe(0);
  expect(first.length * 12 * 5).toBeLessThanOrEqual(120);
});

test.each([4, 7, 12, 20])('%i agents of a small budget hardly ever meet more than it bears', (agents) => {
  const share = shareOf({ perMinute: 6, agents, cost: 2 });
  const fleets = 200;
  const above = Array.from({ length: fleets }, (_, fleet) => {
    const times = Array.from({ length: agents }, (__, i) => phaseOf(`fleet-${fleet} node-${i}`)).flatMap((phase) =>
      spent(share, { cost: 2, phase, forMs: 4 * 60 * minute }),
    );
    return times.some((from) => times.filter((at) => at >= from && at < from + minute).length * 2 > 6);
  });
  expect(above.filter(Boolean).length).toBeLessThanOrEqual(fleets * 0.1);
  // And still each of them asks.
  expect(spent(share, { cost: 2, phase: 0.5, forMs: 8 * 60 * minute }).length).toBeGreaterThan(1);
});

describe('four fifths of the budget', () => {
  test('are what token buckets share: a burst first, and the rest in each minute', () => {
    // 0.8 × 60 = 48 alone: half of it at once. 0.8 × 120 / 4 = 24: one image at once.
    expect(shareOf({ perMinute: 60, agents: 1, cost: 4 })).toEqual({ is: 'bucket', burst: 24, perMinute: 24 });
    expect(shareOf({ perMinute: 120, agents: 4, cost: 15 })).toEqual({ is: 'bucket', burst: 15, perMinute: 9 });
    expect(shareOf({ perMinute: 120, agents: 4, cost: 4 })).toEqual({ is: 'bucket', burst: 12, perMinute: 12 });
  });

  test('are what reservations share', () => {
    const share = shareOf({ perMinute: 6, agents: 240, cost: 2, reservationCost: 2 });
    expect(share).toEqual({ is: 'reservations', everyMs: expect.closeTo(100 * minute) as number });
  });

  test('give a bucket to as many agents as have a quarter more than one image in a minute', () => {
    // 0.8 × 100 / 8 = 10.
    expect(shareOf({ perMinute: 100, agents: 8, cost: 8 }).is).toBe('bucket');
    expect(shareOf({ perMinute: 100, agents: 8, cost: 8.1 }).is).toBe('slots');
  });
});

describe('many agents', () => {
  const share = shareOf({ perMinute: 60, agents: 5_000, cost: 4 });

  test('have one moment each, at a time that their names decide', () => {
    const [one, other] = ['node-1', 'node-2'].map((name) =>
      spent(share, { cost: 4, phase: phaseOf(name), forMs: 3 * 24 * 60 * minute }),
    );
    expect(share.is).toBe('slots');
    expect(one?.[0]).not.toBe(other?.[0]);
    const gaps = one?.slice(1).map((at, i) => Math.round(at - (one[i] ?? 0)));
    expect(new Set(gaps)).toEqual(new Set([Math.round(share.is === 'slots' ? share.everyMs : 0)]));
  });

  test('save nothing up: who could not use its moment waits for the next', () => {
    const bucket = fullBucket(share, 0);
    const at = { cost: 4, phase: 0 };
    const everyMs = share.is === 'slots' ? share.everyMs : 0;
    expect(affords(bucket, share, { ...at, nowMs: everyMs + 29_000 })).toBe(true);
    expect(affords(bucket, share, { ...at, nowMs: everyMs + 31_000 })).toBe(false);
    expect(affordableMs(bucket, share, { ...at, nowMs: everyMs + 31_000 })).toBeCloseTo(2 * everyMs);
  });

  test('do not have another one because they were restarted', () => {
    const phase = phaseOf('node-7');
    const lives = (restarts: number): number[] =>
      Array.from({ length: restarts }, (_, i) => i * 10 * minute).flatMap((from) =>
        spent(share, { cost: 4, phase, forMs: from + 10 * minute }).filter((at) => at >= from),
      );
    const day = 144;
    expect(lives(day).length).toBeLessThanOrEqual(
      spent(share, { cost: 4, phase, forMs: day * 10 * minute }).length + 1,
    );
  });
});

test('whatever the numbers, the next moment is never in the past, and comes', () => {
  fc.assert(
    fc.property(
      fc.record({
        perMinute: fc.integer({ min: 1, max: 1_000_000 }),
        agents: fc.integer({ min: 1, max: 100_000 }),
        cost: fc.integer({ min: 1, max: 500 }),
      }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.integer({ min: 0, max: 2e12 }),
      (ask, phase, nowMs) => {
        const share = shareOf(ask);
        const at = { nowMs, phase, cost: ask.cost };
        const used: TokenBucket = spend(fullBucket(share, nowMs), share, at);
        for (const bucket of [fullBucket(share, nowMs), used]) {
          const next = affordableMs(bucket, share, at);
          expect(next).toBeGreaterThanOrEqual(nowMs);
          expect(Number.isFinite(next)).toBe(true);
        }
      },
    ),
  );
});

test('a clock that was set back shuts nobody out', () => {
  const share = shareOf({ perMinute: 60, agents: 5_000, cost: 4 });
  const everyMs = share.is === 'slots' ? share.everyMs : 0;
  const bucket = spend(fullBucket(share, 0), share, { nowMs: 10 * everyMs, cost: 4 });
  expect(affords(bucket, share, { nowMs: 2 * everyMs, phase: 0, cost: 4 })).toBe(true);
});

test('a round is as long as there are images', () => {
  const share = shareOf({ perMinute: 60, agents: 5_000, cost: 4 });
  expect(roundMs(share, { images: 8, cost: 4 })).toBeCloseTo(8 * roundMs(share, { images: 1, cost: 4 }));
});

test('names are spread evenly, and the same name always lies at the same place', () => {
  const phases = Array.from({ length: 10_000 }, (_, i) => phaseOf(`ip-10-0-0-${i}.ec2.internal`));
  const tenths = Array.from({ length: 10 }, (_, i) => phases.filter((at) => Math.floor(at * 10) === i).length);
  for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  expect(phaseOf('node-7')).toBe(phaseOf('node-7'));
  expect(phaseOf('')).toBeGreaterThanOrEqual(0);
});
