/** Turns that a fleet books in one text: the budget holds whatever is in it, and nobody waits for ever. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reserve } from '#budget/reservations.ts';

const now = Date.parse('2026-03-04T12:00:00Z');
const minute = 60_000;

/** What is booked one after another, all at the same time of asking: milliseconds from now. */
function booked(count: number, ask: { readonly perMinute: number; readonly cost: number }, first?: string): number[] {
  const times: number[] = [];
  let text = first;
  for (let i = 0; i < count; i += 1) {
    const booking = reserve(text, { ...ask, nowMs: now });
    if (booking.is === 'full') break;
    times.push(booking.atMs - now);
    ({ text } = booking);
  }
  return times;
}

describe('reservations', () => {
  test('come at once until a minute is full, and then one span after another', () => {
    expect(booked(7, { perMinute: 60, cost: 20 })).toEqual([0, 0, 0, 70_000, 70_000, 70_000, 140_000]);
  });

  test('of which only one goes into a minute come one after another', () => {
    expect(booked(3, { perMinute: 6, cost: 5 })).toEqual([0, 70_000, 140_000]);
  });

  test('that are dearer than a minute’s budget make the next wait for longer', () => {
    expect(booked(3, { perMinute: 6, cost: 12 })).toEqual([0, 140_000, 280_000]);
  });

  test('beyond the horizon are nobody’s', () => {
    const times = booked(100, { perMinute: 6, cost: 5 });
    expect(times).toHaveLength(5);
    expect(Math.max(...times)).toBeLessThanOrEqual(5 * minute);
  });

  test('that are over leave no trace', () => {
    const first = reserve(undefined, { perMinute: 6, cost: 5, nowMs: now });
    const later = reserve(first.is === 'booked' ? first.text : '', { perMinute: 6, cost: 5, nowMs: now + 70_000 });
    expect(later).toEqual({ is: 'booked', atMs: now + 70_000, text: JSON.stringify([[now + 70_000, 5]]) });
  });
});

describe('what nobody of ours wrote', () => {
  test.each([
    ['no JSON', '{'],
    ['nothing', ''],
    ['another kind', '{"tokens":6}'],
    ['null', 'null'],
    ['turns without a cost', '[[1764115200000]]'],
    ['turns that cost nothing', `[[${now},0]]`],
    ['texts', '[["now","much"]]'],
  ])('counts as a budget that was spent just now: %s', (_, text) => {
    expect(booked(1, { perMinute: 6, cost: 5 }, text)).toEqual([70_000]);
  });

  test('turns of a clock that is far ahead shut nobody out for longer than the horizon', () => {
    const text = JSON.stringify([[now + 365 * 24 * 60 * minute, 5]]);
    expect(reserve(text, { perMinute: 6, cost: 5, nowMs: now })).toEqual({ is: 'full' });
    const cheap = reserve(text, { perMinute: 60, cost: 5, nowMs: now });
    expect(cheap).toMatchObject({ is: 'booked', atMs: now + 5 * minute });
  });

  test('an endless list is cut', () => {
    const text = JSON.stringify(Array.from({ length: 100_000 }, () => [now, 1]));
    expect(reserve(text, { perMinute: 6, cost: 1, nowMs: now }).is).toBe('full');
  });
});

test('whoever asks when, for what: no minute has more than the budget, or than one image that is dearer', () => {
  const asks = fc.array(
    fc.record({ afterMs: fc.integer({ min: 0, max: 90_000 }), cost: fc.integer({ min: 1, max: 12 }) }),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(asks, fc.integer({ min: 6, max: 60 }), (list, perMinute) => {
      let text: string | undefined;
      let nowMs = now;
      const reservations: { readonly atMs: number; readonly cost: number }[] = [];
      for (const { afterMs, cost } of list) {
        nowMs += afterMs;
        const booking = reserve(text, { perMinute, cost, nowMs });
        if (booking.is === 'full') continue;
        expect(booking.atMs).toBeGreaterThanOrEqual(nowMs);
        ({ text } = booking);
        reservations.push({ atMs: booking.atMs, cost });
      }
      for (const { atMs: from } of reservations) {
        const inMinute = reservations.filter(({ atMs }) => atMs >= from && atMs < from + minute);
        const sum = inMinute.reduce((all, { cost }) => all + cost, 0);
        if (inMinute.length > 1) expect(sum).toBeLessThanOrEqual(perMinute);
      }
    }),
  );
});
