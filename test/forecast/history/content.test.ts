/** When a tag was gone; what is read back of it, of held forecasts and of hosts, whoever wrote the file. */
import { describe, expect, test } from 'vitest';
import { keyOf } from '#forecast/damping.ts';
import { isGone } from '#forecast/history/absences.ts';
import { emptyNodeHistory, forget, learnReport, readNodeHistory, type NodeHistory } from '#forecast/history/history.ts';
import type { Fault } from '#report/fault.ts';
import type { PullReport } from '#report/report.ts';
import { failing, now, pulling, risking } from '../../kit/ledger.ts';
import { quota } from '../../kit/foretold.ts';

const image = 'reg.test/team/app:v1';
const hour = 3_600_000;
const gone: Fault = { code: 'manifest.unknown_tag', image, host: 'reg.test', message: '' };
const at = (report: PullReport, hours: number): PullReport => ({
  ...report,
  at: new Date(now + hours * hour).toISOString(),
});
const well = (hours: number): PullReport => at(pulling({ image, registry: 'reg.test' }), hours);
const ill = (hours: number, fault: Fault = gone): PullReport =>
  at(
    failing({
      image,
      registry: 'reg.test',
      fault,
      stage: 'manifest',
      advice: { cause: 'c', remedy: 'r', owner: 'workload' },
    }),
    hours,
  );
const after = (...reports: readonly PullReport[]): NodeHistory => reports.reduce(learnReport, emptyNodeHistory);

describe('absences', () => {
  test('begin with the first failure after a pull and end with the next pull', () => {
    expect(after(well(0), ill(1), ill(2), well(3)).absences[image]).toEqual({
      over: [{ fromMs: now + hour, toMs: now + 2 * hour, fault: 'manifest.unknown_tag' }],
    });
  });

  test.each<readonly [string, readonly PullReport[]]>([
    ['what never pulled', [ill(0), ill(1), well(2)]],
    ['a registry that is down', [well(0), ill(1, { code: 'tcp.refused', address: '10.0.0.1', port: 443 }), well(2)]],
    ['what always pulls', [well(0), well(1)]],
  ])('are none of %s', (_, reports) => {
    expect(after(...reports).absences).toEqual({});
  });

  test('are eight at most, the newest', () => {
    const reports = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? well(n) : ill(n)));
    const over = after(...reports).absences[image]?.over;
    expect(over).toHaveLength(8);
    expect(over?.at(-1)?.fromMs).toBe(now + 37 * hour);
  });

  test('go with the image', () => {
    const history = after(well(0), ill(1));
    expect(forget(history, new Set(['other'])).absences).toEqual({});
    expect(forget(history, new Set([image])).absences).toBe(history.absences);
  });

  test.each<readonly [Fault, boolean]>([
    [gone, true],
    [{ code: 'api.rejected', host: 'h', status: 410, message: '' }, true],
    [{ code: 'api.rejected', host: 'h', status: 400, message: '' }, false],
    [{ code: 'auth.denied', host: 'h', as: 'anonymous', status: 403, message: '' }, false],
  ])('%j: %s', (fault, is) => {
    expect(isGone(fault)).toBe(is);
  });
});

describe('what is held', () => {
  test('goes with the image, under whatever name it is asked for', () => {
    const report = { ...risking({ image }, [quota]), id: `${image} (Always, shop/registry)` };
    const history = after(report);
    expect(Object.keys(history.damped.images)).toEqual([report.id]);
    expect(forget(history, new Set([image])).damped.images).toBe(history.damped.images);
    expect(forget(history, new Set(['other'])).damped.images).toEqual({});
  });

  test('neither grows nor wears off while the image fails', () => {
    const history = after(risking({ image }, [quota]));
    expect(learnReport(history, ill(1)).damped).toBe(history.damped);
  });

  test('an image without forecasts is not remembered at all', () => {
    expect(after(well(0)).damped).toBe(emptyNodeHistory.damped);
  });
});

describe('a file', () => {
  test('is read as it was written', () => {
    const history = after(well(0), ill(1), well(2), ill(3), risking({ image: 'reg.test/b:1' }, [quota]));
    expect(readNodeHistory(JSON.parse(JSON.stringify(history)))).toEqual(history);
  });

  test('gives back every field of every slice', () => {
    const tries = { good: 3, lastGoodMs: 5, bad: [4], fault: 'tcp.refused', falls: [4] } as const;
    const seen = { firstMs: 1, seenMs: 6 };
    const full: NodeHistory = {
      version: 1,
      tags: { [image]: { digest: 'sha256:1', sinceMs: 1, seenMs: 2 } },
      hosts: {
        'reg.test': {
          ...seen,
          addresses: { '192.0.2.1': seen },
          named: { '192.0.2.2': seen },
          dialsMs: [7, 8],
          requests: tries,
          v4: tries,
          v6: { good: 0, bad: [], falls: [] },
          certificate: {
            fingerprint: '00ff',
            issuer: 'CN=an authority',
            notBeforeMs: 1,
            notAfterMs: 9,
            sinceMs: 2,
            renewedWithS: [30],
          },
        },
      },
      clock: [{ atMs: 1, aheadS: -2 }],
      logins: { 'secret:shop/registry': { endsMs: 9, sinceMs: 1, seenMs: 2, leftMs: [3] } },
      refusedLogins: { [image]: { image, account: 'ci', sinceMs: 1, containers: 2, perTry: 3 } },
      quotas: [
        {
          ...{ registry: 'docker.io', account: 'anonymous', family: 'ipv4', source: '192.0.2.7' },
          ...{ seenMs: 5, reported: 'numbers', limit: 100, windowS: 21_600 },
          points: [
            [1, 90],
            [5, 80],
          ],
        },
      ],
      limits: { 'quay.io': { scope: 'burst', atMs: 1, retryAfterS: 30 } },
      absences: {
        [image]: {
          over: [{ fromMs: 1, toMs: 2, fault: 'manifest.unknown_tag' }],
          open: { fromMs: 3, toMs: 4, fault: 'manifest.unknown_tag', digest: 'sha256:1' },
        },
      },
      blobHosts: {
        'quay.io': {
          'cdn.quay.io': {
            ...{ sinceMs: 1, okMs: 2, failMs: 3, fault: 'tcp.reset', recent: '1101' },
            failed: ['quay.io/a:1', 'quay.io/b:1'],
          },
        },
      },
      routes: {
        'reg.test': {
          spans: [
            { fromMs: 1, toMs: 2, is: 'works' },
            { fromMs: 3, toMs: 4, is: 'fails', fault: 'tcp.reset' },
          ],
          minute: { fromMs: 3, toMs: 4, works: 1, fails: 2, fault: 'tcp.reset' },
        },
      },
      damped: {
        images: {
          [image]: { [keyOf(quota)]: { forecast: quota, sinceMs: 1, seenMs: 2, absent: 1, flips: 3, goneMs: 2 } },
        },
        node: {},
      },
      disks: { '/var': { capacityBytes: 100, samples: [[1, 50, 20]], collectedMs: 1 } },
      rates: { 'reg.test': { atMs: 1, bytesPerS: 2, waitMs: 3, isLimited: true } },
    };
    expect(readNodeHistory(JSON.parse(JSON.stringify(full)))).toEqual(full);
  });

  const broken = [null, 7, 'x', [], { a: null }, { a: 7 }, { a: [] }, { a: { b: null } }, { images: 3, node: [] }];
  test.each(broken.map((value) => [JSON.stringify(value), value] as const))(
    '%s in place of each slice starts anew',
    (_, value) => {
      const slices = Object.keys(emptyNodeHistory).filter((slice) => slice !== 'version');
      const file = Object.fromEntries([['version', 1], ...slices.map((slice) => [slice, value] as const)]);
      expect(readNodeHistory(file)).toEqual(emptyNodeHistory);
    },
  );

  test.each([
    [
      'absences',
      {
        a: {
          over: [
            { fromMs: 1, toMs: 'x', fault: 'manifest.unknown_tag' },
            { fromMs: 1, toMs: 2, fault: 'none' },
          ],
        },
      },
      { a: { over: [] } },
    ],
    [
      'blobHosts',
      { r: { h: { sinceMs: 1, recent: '10x' }, g: { sinceMs: 1, recent: '1' } } },
      { r: { g: { sinceMs: 1, recent: '1' } } },
    ],
    [
      'routes',
      { h: { spans: [{ fromMs: 1, toMs: 2, is: 'sings' }], minute: { fromMs: 1, toMs: 2, works: 1, fails: 0 } } },
      { h: { spans: [], minute: { fromMs: 1, toMs: 2, works: 1, fails: 0 } } },
    ],
    [
      'damped',
      {
        images: {
          a: { k: { forecast: { ...quota, likelihood: 'surely' }, sinceMs: 1, seenMs: 1, absent: 0, flips: 0 } },
        },
      },
      { images: {}, node: {} },
    ],
  ] as const)('of %s keeps what can be read', (slice, value, kept) => {
    expect(readNodeHistory({ version: 1, [slice]: value })).toEqual({ ...emptyNodeHistory, [slice]: kept });
  });
});
