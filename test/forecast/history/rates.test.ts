/** How fast hosts sent. */
import { describe, expect, test } from 'vitest';
import { learnRates, rateAt, readRates, type RatesHistory } from '#forecast/history/rates.ts';
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
    attempts: report.attempts.map((attempt) => ({ ...attempt, exchanges: [one] })),
  };
};

test('the last sample of each host counts, for a day', () => {
  const history = [timed('a.test', 5000), timed('b.test', 9000), timed('a.test', 7000, noon + 1)].reduce(
    learnRates,
    {},
  );
  expect(rateAt(history, 'a.test', noon)?.bytesPerS).toBe(7277);
  expect(rateAt(history, 'b.test', noon + 86_400_000)).toBeDefined();
  expect(rateAt(history, 'b.test', noon + 86_400_001)).toBeUndefined();
  expect(rateAt(history, 'constructor', noon)).toBeUndefined();
});

test('a report without a sample changes nothing', () => {
  const history: RatesHistory = {};
  expect(learnRates(history, pulling({ image: 'reg.test/a:1' }))).toBe(history);
});

test('hosts without end are not remembered', () => {
  const reports = Array.from({ length: 80 }, (_, i) => timed(`h${i}.test`, 5000, noon + i));
  const history = reports.reduce(learnRates, {});
  expect(Object.keys(history)).toHaveLength(50);
  expect(history['h79.test']).toBeDefined();
});

describe('what was kept in a file', () => {
  test('is read as it was written', () => {
    const history = learnRates({}, timed('a.test', 5000));
    expect(readRates(JSON.parse(JSON.stringify(history)))).toEqual(history);
  });

  test.each([[undefined], [[]], ['x'], [{ a: 1 }], [{ a: { atMs: 1, bytesPerS: 1, waitMs: 1, isLimited: 'yes' } }]])(
    'and is no such thing is nothing: %j',
    (value) => {
      expect(readRates(value)).toEqual({});
    },
  );
});
