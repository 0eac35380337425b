import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { History, PastOutcome } from '#report/verdict-history.ts';
import { emptyHistory, failuresInRow, remember, timeline, trim, outcomeOf } from '#report/verdict-history.ts';
import { reports } from '../kit/ledger.ts';

const ok = (atMs: number): PastOutcome => ({ atMs, ms: 10, is: 'pulls' });
const refused = (atMs: number): PastOutcome => ({ atMs, ms: 10, is: 'fails', fault: 'tcp.refused', stage: 'tcp' });
const denied = (atMs: number): PastOutcome => ({ atMs, ms: 10, is: 'fails', fault: 'auth.denied', stage: 'auth' });

function lived(count: readonly PastOutcome[], keep = 32): History {
  return count.reduce((history, outcome) => remember(history, outcome, keep), emptyHistory);
}

describe('remember', () => {
  test('a month of the same verdict is one span', () => {
    const history = lived(Array.from({ length: 9000 }, (_, at) => ok(at)));
    expect(history.spans).toEqual([{ fromMs: 0, toMs: 8999, count: 9000, is: 'pulls' }]);
    expect(history.recent).toHaveLength(32);
    expect(history.count).toBe(9000);
  });

  test('a verdict stands since it changed, not since its cause changed', () => {
    const history = lived([ok(1), refused(2), denied(3), refused(4)]);
    expect(history.sinceMs).toBe(2);
    expect(history.spans.map(({ fault }) => fault)).toEqual([undefined, 'tcp.refused', 'auth.denied', 'tcp.refused']);
  });

  test('a verdict stands since it changed also when the spans of that time were forgotten', () => {
    const flapping = Array.from({ length: 50 }, (_, at) => (at % 2 === 0 ? refused(at + 2) : denied(at + 2)));
    const history = lived([ok(1), ...flapping], 4);
    expect(history.spans[0]?.fromMs).toBeGreaterThan(40);
    expect(history.sinceMs).toBe(2);
  });

  test('failures outlive successes when room is needed', () => {
    const history = lived([ok(1), refused(2), ok(3), denied(4), ok(5), refused(6)], 3);
    expect(history.spans.map(({ is }) => is)).toEqual(['fails', 'fails', 'fails']);
  });

  test('the present verdict is never forgotten', () => {
    expect(lived([refused(1), ok(2)], 1).spans).toEqual([{ fromMs: 2, toMs: 2, count: 1, is: 'pulls' }]);
  });

  test('a clock that was set back makes no span overlap', () => {
    const history = lived([ok(100), refused(50), ok(60)]);
    expect(history.spans.map(({ fromMs }) => fromMs)).toEqual([100, 100, 100]);
  });

  test('an unreadable time is taken as the present one', () => {
    expect(lived([ok(100), refused(Number.NaN)]).sinceMs).toBe(100);
    expect(lived([refused(Number.NaN)]).sinceMs).toBe(0);
  });

  test('whatever happens, memory stays within its bound and nothing throws', () => {
    const outcome = fc.oneof(fc.integer().map(ok), fc.integer().map(refused), fc.integer().map(denied));
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 60 }), fc.integer({ min: -2, max: 8 }), (count, keep) => {
        const history = lived(count, keep);
        expect(history.spans.length).toBeLessThanOrEqual(Math.max(1, keep));
        expect(history.recent.length).toBeLessThanOrEqual(Math.max(1, keep));
        expect(history.count).toBe(count.length);
        const drawn = timeline(history, Number.MAX_SAFE_INTEGER);
        for (const [index, stretch] of drawn.entries()) {
          expect(stretch.toMs).toBeGreaterThanOrEqual(stretch.fromMs);
          expect(drawn[index + 1]?.fromMs ?? stretch.toMs).toBe(stretch.toMs);
        }
      }),
    );
  });
});

describe('trim', () => {
  test('a smaller bound is applied at once', () => {
    const history = trim(lived([ok(1), refused(2), ok(3), refused(4)]), 2);
    expect(history.spans.map(({ fromMs }) => fromMs)).toEqual([2, 4]);
    expect(history.recent.map(({ atMs }) => atMs)).toEqual([3, 4]);
    expect(history.count).toBe(4);
  });
});

describe('timeline', () => {
  test('each stretch lasts until the next begins, the present one until now', () => {
    expect(timeline(lived([ok(10), ok(20), refused(30)]), 100)).toEqual([
      { fromMs: 10, toMs: 30, is: 'pulls' },
      { fromMs: 30, toMs: 100, is: 'fails', fault: 'tcp.refused', stage: 'tcp' },
    ]);
  });

  test('what was forgotten between two failures is said', () => {
    const drawn = timeline(lived([refused(1), refused(2), ok(3), denied(4)], 2), 9);
    expect(drawn.map(({ fromMs, toMs, is }) => [fromMs, toMs, is])).toEqual([
      [1, 2, 'fails'],
      [2, 4, 'forgotten'],
      [4, 9, 'fails'],
    ]);
  });

  test('an empty memory has no timeline', () => {
    expect(timeline(emptyHistory, 5)).toEqual([]);
  });
});

describe('failuresInRow', () => {
  test.each<[string, readonly PastOutcome[], number]>([
    ['nothing happened', [], 0],
    ['the last one pulled', [refused(1), ok(2)], 0],
    ['two failed since the last success', [ok(1), refused(2), denied(3)], 2],
    ['unknown is not a success', [ok(1), { atMs: 2, ms: 0, is: 'unknown', fault: 'agent.bug', stage: 'plan' }], 1],
    ['at risk is a success', [refused(1), { atMs: 2, ms: 0, is: 'at_risk', fault: 'tls.expired' }], 0],
  ])('%s', (_, outcomes, count) => {
    expect(failuresInRow(lived(outcomes))).toBe(count);
  });
});

describe('turnOf', () => {
  test('keeps the verdict, its cause and its stage, and no more', () => {
    expect(outcomeOf(reports.refused)).toEqual({
      atMs: Date.parse(reports.refused.at),
      ms: reports.refused.ms,
      is: 'fails',
      fault: 'tcp.refused',
      stage: 'tcp',
    });
    expect(outcomeOf(reports.pulls)).toEqual({ atMs: Date.parse(reports.pulls.at), ms: reports.pulls.ms, is: 'pulls' });
    expect(outcomeOf(reports.atRisk)).toMatchObject({ is: 'at_risk', fault: 'tls.expired' });
  });
});
