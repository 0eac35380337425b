/** Clocks that are wrong, and clocks that will be. */
import { describe, expect, test } from 'vitest';
import { learnReport, emptyNodeHistory, readNodeHistory } from '#forecast/history/history.ts';
import { aheadOf, type ClockHistory } from '#forecast/history/clock.ts';
import type { Exchange } from '#report/rehearsal.ts';
import { exchange, good } from '../kit/exchanges.ts';
import { predicted, minuteMs, noon } from '../kit/foreseen.ts';
import { pulling } from '../kit/ledger.ts';

const hour = 60 * minuteMs;
const logged = (clockAheadS: number, host = 'reg.test'): Exchange =>
  exchange('layer', `https://${host}/`, { outcome: good({ status: 200, bytes: 0, clockAheadS }) });
const found = (exchanges: readonly Exchange[], clock: ClockHistory = []) =>
  predicted('clock-skews', { exchanges, history: { clock } });
/** One sample an hour until an hour ago. */
const samples = (...aheads: readonly number[]): ClockHistory =>
  aheads.map((aheadS, i) => ({ atMs: noon.getTime() - (aheads.length - i) * hour, aheadS }));

describe('a clock', () => {
  test('is held against the middle of what all hosts say, however often one says it', () => {
    expect(found([logged(250, 'a'), logged(251, 'b'), logged(249, 'c')])[0]?.because).toContain(
      "250 s ahead of this node's",
    );
    expect(found([logged(-250)])[0]?.because).toContain("250 s behind this node's");
    expect(found([logged(0, 'a'), logged(0, 'b'), logged(999, 'c'), logged(999, 'c'), logged(999, 'c')])).toEqual([]);
    expect(found([])).toEqual([]);
  });

  test.each([
    [239, []],
    [241, [{ likelihood: 'possible', fault: 'tls.not_yet_valid' }]],
    [301, [{ likelihood: 'likely', withinS: 0 }]],
    [-301, [{ likelihood: 'likely', fault: 'tls.expired' }]],
  ] as const)('that is %d s off', (ahead, forecasts) => {
    expect(found([logged(ahead)])).toMatchObject(forecasts);
  });
});

describe('a drift', () => {
  test('of 20 s an hour from 160 reaches five minutes within seven hours', () => {
    const [forecast] = found([logged(160)], samples(80, 100, 120, 140));
    expect(forecast).toMatchObject({ likelihood: 'likely', withinS: 7 * 3600, fault: 'tls.not_yet_valid' });
    expect(forecast?.assuming).toBe('it continues to drift by 480 s a day');
  });

  test('that is slower is possible', () => {
    expect(found([logged(60)], samples(50, 52, 54, 57))).toMatchObject([{ likelihood: 'possible' }]);
  });

  test.each([
    ['the seconds that Date headers leave out', 1, samples(0, 1, 0, 1, 0, 1)],
    ['one registry that was wrong once', 0, samples(0, 0, 200, 0, 0)],
    ['a clock on its way back', 20, samples(100, 80, 60, 40)],
    ['too few samples', 160, samples(80, 120)],
    [
      'too short a time',
      160,
      samples(80, 100, 120, 140).map((one, i) => ({ ...one, atMs: noon.getTime() - i * minuteMs })),
    ],
    ['months away', 10, samples(4, 5, 7, 8)],
  ])('is none: %s', (_, ahead, clock) => {
    expect(found([logged(ahead)], clock).filter(({ assuming }) => assuming !== undefined)).toEqual([]);
  });

  test('is measured in seconds a day', () => {
    const [forecast] = found([logged(40)], samples(0, 10, 20, 30));
    expect(forecast?.assuming).toBe('it continues to drift by 240 s a day');
  });
});

describe('what is remembered', () => {
  const report = (minutes: number, ahead: number) => {
    const made = pulling({ image: 'reg.test/a:1' });
    const attempts = made.attempts.map((one) => ({ ...one, exchanges: [logged(ahead)] }));
    return { ...made, at: new Date(noon.getTime() + minutes * minuteMs).toISOString(), attempts };
  };

  test('is one sample in half an hour', () => {
    const history = [report(0, 1), report(5, 2), report(29, 3), report(30, 4)].reduce(learnReport, emptyNodeHistory);
    expect(history.clock.map(({ aheadS }) => aheadS)).toEqual([1, 4]);
  });

  test('is a day', () => {
    const history = Array.from({ length: 100 }, (_, n) => report(n * 30, n)).reduce(learnReport, emptyNodeHistory);
    expect(history.clock).toHaveLength(48);
  });

  test('is read as it was written, and anything else is nothing', () => {
    const history = learnReport(emptyNodeHistory, report(0, 5));
    expect(readNodeHistory(JSON.parse(JSON.stringify(history))).clock).toEqual(history.clock);
    expect(readNodeHistory({ version: 1, clock: [null, { atMs: 'x', aheadS: 1 }, { atMs: 1 }] }).clock).toEqual([]);
    expect(readNodeHistory({ version: 1, clock: {} }).clock).toEqual([]);
  });

  test('no answer is no clock', () => {
    expect(aheadOf([exchange('layer', 'https://x/', { outcome: good({ status: 200, bytes: 0 }) })])).toBeUndefined();
  });
});
