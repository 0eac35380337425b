/** What tags led to. */
import { describe, expect, test } from 'vitest';
import { emptyNodeHistory, forget, learnReport, readNodeHistory } from '#forecast/history/history.ts';
import type { PullReport } from '#report/report.ts';
import { failing, pulling } from '../../kit/ledger.ts';

const image = 'reg.test/a:1';
const at = (report: PullReport, time: string): PullReport => ({ ...report, at: time });
const led = (digest: string, time: string): PullReport => {
  const report = pulling({ image });
  return at(
    {
      ...report,
      attempts: report.attempts.map((one) =>
        one.ending.is === 'pulled'
          ? { ...one, ending: { ...one.ending, content: { ...one.ending.content, digest } } }
          : one,
      ),
    },
    time,
  );
};
const noon = '2026-03-04T12:00:00.000Z';
const later = '2026-03-04T13:00:00.000Z';

test('a tag that stays is remembered since it was first seen', () => {
  const history = [led('sha256:a', noon), led('sha256:a', later)].reduce(learnReport, emptyNodeHistory);
  expect(history.tags[image]).toEqual({ digest: 'sha256:a', sinceMs: Date.parse(noon), seenMs: Date.parse(later) });
});

test('a tag that moves is remembered since it moved', () => {
  const history = [led('sha256:a', noon), led('sha256:b', later)].reduce(learnReport, emptyNodeHistory);
  expect(history.tags[image]).toEqual({ digest: 'sha256:b', sinceMs: Date.parse(later), seenMs: Date.parse(later) });
});

test('a pull that fails teaches nothing about the tag', () => {
  const fault = { code: 'tcp.refused', address: '10.0.0.1', port: 443 } as const;
  const advice = { cause: 'c', remedy: 'r', owner: 'network' } as const;
  const history = [led('sha256:a', noon), failing({ image, fault, stage: 'tcp', advice })].reduce(
    learnReport,
    emptyNodeHistory,
  );
  expect(history.tags[image]?.digest).toBe('sha256:a');
});

test('what nobody asks for any more is forgotten', () => {
  const history = learnReport(emptyNodeHistory, led('sha256:a', noon));
  expect(forget(history, new Set(['other'])).tags).toEqual({});
  expect(forget(history, new Set([image])).tags).toBe(history.tags);
});

describe('what was kept in a file', () => {
  test('is read as it was written', () => {
    const history = learnReport(emptyNodeHistory, led('sha256:a', noon));
    expect(readNodeHistory(JSON.parse(JSON.stringify(history)))).toEqual(history);
  });

  test.each([
    ['nothing', undefined],
    ['no object', 'tags'],
    ['another version', { version: 2, tags: {} }],
    ['tags that are none', { version: 1, tags: [] }],
    ['a tag without a time', { version: 1, tags: { a: { digest: 'sha256:a' } } }],
    ['a tag of another shape', { version: 1, tags: { a: null, b: 7 } }],
  ])('%s starts anew', (_, value) => {
    expect(readNodeHistory(value)).toEqual(emptyNodeHistory);
  });
});
