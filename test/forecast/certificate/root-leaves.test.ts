/** Roots that are taken away from the node's trusted certificates: foretold while the node still has them. */
import { describe, expect, test } from 'vitest';
import { leavingRoots, type LeavingRoot } from '#forecast/certificate/distrusted-roots.ts';
import type { AnchorFacts } from '#report/rehearsal.ts';
import { rootLeavesBy } from '#forecast/certificate/root-leaves.ts';
import { exchange } from '../../kit/exchanges.ts';
import { factsOf, predicted, session, type FactsSketch } from '../../kit/foreseen.ts';
import { plain } from '../../kit/stage.ts';

const day = 86_400;
const old: LeavingRoot = { sha256: 'a'.repeat(64), name: 'Old Root', since: '2025-04-15', source: 'a programme' };
const older: LeavingRoot = { sha256: 'b'.repeat(64), name: 'Older Root', since: '2024-01-01', source: 'a programme' };
/** The facts are of 2026-03-04, noon. */
const planned = (since: string): LeavingRoot => ({ ...old, since });
const anchor = (of: string, from: AnchorFacts['from'] = 'system'): AnchorFacts => ({
  fingerprint: of.repeat(16),
  subject: `CN=${of}`,
  file: from === 'system' ? '/etc/ssl/certs/ca-certificates.crt' : '/etc/containerd/certs.d/reg.test/ca.crt',
  from,
});
const shown = (anchors: readonly AnchorFacts[] | undefined): FactsSketch => ({
  exchanges: [
    exchange('resolve', 'https://reg.test/v2/', {
      steps: session('reg.test', anchors === undefined ? {} : { anchors }),
    }),
  ],
});
const expected = (rows: readonly LeavingRoot[], sketch: FactsSketch) => rootLeavesBy(rows).evaluate(factsOf(sketch));

describe('root-leaves', () => {
  test('a host that is trusted by a root alone that was taken away', () => {
    const [forecast, ...more] = expected([old], shown([anchor('a')]));
    expect(more).toEqual([]);
    expect(forecast).toMatchObject({
      about: 'reg.test',
      fault: 'tls.untrusted',
      likelihood: 'possible',
      effect: 'fails',
      because:
        'reg.test is trusted only by Old Root in /etc/ssl/certs/ca-certificates.crt, which was taken away on 2025-04-15 (a programme)',
    });
    // The next update may come at any time, and nobody says when.
    expect(forecast?.withinS).toBeUndefined();
  });

  test.each<[string, string, number | undefined]>([
    ['a month ahead', '2026-04-03', 29.5 * day],
    ['a quarter ahead', '2026-06-02', 89.5 * day],
    ['too far ahead', '2026-06-03', undefined],
    ['years ahead', '2028-04-15', undefined],
  ])('one that is to be taken away %s', (_, since, withinS) => {
    const [forecast] = expected([planned(since)], shown([anchor('a')]));
    expect(forecast?.withinS).toBe(withinS);
    if (withinS !== undefined) expect(forecast?.because).toContain(`is to be taken away on ${since}`);
  });

  test.each<[string, readonly LeavingRoot[], readonly AnchorFacts[] | undefined]>([
    ['a root that stays', [older], [anchor('a')]],
    ['another root beside it that stays', [old], [anchor('a'), anchor('c')]],
    ['the same root in a file of its own', [old], [anchor('a', 'rule')]],
    ['the same root in a file of its own beside the bundle', [old], [anchor('a'), anchor('a', 'rule')]],
    ['a connection that nobody verifies', [old], undefined],
    ['no anchor', [old], []],
    ['a day that is none', [planned('soon')], [anchor('a')]],
  ])('%s is no news', (_, rows, anchors) => {
    expect(expected(rows, shown(anchors))).toEqual([]);
  });

  test('of several that all go, the one that goes last counts', () => {
    const [forecast] = expected([old, older], shown([anchor('b'), anchor('a')]));
    expect(forecast?.because).toContain('only by Old Root');
  });

  test('says who would stand in', () => {
    const mirrors = [plain('one.test', { url: 'https://one.test' })];
    expect(expected([old], { ...shown([anchor('a')]), mirrors })[0]?.because).toContain('one.test would stand in');
  });

  test('goes by the list that is known', () => {
    const fingerprint = '4348a0e9444c78cb';
    const [forecast] = predicted('root-leaves', {
      ...shown([{ ...anchor('a'), fingerprint, subject: 'CN=DigiCert Global Root CA' }]),
      now: new Date('2026-06-01T00:00:00Z'),
    });
    expect(forecast?.because).toContain('DigiCert Global Root CA');
  });
});

test('the list names each root once, by a whole SHA-256, with a day and a source', () => {
  const wrong = leavingRoots.filter(
    ({ sha256, name, since, source }) =>
      !/^[0-9a-f]{64}$/.test(sha256) || name.trim() === '' || !/^\d{4}-\d\d-\d\d$/.test(since) || source === '',
  );
  expect(wrong).toEqual([]);
  expect(new Set(leavingRoots.map(({ sha256 }) => sha256.slice(0, 16))).size).toBe(leavingRoots.length);
  expect(leavingRoots.every(({ since }) => !Number.isNaN(Date.parse(since)))).toBe(true);
});
