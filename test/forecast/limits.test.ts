/** What is foretold of slow hosts and of the kubelet's own queue, by literal facts. */
import { describe, expect, test } from 'vitest';
import type { Forecast } from '#forecast/forecast.ts';
import { emptyHistory } from '#report/verdict-history.ts';
import type { Image } from '#image/reference.ts';
import { bad, type Good } from '#report/outcome.ts';
import { emptyNodeHistory } from '#forecast/history/history.ts';
import type { RateHistory } from '#forecast/history/rates.ts';
import { planPull } from '#runtime/plan.ts';
import type { Content, Exchange } from '#report/rehearsal.ts';
import type { PullReport } from '#report/report.ts';
import { forecastImage, forecastNode } from '#forecast/rules.ts';
import { GiB, nodeWith, one } from '../kit/disks.ts';
import { exchange, good, healthy } from '../kit/exchanges.ts';
import { pulling } from '../kit/ledger.ts';
import { demandFor, nodeOf, type DemandSketch } from '../kit/stage.ts';

const now = new Date('2026-03-04T12:00:00.000Z');
const well = healthy('reg.test', 'team/app');
const holding = (content: Partial<Content>, exchanges: readonly Exchange[] = []) =>
  well.ending.is === 'pulled'
    ? { ...well, exchanges, ending: { ...well.ending, content: { ...well.ending.content, ...content } } }
    : well;
const MiB = 1024 ** 2;
const slow: RateHistory = { atMs: now.getTime() - 3_600_000, bytesPerS: MiB, isLimited: true, waitMs: 40 };

interface Told {
  readonly content: Partial<Content>;
  readonly rate?: RateHistory;
  readonly exchanges?: readonly Exchange[];
  readonly demand?: DemandSketch;
  readonly progressTimeoutMs?: number;
  readonly engine?: 'local' | 'transfer';
}

function ofImage({ content, rate, exchanges = [], demand: over = {}, ...runtime }: Told): readonly Forecast[] {
  const view = nodeOf({ config: { engine: 'local', ...runtime } });
  const demand = demandFor('reg.test/team/app:v1', over);
  const plan = planPull(view, { ...demand, image: demand.image as Good<Image> }, []);
  const rehearsal = { attempts: [holding(content, exchanges)], evidence: [], ms: 1 };
  const history = { ...emptyNodeHistory, rates: rate === undefined ? {} : { 'cdn.reg.test': rate } };
  return forecastImage({ now, view, demand, plan, rehearsal, history });
}

describe('a slow host', () => {
  test('makes a Pod late whose deadline it surely misses', () => {
    const [forecast] = ofImage({
      content: { missingBytes: 2 * GiB, missingLayers: 4 },
      rate: slow,
      demand: { deadlineS: 300 },
    });
    expect(forecast).toMatchObject({
      fault: 'blob.slow',
      likelihood: 'likely',
      effect: 'delays',
      about: 'cdn.reg.test',
    });
    expect(forecast?.because).toBe('2.0 GiB are missing, which take 683 to 2048 s, longer than its deadline of 300 s');
  });

  test.each([
    ['whose deadline it misses where three connections get no more than one', { deadlineS: 1000 }],
    ["whose deadline nobody knows, by a Deployment's", {}],
  ])('may make a Pod late %s', (_, demand) => {
    const content = { missingBytes: 2 * GiB, missingLayers: 4 };
    expect(ofImage({ content, rate: slow, demand })).toMatchObject([{ fault: 'blob.slow', likelihood: 'possible' }]);
  });

  test.each<[string, Told]>([
    ['nothing is missing', { content: { missingBytes: 0 }, rate: slow }],
    ['it is in time', { content: { missingBytes: 100 * MiB }, rate: slow }],
    ['the sample is a lower bound', { content: { missingBytes: GiB }, rate: { ...slow, isLimited: false } }],
    ['no sample is known', { content: { missingBytes: GiB } }],
    ['the sample is old', { content: { missingBytes: GiB }, rate: { ...slow, atMs: 0 } }],
    ['what is missing is not known', { content: { bytes: GiB }, rate: slow, demand: { present: 'unknown' } }],
    ['no host serves it', { content: { missingBytes: GiB, blobHosts: [] }, rate: slow }],
  ])('delays nothing where %s', (_, shown) => {
    expect(ofImage(shown)).toEqual([]);
  });
});

describe('a silent host', () => {
  const silence = { code: 'api.timed_out', host: 'cdn.reg.test', afterMs: 61_000 } as const;
  const silent = exchange('layer', 'https://cdn.reg.test/x', {
    ms: 61_000,
    outcome: good({ status: 206, bytes: 4096 }),
  });

  test.each([
    ['layer', 'a layer'],
    ['token', 'a token'],
    ['resolve', 'the digest of the tag'],
  ] as const)('breaks a pull that the runtime gives up before: %s', (act, what) => {
    const all = ofImage({ content: {}, exchanges: [{ ...silent, act }], progressTimeoutMs: 60_000 });
    const [forecast, ...others] = all.filter(({ rule }) => rule === 'pull-stalls');
    expect(forecast).toMatchObject({
      rule: 'pull-stalls',
      fault: 'blob.stalled',
      effect: 'fails',
      likelihood: 'possible',
      withinS: 0,
    });
    expect(forecast?.because).toBe(
      `cdn.reg.test was silent for 61 s before it sent ${what}, and containerd gives a pull up after 60 s without a byte (image_pull_progress_timeout); the kubelet shows that as "context canceled"`,
    );
    expect(others).toEqual([]);
  });

  test.each<[string, Partial<Told>]>([
    ['within the time', { progressTimeoutMs: 300_000 }],
    ['of a runtime that waits for ever', { progressTimeoutMs: 0 }],
    ['of a runtime that was not seen', {}],
    ['that never answered', { progressTimeoutMs: 60_000, exchanges: [{ ...silent, outcome: bad(silence) }] }],
    [
      'of a runtime whose transfer service watches no host without bytes',
      { progressTimeoutMs: 60_000, engine: 'transfer' },
    ],
  ])('%s breaks nothing', (_, over) => {
    expect(ofImage({ content: {}, exchanges: [silent], ...over })).toEqual([]);
  });
});

describe("the kubelet's queue", () => {
  const wanting = (name: string, missingBytes: number, wanters = 1): PullReport => ({
    ...pulling({ image: `reg.test/${name}:1` }),
    requestedBy: Array.from({ length: wanters }, (_, i) => ({ kind: 'Pod', namespace: 'n', name: `p${i}`, part: '' })),
    attempts: [holding({ missingBytes, digest: `sha256:${name}` })],
  });
  const many = (count: number): readonly PullReport[] => Array.from({ length: count }, (_, i) => wanting(`i${i}`, MiB));

  function ofNode(reports: readonly PullReport[], kubelet: unknown, rate?: RateHistory): readonly Forecast[] {
    const view = nodeWith({ disks: [{ ...one, freeBytes: 90 * GiB, rootFreeBytes: 90 * GiB }], kubelet: [kubelet] });
    const entries = reports.map((report) => ({ id: report.image, report, history: emptyHistory }));
    const history = { ...emptyNodeHistory, rates: rate === undefined ? {} : { 'cdn.reg.test': rate } };
    return forecastNode({ now, view, entries, history });
  }

  test('holds everybody behind a large image, for the time that it takes', () => {
    const [forecast, ...others] = ofNode([wanting('small', MiB), wanting('large', 2 * GiB)], {}, slow);
    expect(forecast).toMatchObject({ fault: 'kubelet.pulls_queued', likelihood: 'likely', effect: 'delays' });
    expect(forecast?.because).toBe(
      '1 more may wait for about 2048 s behind reg.test/large:1 (2.0 GiB): serializeImagePulls: one pull at a time',
    );
    expect(others).toEqual([]);
  });

  test('may hold them behind one of more than a GiB, however fast', () => {
    expect(ofNode([wanting('small', MiB), wanting('large', 2 * GiB)], {})).toMatchObject([{ likelihood: 'possible' }]);
  });

  test.each<[string, readonly PullReport[], unknown, RateHistory | undefined]>([
    ['for one image', [wanting('large', 2 * GiB)], {}, slow],
    ['of small images', [wanting('a', MiB), wanting('b', MiB)], {}, slow],
    [
      'of images that surely come fast',
      [wanting('a', MiB), wanting('b', 2 * GiB)],
      {},
      { ...slow, bytesPerS: 100 * MiB, isLimited: false },
    ],
    ['with turns for all', [wanting('a', MiB), wanting('b', 2 * GiB)], { maxParallelImagePulls: 2 }, slow],
    ['without turns', [wanting('a', MiB), wanting('b', 2 * GiB)], { serializeImagePulls: false }, slow],
    ['of images that are here', [wanting('a', 0), wanting('b', 0)], {}, slow],
  ])('holds nobody %s', (_, reports, kubelet, rate) => {
    expect(ofNode(reports, kubelet, rate)).toEqual([]);
  });

  test('does not hold the sandbox image, which the runtime pulls itself', () => {
    const sandbox = {
      ...wanting('pause', MiB),
      requestedBy: [{ kind: 'Runtime', namespace: '', name: 'sandbox', part: '' }],
    };
    expect(ofNode([sandbox, wanting('large', 2 * GiB)], {}, slow)).toEqual([]);
    const [forecast] = ofNode([sandbox, wanting('small', MiB), wanting('large', 2 * GiB)], {}, slow);
    expect(forecast?.because).toMatch(/^1 more may wait/);
    const settings = { serializeImagePulls: false };
    expect(ofNode([sandbox, wanting('a', MiB, 10)], settings)).toEqual([]);
  });

  test('lets a burst through and refuses the rest', () => {
    const [forecast] = ofNode([wanting('a', MiB, 11)], { serializeImagePulls: false });
    expect(forecast).toMatchObject({ fault: 'kubelet.qps_exceeded', likelihood: 'possible', effect: 'delays' });
    expect(forecast?.because).toContain('"pull QPS exceeded"');
  });

  test.each<[string, number, unknown]>([
    ['as many as the burst', 10, { serializeImagePulls: false }],
    ['one after another', 40, {}],
    ['a few at a time', 40, { maxParallelImagePulls: 4 }],
    ['all, where nothing is limited', 40, { serializeImagePulls: false, registryPullQPS: 0 }],
  ])('refuses nobody: %s', (_, count, kubelet) => {
    expect(ofNode(many(count), kubelet)).toEqual([]);
  });
});
