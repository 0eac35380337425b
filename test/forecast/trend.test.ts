import { describe, expect, test } from 'vitest';
import { agreementOf, crossingOf, median, type Point } from '#forecast/trend.ts';

const every = (minutes: number, values: readonly number[]): readonly Point[] =>
  values.map((value, i) => ({ atMs: i * minutes * 60_000, value }));

test('on a line both tell the same moment', () => {
  expect(crossingOf(every(1, [100, 90, 80, 70, 60]), 10)).toEqual({ linearS: 300, robustS: 300 });
  expect(agreementOf({ linearS: 300, robustS: 300 })).toBe(1);
});

test('one wild point moves least squares and not the median of slopes', () => {
  const crossing = crossingOf(every(1, [100, 99, 98, 97, 96, 20]), 10);
  expect(crossing.robustS).toBeGreaterThan(4000);
  expect(crossing.linearS).toBeLessThan(400);
  expect(agreementOf(crossing)).toBeLessThan(0.2);
});

test.each([
  ['that rises', [1, 2, 3, 4]],
  ['that stands', [5, 5, 5, 5]],
  ['of too few points', [9, 5, 1]],
  ['of none', []],
])('a series %s crosses nothing', (_, values) => {
  expect(crossingOf(every(1, values), 0)).toEqual({ linearS: undefined, robustS: undefined });
});

test('points of one moment have no course', () => {
  expect(crossingOf(every(0, [4, 3, 2, 1]), 0)).toEqual({ linearS: undefined, robustS: undefined });
});

test('a line that is below already crosses now', () => {
  expect(crossingOf(every(1, [5, 4, 3, 2]), 3)).toEqual({ linearS: 0, robustS: 0 });
});

describe('the median', () => {
  test.each([
    [[], undefined],
    [[3], 3],
    [[9, 1, 5], 5],
    [[4, 1, 3, 2], 2.5],
  ])('of %j is %s', (values, expected) => {
    expect(median(values)).toBe(expected);
  });
});
