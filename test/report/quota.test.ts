import { describe, expect, test } from 'vitest';
import { exhaustionOf, type QuotaSeries } from '#report/quota.ts';
import { learnSample, readQuotas, type QuotasHistory } from '#forecast/history/quotas.ts';
import { hubPlace, hubQuota } from '../kit/hub-quota.ts';

const nowMs = Date.parse('2026-03-04T12:00:00.000Z');
const minute = 60_000;
const hour = 60 * minute;
const series = (
  points: readonly (readonly [minutesAgo: number, remaining: number])[],
  over: Partial<QuotaSeries> = {},
): QuotaSeries => hubQuota(nowMs, points, over);

describe('a quota will be used up', () => {
  test.each<[string, QuotaSeries, number]>([
    [
      'at once 60 in an hour of a fresh one',
      series([
        [60, 100],
        [30, 70],
        [0, 40],
      ]),
      40,
    ],
    [
      'by the last half of an hour, where no more was seen',
      series([
        [30, 60],
        [15, 55],
        [0, 50],
      ]),
      150,
    ],
    [
      'by one more roll-out like the last',
      series([
        [60, 100],
        [50, 40],
        [0, 40],
      ]),
      40,
    ],
    // Somebody has used 60 before: they come back at 10 an hour, so that 50 an hour are gone.
    [
      'although some comes back',
      series([
        [60, 40],
        [0, 20],
      ]),
      60,
    ],
    [
      'twice as soon where 429 is asked again at once',
      series(
        [
          [60, 100],
          [30, 70],
          [0, 40],
        ],
        { refusedMs: nowMs - minute },
      ),
      20,
    ],
  ])('%s', (_, given, minutes) => {
    const end = exhaustionOf(given);
    expect(((end?.atMs ?? 0) - nowMs) / minute).toBeGreaterThanOrEqual(minutes * 0.9);
    expect(((end?.atMs ?? 0) - nowMs) / minute).toBeLessThanOrEqual(minutes * 1.1 + 1);
  });

  test('and says what that rests on', () => {
    expect(
      exhaustionOf(
        series([
          [60, 100],
          [0, 40],
        ]),
      ),
    ).toMatchObject({
      perHour: 60,
      assuming: "the last hour's consumption goes on, and what was used before it was watched returns evenly",
    });
  });
});

describe('a quota will not be used up, or nobody can tell', () => {
  test.each<[string, QuotaSeries]>([
    [
      'nothing is used',
      series([
        [60, 100],
        [0, 100],
      ]),
    ],
    [
      'as much comes back as is used',
      series([
        [60, 64],
        [30, 63],
        [0, 64],
      ]),
    ],
    [
      'a window is enough for the pace',
      series([
        [60, 100],
        [0, 90],
      ]),
    ],
    [
      'one roll-out is over',
      series([
        [60, 100],
        [50, 60],
        [0, 60],
      ]),
    ],
    ['it was seen once', series([[0, 3]])],
    ['never', series([])],
    [
      'for five minutes',
      series([
        [5, 100],
        [0, 50],
      ]),
    ],
    [
      'two pulls are no pace',
      series([
        [60, 100],
        [0, 98],
      ]),
    ],
    [
      'it rises',
      series([
        [60, 10],
        [0, 60],
      ]),
    ],
    [
      'it is used up already',
      series([
        [60, 60],
        [0, 0],
      ]),
    ],
    [
      'no limit was told',
      {
        ...series([
          [60, 100],
          [0, 40],
        ]),
        limit: undefined,
      } as unknown as QuotaSeries,
    ],
    [
      'a burst of a minute is never drawn out',
      series(
        [
          [60, 100],
          [0, 40],
        ],
        { windowS: 60 },
      ),
    ],
  ])('%s', (_, given) => {
    expect(exhaustionOf(given)).toBeUndefined();
  });
});

describe('what is remembered of a quota', () => {
  const limit = (remaining: number, over = {}) => ({
    limit: 100,
    remaining,
    windowS: 21_600,
    source: '192.0.2.1',
    scope: 'quota' as const,
    ...over,
  });
  const learnt = (...looks: readonly [minutes: number, remaining: number][]): QuotasHistory =>
    looks.reduce<QuotasHistory>(
      (history, [minutes, remaining]) =>
        learnSample(history, { ...hubPlace, atMs: nowMs + minutes * minute, limit: limit(remaining) }),
      [],
    );

  test('a stretch without change is its two ends', () => {
    expect(learnt([0, 100], [5, 100], [10, 100], [15, 90])[0]?.points).toEqual([
      [nowMs, 100],
      [nowMs + 10 * minute, 100],
      [nowMs + 15 * minute, 90],
    ]);
  });

  test('is bounded, however often it is looked at, and keeps what was used', () => {
    const looks = Array.from({ length: 2_000 }, (_, i): [number, number] => [i / 10, 100_000 - i]);
    const [kept] = learnt(...looks);
    expect(kept?.points.length).toBeLessThanOrEqual(128);
    expect(kept?.points.at(-1)?.[1]).toBe(98_001);
    expect((kept?.points[0]?.[1] ?? 0) - 98_001).toBe(1_999);
  });

  test('is bounded in buckets, and forgets one that nobody has seen for a day', () => {
    const sources = Array.from({ length: 100 }, (_, i) => ({
      ...hubPlace,
      atMs: nowMs + i,
      limit: limit(50, { source: `10.0.0.${i}` }),
    }));
    const history = sources.reduce<QuotasHistory>(learnSample, []);
    expect(history).toHaveLength(24);
    expect(learnSample(history, { ...hubPlace, atMs: nowMs + 25 * hour, limit: limit(1) })).toHaveLength(1);
  });

  test('another source is another bucket, and another limit begins anew', () => {
    const history = learnt([0, 90]);
    const moved = learnSample(history, {
      ...hubPlace,
      atMs: nowMs + minute,
      limit: limit(10, { source: '192.0.2.2' }),
    });
    expect(moved.map(({ source }) => source)).toEqual(['192.0.2.2', '192.0.2.1']);
    const upgraded = learnSample(history, { ...hubPlace, atMs: nowMs + minute, limit: limit(190, { limit: 200 }) });
    expect(upgraded[0]).toMatchObject({ limit: 200, points: [[nowMs + minute, 190]] });
  });

  test('empty headers leave the numbers as they were', () => {
    const history = learnSample(learnt([0, 90]), {
      ...hubPlace,
      atMs: nowMs + minute,
      limit: { windowS: 21_600, source: '192.0.2.1', scope: 'quota' },
    });
    expect(history[0]).toMatchObject({ actual: 'empty', points: [[nowMs, 90]] });
  });

  test('what comes from before, or from nowhere in time, is left out', () => {
    const history = learnt([10, 90]);
    expect(learnSample(history, { ...hubPlace, atMs: nowMs, limit: limit(99) })).toBe(history);
    expect(learnSample(history, { ...hubPlace, atMs: Number.NaN, limit: limit(99) })).toBe(history);
  });

  test('survives a file', () => {
    const history = learnt([0, 100], [15, 90]);
    expect(readQuotas(JSON.parse(JSON.stringify(history)))).toEqual(history);
  });

  test.each([
    null,
    1,
    'x',
    {},
    [null],
    [{}],
    [{ registry: 1 }],
    [{ ...hubPlace, source: '', actual: 'numbers', seenMs: 'now' }],
  ])('%j is nothing', (value) => {
    expect(readQuotas(value)).toEqual([]);
  });

  test.each([null, {}, [1], [[1]], [['a', 2]]])('points of %j are none', (points) => {
    expect(readQuotas([{ ...hubPlace, source: '', actual: 'numbers', seenMs: 1, points }])[0]?.points).toEqual([]);
  });
});
