/** When a tag was gone; what is read back of it, of held forecasts and of hosts, whoever wrote the file. */
import { describe, expect, test } from 'vitest';
import { isGone } from '#pull/past/absences.ts';
import { emptyPast, forget, learnReport, readPast, type Past } from '#pull/past.ts';
import type { Fault } from '#pull/fault.ts';
import type { PullReport } from '#pull/report.ts';
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
      advice: { cause: 'c', remedy: 'r', door: 'workload' },
    }),
    hours,
  );
const after = (...reports: readonly PullReport[]): Past => reports.reduce(learnReport, emptyPast);

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
    const past = after(well(0), ill(1));
    expect(forget(past, new Set(['other'])).absences).toEqual({});
    expect(forget(past, new Set([image])).absences).toBe(past.absences);
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
    const past = after(report);
    expect(Object.keys(past.damped.images)).toEqual([report.id]);
    expect(forget(past, new Set([image])).damped.images).toBe(past.damped.images);
    expect(forget(past, new Set(['other'])).damped.images).toEqual({});
  });

  test('neither grows nor wears off while the image fails', () => {
    const past = after(risking({ image }, [quota]));
    expect(learnReport(past, ill(1)).damped).toBe(past.damped);
  });

  test('an image without forecasts is not remembered at all', () => {
    expect(after(well(0)).damped).toBe(emptyPast.damped);
  });
});

describe('a file', () => {
  test('is read as it was written', () => {
    const past = after(well(0), ill(1), well(2), ill(3), risking({ image: 'reg.test/b:1' }, [quota]));
    expect(readPast(JSON.parse(JSON.stringify(past)))).toEqual(past);
  });

  const broken = [null, 7, 'x', [], { a: null }, { a: 7 }, { a: [] }, { a: { b: null } }, { images: 3, node: [] }];
  test.each(broken.map((value) => [JSON.stringify(value), value] as const))(
    '%s in place of each slice starts anew',
    (_, value) => {
      const slices = ['absences', 'blobHosts', 'routes', 'damped'];
      const file = Object.fromEntries([['version', 1], ...slices.map((slice) => [slice, value] as const)]);
      expect(readPast(file)).toEqual(emptyPast);
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
    expect(readPast({ version: 1, [slice]: value })).toEqual({ ...emptyPast, [slice]: kept });
  });
});
