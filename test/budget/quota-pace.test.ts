import { describe, expect, test } from 'vitest';
import type { QuotaSeries } from '#report/quota.ts';
import { bucketsOf, dueAtMs, type LastSample } from '#budget/quota-pace.ts';
import { hubPlace, hubQuota } from '../kit/hub-quota.ts';

const nowMs = Date.parse('2026-03-04T12:00:00.000Z');
const minute = 60_000;
const seen = (points: readonly (readonly [number, number])[]): QuotaSeries => hubQuota(nowMs, points);

describe('the next look at a bucket is due', () => {
  const readView = (ended: LastSample['ended']): LastSample => ({ ...hubPlace, atMs: nowMs, ended });
  test.each<[string, QuotaSeries[], LastSample[], number]>([
    ['at once where nobody has looked', [], [], Number.NEGATIVE_INFINITY],
    ['in a quarter of an hour where more than four fifths are left', [seen([[0, 81]])], [], 15],
    ['in five minutes where less are', [seen([[0, 80]])], [], 5],
    [
      'in a minute where none will be left within the hour',
      [
        seen([
          [60, 90],
          [0, 30],
        ]),
      ],
      [readView('reported')],
      1,
    ],
    ['in an hour where the account has no limit', [], [readView('reported_nothing')], 60],
    ['in an hour where nothing leads there', [], [readView('unreachable')], 60],
    ['in five minutes where it was refused', [], [readView('refused')], 5],
  ])('%s', (_, quotas, samples, minutes) => {
    const dueMs = dueAtMs(hubPlace, { quotas, samples }, nowMs);
    if (minutes < 0) expect(dueMs).toBeLessThanOrEqual(nowMs);
    else expect(dueMs).toBe(nowMs + minutes * minute);
  });

  test('another family, account or registry tells nothing of it', () => {
    const others = [{ family: 'ipv6' }, { account: 'ci' }, { registry: 'mirror.test' }] as const;
    const quotas = others.map((other) => ({ ...seen([[0, 81]]), ...other }));
    expect(dueAtMs(hubPlace, { quotas, samples: [] }, nowMs)).toBeLessThanOrEqual(nowMs);
  });
});

test.each([
  ['anonymous', false, ['ipv4', 'ipv6']],
  ['anonymous', true, ['proxy']],
  ['ci', false, ['any']],
  ['ci', true, ['any']],
])('%s, proxied %s, is counted by %j', (account, isProxied, families) => {
  expect(bucketsOf(account, isProxied).map(({ family }) => family)).toEqual(families);
});
