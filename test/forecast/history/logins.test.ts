import { describe, expect, test } from 'vitest';
import { learnLimits, readLimits } from '#forecast/history/limits.ts';
import { learnLogins, readLogins, type LoginsHistory } from '#forecast/history/logins.ts';
import { forgetRefusedLogins, learnRefusedLogin, readRefusedLogins } from '#forecast/history/refused-logins.ts';
import { emptyNodeHistory, learnReport, readNodeHistory } from '#forecast/history/history.ts';
import type { PullReport } from '#report/report.ts';
import { exchange, good } from '../../kit/exchanges.ts';
import { failing, pulling } from '../../kit/ledger.ts';

const nowMs = Date.parse('2026-03-04T12:00:00.000Z');
const hour = 3_600_000;

function withLogin(endsMs: number, atMs: number, as = 'pull secret shop/ecr, key reg.test, user AWS'): PullReport {
  const report = pulling({ image: 'reg.test/a:1' });
  const login = { as, user: 'AWS', endsAt: new Date(endsMs).toISOString() };
  if (report.plan === undefined) throw new Error('the kit draws no plan');
  return { ...report, at: new Date(atMs).toISOString(), plan: { ...report.plan, logins: [login] } };
}

const learnt = (...reports: readonly PullReport[]): LoginsHistory => reports.reduce(learnLogins, {});
const only = (logins: LoginsHistory): LoginsHistory[string] | undefined => Object.values(logins)[0];

describe('what is remembered of logins that end', () => {
  test('since when one is there, and how much life was left when it was renewed', () => {
    const renewed = learnt(withLogin(nowMs + 4 * hour, nowMs), withLogin(nowMs + 12 * hour, nowMs + hour));
    expect(only(renewed)).toEqual({
      endsMs: nowMs + 12 * hour,
      sinceMs: nowMs + hour,
      seenMs: nowMs + hour,
      leftMs: [3 * hour],
    });
  });

  test('a renewal that came too late is below zero, an older content none', () => {
    expect(only(learnt(withLogin(nowMs, nowMs), withLogin(nowMs + 12 * hour, nowMs + hour)))?.leftMs).toEqual([-hour]);
    expect(only(learnt(withLogin(nowMs + 2 * hour, nowMs), withLogin(nowMs + hour, nowMs + 1)))?.leftMs).toEqual([]);
  });

  test('is bounded, and forgets what nobody has seen for a month', () => {
    const many = Array.from({ length: 700 }, (_, i) => withLogin(nowMs + hour, nowMs + i, `login ${i}`));
    const full = learnt(...many);
    expect(Object.keys(full)).toHaveLength(500);
    expect(Object.keys(learnLogins(full, withLogin(nowMs + 800 * hour, nowMs + 31 * 24 * hour, 'new')))).toEqual([
      'new',
    ]);
    const often = Array.from({ length: 20 }, (_, i) => withLogin(nowMs + (12 + i) * hour, nowMs + i * hour));
    expect(only(learnt(...often))?.leftMs).toHaveLength(4);
  });

  test('nothing is remembered of a login that does not end', () => {
    const history = {};
    expect(learnLogins(history, pulling({ image: 'a' }))).toBe(history);
  });
});

describe('what is remembered of refused logins', () => {
  const fault = {
    code: 'auth.rejected',
    host: 'auth.docker.io',
    as: 'secret, user ci',
    status: 401,
    message: '',
  } as const;
  const advice = { cause: '', remedy: '', owner: 'credentials' } as const;
  const refusing = (over: Partial<PullReport> = {}): PullReport => {
    const tries = [401, 401].map((status) =>
      exchange('token', 'u', { as: fault.as, outcome: good({ status, bytes: 0 }) }),
    );
    const report = failing({
      image: 'team/app:1',
      registry: 'docker.io',
      fault,
      stage: 'auth',
      advice,
      exchanges: tries,
    });
    const requestedBy = [{ kind: 'Pod', namespace: 'shop', name: 'web', part: 'container web' }];
    if (report.plan === undefined) throw new Error('the kit draws no plan');
    const plan = { ...report.plan, logins: [{ as: fault.as, user: 'ci' }] };
    return { ...report, at: new Date(nowMs).toISOString(), requestedBy, plan, ...over };
  };

  test('whose it is, since when, for how many containers, and what a try costs', () => {
    const first = learnRefusedLogin({}, refusing());
    const known = { image: 'team/app:1', account: 'ci', sinceMs: nowMs, containers: 1, perTry: 2 };
    expect(first).toEqual({ 'team/app:1': known });
    // It is not presented again: the next report holds no failed login.
    const later = refusing({ at: new Date(nowMs + hour).toISOString(), attempts: [] });
    expect(learnRefusedLogin(first, later)).toEqual(first);
  });

  test('until it pulls, or nobody asks for it', () => {
    const first = learnRefusedLogin({}, refusing());
    expect(learnRefusedLogin(first, pulling({ image: 'team/app:1', registry: 'docker.io' }))).toEqual({});
    expect(forgetRefusedLogins(first, new Set())).toEqual({});
    expect(forgetRefusedLogins(first, new Set(['team/app:1']))).toBe(first);
  });

  test.each<[string, Partial<PullReport>]>([
    ['another registry', { registry: 'quay.io' }],
    ['an image that is on the node', { present: 'yes', policy: 'IfNotPresent' }],
    ['an image that no container waits for', { requestedBy: [] }],
  ])('not of %s', (_, over) => {
    expect(learnRefusedLogin({}, refusing(over))).toEqual({});
  });

  test('with Always the kubelet asks for an image that is there as well', () => {
    expect(Object.keys(learnRefusedLogin({}, refusing({ present: 'yes', policy: 'Always' })))).toHaveLength(1);
  });

  test('no more than two hundred', () => {
    const all = Array.from({ length: 300 }, (_, i) => refusing({ id: `${i}` })).reduce(learnRefusedLogin, {});
    expect(Object.keys(all)).toHaveLength(200);
  });
});

describe('what is remembered of other limits', () => {
  const limited = (scope: 'burst' | 'unknown', registry: string): PullReport =>
    failing({
      image: `${registry}/a:1`,
      registry,
      fault: { code: 'api.rate_limited', host: registry, status: 429, message: '', limit: { scope, retryAfterS: 60 } },
      stage: 'api',
      advice: { cause: '', remedy: '', owner: 'registry' },
    });

  test('the last of each registry, as far as it said', () => {
    const report = { ...limited('burst', 'quay.io'), at: new Date(nowMs).toISOString() };
    expect(learnLimits({}, report)).toEqual({ 'quay.io': { scope: 'burst', atMs: nowMs, retryAfterS: 60 } });
  });

  test('no more than 32, and nothing of what pulls', () => {
    const all = Array.from({ length: 50 }, (_, i) => limited('unknown', `r${i}.test`)).reduce(learnLimits, {});
    expect(Object.keys(all)).toHaveLength(32);
    const history = {};
    expect(learnLimits(history, pulling({ image: 'a' }))).toBe(history);
  });
});

describe('what a file holds', () => {
  const history = [withLogin(nowMs + hour, nowMs)].reduce(learnReport, emptyNodeHistory);

  test('is read as it was written', () => {
    expect(readNodeHistory(JSON.parse(JSON.stringify(history)))).toEqual(history);
  });

  test.each([null, 1, 'x', [], { a: null }, { a: 1 }, { a: { endsMs: 'soon' } }, { a: { scope: 'much', image: 1 } }])(
    '%j is nothing',
    (value) => {
      expect([readLogins(value), readRefusedLogins(value), readLimits(value)]).toEqual([{}, {}, {}]);
    },
  );
});
