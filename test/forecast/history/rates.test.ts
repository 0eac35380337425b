/** How fast hosts sent. */
import { describe, expect, test } from 'vitest';
import { learnRates, rateAt, readRates, type RatesPast } from '#forecast/history/rates.ts';
import type { PullReport } from '#report/report.ts';
import { exchange, good } from '../../kit/exchanges.ts';
import { pulling } from '../../kit/ledger.ts';

const noon = Date.parse('2026-03-04T12:00:00Z');
const timed = (host: string, bodyMs: number, atMs = noon): PullReport => {
  const report = pulling({ image: 'reg.test/a:1' });
  const one = exchange('layer', `https://${host}/x`, {
    ms: bodyMs,
    outcome: good({ status: 206, bytes: 65_536, bodyMs }),
  });
  return {
    ...report,
    at: new Date(atMs).toISOString(),
    performances: report.performances.map((performance) => ({ ...performance, exchanges: [one] })),
  };
};

test('the last sample of each host counts, for a day', () => {
  const past = [timed('a.test', 5000), timed('b.test', 9000), timed('a.test', 7000, noon + 1)].reduce(learnRates, {});
  expect(rateAt(past, 'a.test', noon)?.bytesPerS).toBe(7277);
  expect(rateAt(past, 'b.test', noon + 86_400_000)).toBeDefined();
  expect(rateAt(past, 'b.test', noon + 86_400_001)).toBeUndefined();
  expect(rateAt(past, 'constructor', noon)).toBeUndefined();
});

test('a report without a sample changes nothing', () => {
  const past: RatesPast = {};
  expect(learnRates(past, pulling({ image: 'reg.test/a:1' }))).toBe(past);
});

test('hosts without end are not remembered', () => {
  const reports = Array.from({ length: 80 }, (_, i) => timed(`h${i}.test`, 5000, noon + i));
  const past = reports.reduce(learnRates, {});
  expect(Object.keys(past)).toHaveLength(50);
  expect(past['h79.test']).toBeDefined();
});

describe('what was kept in a file', () => {
  test('is read as it was written', () => {
    const past = learnRates({}, timed('a.test', 5000));
    expect(readRates(JSON.parse(JSON.stringify(past)))).toEqual(past);
  });

  test.each([[undefined], [[]], ['x'], [{ a: 1 }], [{ a: { atMs: 1, bytesPerS: 1, waitMs: 1, isLimited: 'yes' } }]])(
    'and is no such thing is nothing: %j',
    (value) => {
      expect(readRates(value)).toEqual({});
    },
  );
});
