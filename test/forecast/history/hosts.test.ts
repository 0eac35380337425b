/** What hosts did. */
import { describe, expect, test } from 'vitest';
import { emptyNodeHistory, learnReport, readNodeHistory, type NodeHistory } from '#forecast/history/history.ts';
import { bare, hostOf, type HostHistory } from '#forecast/history/hosts.ts';
import { downSinceMs } from '#forecast/history/tries.ts';
import type { Evidence, Exchange, Step, TlsFacts } from '#report/rehearsal.ts';
import type { PullReport } from '#report/report.ts';
import { exchange, good, opened } from '../../kit/exchanges.ts';
import { pulling } from '../../kit/ledger.ts';

const minute = (n: number): number => Date.parse('2026-03-04T12:00:00.000Z') + n * 60_000;
const report = (n: number, exchanges: readonly Exchange[], evidence: readonly Evidence[] = []): PullReport => {
  const made = pulling({ image: 'reg.test/a:1' });
  const attempts = made.attempts.slice(0, 1).map((one) => ({ ...one, exchanges }));
  return { ...made, at: new Date(minute(n)).toISOString(), attempts, evidence };
};
const learned = (...reports: readonly PullReport[]): NodeHistory => reports.reduce(learnReport, emptyNodeHistory);
const refused = { ok: false, fault: { code: 'tcp.refused', address: '10.4.0.7', port: 443 } } as const;
const get = (over: Partial<Exchange> = {}): Exchange => exchange('resolve', 'https://reg.test:5000/v2/', over);
const known = (history: NodeHistory, host = 'reg.test'): HostHistory | undefined => history.hosts[host];

describe('a host', () => {
  test('is remembered by name, with its addresses and since when', () => {
    const history = learned(
      report(0, [get({ steps: opened('reg.test', 0) })]),
      report(5, [get({ steps: opened('reg.test', 0) })]),
    );
    expect(known(history)).toMatchObject({
      firstMs: minute(0),
      seenMs: minute(5),
      addresses: { '10.4.0.7': { firstMs: minute(0), seenMs: minute(5) } },
      requests: { good: 2, lastGoodMs: minute(5), bad: [] },
    });
  });

  test('that fails now and then is known by its falls, and its failures outlive successes', () => {
    const days = Array.from({ length: 40 }, (_, n) => report(n, [get(n % 10 === 9 ? { outcome: refused } : {})]));
    expect(known(learned(...days))?.requests).toMatchObject({
      good: 36,
      bad: [9, 19, 29, 39].map(minute),
      falls: [9, 19, 29, 39].map(minute),
      fault: 'tcp.refused',
    });
  });

  test('is down since the first failure after the last success', () => {
    const history = learned(
      report(0, [get()]),
      report(1, [get({ outcome: refused })]),
      report(2, [get({ outcome: refused })]),
    );
    expect(downSinceMs(known(history)?.requests ?? { good: 0, bad: [], falls: [] })).toBe(minute(1));
    expect(
      downSinceMs(known(learned(report(0, [get()])))?.requests ?? { good: 0, bad: [1], falls: [] }),
    ).toBeUndefined();
  });

  test('that says 500 is there and does not work', () => {
    const history = learned(report(0, [get({ outcome: good({ status: 503, bytes: 0 }) })]));
    expect(known(history)?.requests).toMatchObject({ bad: [minute(0)], fault: 'api.unavailable' });
  });

  test('connections are counted by family, and timed where they came to be', () => {
    const tcp = (address: string, ms: number, up = true): Step => ({
      step: 'tcp',
      target: 'reg.test:443',
      startMs: 0,
      ms,
      outcome: up ? good({ address, port: 443 }) : { ok: false, fault: { ...refused.fault, address } },
    });
    const steps = [tcp('2001:db8::1', 1, false), tcp('10.4.0.7', 10), tcp('10.4.0.8', 30), tcp('10.4.0.9', 20)];
    const history = learned(report(0, [get({ steps })]));
    expect(known(history)).toMatchObject({ v4: { good: 3 }, v6: { good: 0, bad: [minute(0)], fault: 'tcp.refused' } });
    expect(known(history)?.dialsMs).toEqual([10, 30, 20]);
  });

  test('addresses judged for themselves count too', () => {
    const judged: Evidence = { of: 'address', host: 'reg.test', target: '[2001:db8::1]:443', ms: 1, outcome: refused };
    expect(known(learned(report(0, [], [judged])))).toMatchObject({ v6: { bad: [minute(0)] } });
  });

  test('no more are kept than the bound, and the longest unseen go first', () => {
    const crowd = Array.from({ length: 450 }, (_, n) => report(n, [exchange('layer', `https://h${n}.test/`)]));
    const history = learned(...crowd);
    expect(Object.keys(history.hosts)).toHaveLength(400);
    expect(history.hosts['h49.test']).toBeUndefined();
    expect(history.hosts['h50.test']).toBeDefined();
  });
});

describe('a certificate', () => {
  const day = 1440;
  const leaf = (fingerprint: string, from: number, to: number): NonNullable<TlsFacts['leaf']> => ({
    fingerprint,
    notBefore: new Date(minute(from * day)).toISOString(),
    notAfter: new Date(minute(to * day)).toISOString(),
  });
  const shown = (onDay: number, one: NonNullable<TlsFacts['leaf']>): PullReport => {
    const steps = opened('reg.test', 0).map((step) =>
      step.step === 'tls' && step.outcome.ok ? { ...step, outcome: good({ ...step.outcome.value, leaf: one }) } : step,
    );
    return report(onDay * day, [get({ steps })]);
  };

  test('that is replaced tells how long before its end that was', () => {
    const history = learned(shown(0, leaf('a', 0, 90)), shown(60, leaf('b', 60, 150)), shown(121, leaf('c', 120, 210)));
    expect(known(history)?.certificate).toMatchObject({
      fingerprint: 'c',
      notAfterMs: minute(210 * day),
      renewedWithS: [30 * 86_400, 30 * 86_400],
    });
  });

  test('of two servers of one host, one not renewed, is the later one, and no rhythm', () => {
    const [old, fresh] = [leaf('a', 0, 90), leaf('b', 60, 150)];
    const history = learned(shown(60, old), shown(61, fresh), shown(62, old), shown(63, fresh), shown(64, old));
    expect(known(history)?.certificate).toMatchObject({ fingerprint: 'b', renewedWithS: [30 * 86_400] });
  });

  test('that an older drypull wrote down is read, and what is none is not', () => {
    const history = learned(shown(0, leaf('a', 0, 90)));
    expect(readNodeHistory(JSON.parse(JSON.stringify(history)))).toEqual(history);
    const bad = {
      version: 1,
      hosts: { 'reg.test': { firstMs: 1, seenMs: 2, certificate: { fingerprint: 7 } }, b: null },
    };
    expect(readNodeHistory(bad).hosts).toEqual({
      'reg.test': {
        firstMs: 1,
        seenMs: 2,
        addresses: {},
        dialsMs: [],
        requests: { good: 0, bad: [], falls: [] },
        v4: { good: 0, bad: [], falls: [] },
        v6: { good: 0, bad: [], falls: [] },
      },
    });
  });
});

test.each([
  ['https://reg.test/v2/', 'reg.test'],
  ['https://reg.test:5000/v2/', 'reg.test'],
  ['https://user@reg.test/', 'reg.test'],
  ['http://[2001:db8::1]:5000/v2/', '2001:db8::1'],
  ['no url', ''],
])('the host of %s is %s', (url, host) => {
  expect(hostOf(url)).toBe(host);
});

test.each([
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::1'],
  ['reg.test:443', 'reg.test'],
  ['reg.test', 'reg.test'],
])('%s without its port is %s', (authority, host) => {
  expect(bare(authority)).toBe(host);
});
