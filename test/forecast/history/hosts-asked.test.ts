/** What is remembered of hosts: those that serve blobs, and when each host answered. */
import { describe, expect, test } from 'vitest';
import type { Exchange } from '#report/rehearsal.ts';
import type { PullReport } from '#report/report.ts';
import { blobSamples, learnBlobHosts } from '#forecast/history/blob-hosts.ts';
import { learnRoutes, spansOf, type RoutesHistory } from '#forecast/history/routes.ts';
import { exchange, good } from '../../kit/exchanges.ts';
import { now, pulling } from '../../kit/ledger.ts';

const minute = 60_000;
const refused = { ok: false, fault: { code: 'tcp.refused', address: '10.0.0.9', port: 443 } } as const;
const ours = { ok: false, fault: { code: 'agent.out_of_time', step: 'tcp', afterMs: 1 } } as const;
const status = (code: number) => good({ status: code, bytes: 0 });

function report(exchanges: readonly Exchange[], atMs = now): PullReport {
  const healthy = pulling({ image: 'reg.test/a:1', registry: 'reg.test' });
  const attempts = healthy.attempts.map((attempt) => ({ ...attempt, exchanges }));
  return { ...healthy, at: new Date(atMs).toISOString(), attempts };
}

describe('a request for a blob', () => {
  const cdn = 'https://cdn.test/blob';
  test.each<readonly [string, Exchange, unknown]>([
    ['that is served', exchange('layer', cdn), [{ host: 'cdn.test' }]],
    ['in part', exchange('config', cdn, { outcome: status(206) }), [{ host: 'cdn.test' }]],
    [
      'that is refused a connection',
      exchange('layer', cdn, { outcome: refused }),
      [{ host: 'cdn.test', fault: 'tcp.refused' }],
    ],
    [
      'that is forbidden',
      exchange('layer', cdn, { outcome: status(403) }),
      [{ host: 'cdn.test', fault: 'blob.denied' }],
    ],
    [
      'that finds the host ill',
      exchange('layer', cdn, { outcome: status(503) }),
      [{ host: 'cdn.test', fault: 'blob.unavailable' }],
    ],
    ['that is sent on', exchange('layer', cdn, { outcome: status(307) }), []],
    ['that must log in', exchange('layer', cdn, { outcome: status(401) }), []],
    ['for what another host has', exchange('layer', cdn, { outcome: status(404) }), []],
    ['that we broke off', exchange('layer', cdn, { outcome: ours }), []],
    ['for a manifest is none', exchange('manifest', cdn), []],
    ['to no URL', exchange('layer', 'nowhere'), []],
  ])('%s', (_, one, samples) => {
    expect(blobSamples(report([one]).attempts)).toEqual(samples);
  });

  test('a try that something better followed is none', () => {
    const notTls = { ok: false, fault: { code: 'tls.not_tls', host: 'cdn.test', port: 80 } } as const;
    const tries = [exchange('layer', cdn, { outcome: notTls }), exchange('layer', 'http://cdn.test/blob')];
    expect(blobSamples(report(tries).attempts)).toEqual([{ host: 'cdn.test' }]);
    const [history] = Object.values(learnRoutes({}, report(tries)));
    expect(history?.minute).toMatchObject({ works: 1, fails: 0 });
  });

  test('the images that it failed are remembered, four at most, while a failure is', () => {
    const fail = (n: number): PullReport => ({
      ...report([exchange('layer', cdn, { outcome: refused })], now + n),
      image: `i${n}`,
    });
    const history = Array.from({ length: 9 }, (_, n) => fail(n)).reduce(learnBlobHosts, {});
    expect(history['reg.test']?.['cdn.test']?.failed).toEqual(['i5', 'i6', 'i7', 'i8']);
    const well = Array.from({ length: 40 }, (_, n) => report([exchange('layer', cdn)], now + 10 + n));
    expect(well.reduce(learnBlobHosts, history)['reg.test']?.['cdn.test']).not.toHaveProperty('failed');
  });

  test('hosts and requests are bounded, the longest unseen goes first', () => {
    const history = Array.from({ length: 200 }, (_, n) =>
      report([exchange('layer', `https://h${n}.test/x`)], now + n),
    ).reduce(learnBlobHosts, {});
    expect(Object.keys(history['reg.test'] ?? {})).toHaveLength(24);
    expect(history['reg.test']).toHaveProperty(['h199.test']);
    const often = Array.from({ length: 100 }, (_, n) => report([exchange('layer', cdn)], now + n)).reduce(
      learnBlobHosts,
      {},
    );
    expect(often['reg.test']?.['cdn.test']?.recent).toBe('1'.repeat(40));
  });

  test('what was a day ago says nothing together with now', () => {
    const history = [
      report([exchange('layer', cdn, { outcome: refused })]),
      report([exchange('layer', cdn)], now + 25 * 60 * minute),
    ].reduce(learnBlobHosts, {});
    expect(history['reg.test']?.['cdn.test']).toMatchObject({ recent: '1', sinceMs: now, fault: 'tcp.refused' });
  });
});

describe('when a host answered', () => {
  const at = (outcome: Exchange['outcome']): Exchange => exchange('resolve', 'https://reg.test:5000/v2/', { outcome });
  const lived = (...turns: readonly (readonly [minutes: number, outcome: Exchange['outcome']])[]): RoutesHistory =>
    turns.map(([minutes, outcome]) => report([at(outcome)], now + minutes * minute)).reduce(learnRoutes, {});
  const states = (history: RoutesHistory): readonly string[] => {
    const host = history['reg.test:5000'];
    return host === undefined
      ? []
      : spansOf(host).map(({ is, fault }) => `${is}${fault === undefined ? '' : ` ${fault}`}`);
  };

  test.each<readonly [string, RoutesHistory, readonly string[]]>([
    [
      'it works while it answers, whatever it says',
      lived([0, status(200)], [5, status(401)], [10, status(404)]),
      ['works'],
    ],
    ['it fails', lived([0, refused], [5, status(503)]), ['fails tcp.refused', 'fails api.unavailable']],
    [
      'it falters where one minute has both',
      lived([0, refused], [0.5, status(200)], [5, status(200)]),
      ['falters tcp.refused', 'works'],
    ],
    ['it had enough of us', lived([0, status(429)]), ['fails api.rate_limited']],
    ['our own trouble says nothing of it', lived([0, ours]), []],
    [
      'what is over is kept in order',
      lived([0, status(200)], [5, refused], [10, refused], [15, status(200)]),
      ['works', 'fails tcp.refused', 'works'],
    ],
  ])('%s', (_, history, expected) => {
    expect(states(history)).toEqual(expected);
  });

  test('spans are bounded, and failures outlive the rest', () => {
    const turns = Array.from({ length: 200 }, (_, n) => [5 * n, n % 2 === 0 ? status(200) : refused] as const);
    const history = lived(...turns);
    expect(states(history).length).toBeLessThanOrEqual(24);
    expect(states(history).filter((state) => state.startsWith('fails')).length).toBeGreaterThanOrEqual(22);
  });

  test('hosts are bounded, and those asked last stay', () => {
    const history = Array.from({ length: 150 }, (_, n) =>
      report([exchange('layer', `https://h${n}.test/x`)], now + n),
    ).reduce(learnRoutes, {});
    expect(Object.keys(history)).toHaveLength(100);
    expect(history).toHaveProperty(['h149.test']);
  });
});
