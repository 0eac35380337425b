/** What is foretold of disks, by literal facts. */
import { describe, expect, test } from 'vitest';
import type { Disk, Disks } from '#kubelet/disk.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Image } from '#image/reference.ts';
import { bad, seen, type Good } from '#report/outcome.ts';
import { emptyNodeHistory, type NodeHistory } from '#forecast/history/history.ts';
import type { DiskHistory } from '#forecast/history/disks.ts';
import { planPull } from '#runtime/containerd/plan.ts';
import type { Content } from '#report/rehearsal.ts';
import type { PullReport } from '#report/report.ts';
import type { NodeView } from '#node/view.ts';
import { emptyHistory } from '#report/verdict-history.ts';
import { forecastImage, forecastNode } from '#forecast/rules.ts';
import { GiB, nodeWith, one, seriesOf } from '../kit/disks.ts';
import { healthy } from '../kit/exchanges.ts';
import { pulling } from '../kit/ledger.ts';
import { demandFor } from '../kit/stage.ts';
import type { Demand } from '#kubelet/demand.ts';

const now = new Date('2026-03-04T12:00:00.000Z');
const own = ['disk-fills', 'disk-pressure', 'pull-outgrows-disk', 'pull-trips-eviction', 'pulls-outgrow-disk'];
const ours = (forecasts: readonly Forecast[]): readonly Forecast[] =>
  forecasts.filter(({ rule }) => own.includes(rule));
const remembering = (disk?: DiskHistory): NodeHistory => ({
  ...emptyNodeHistory,
  disks: disk === undefined ? {} : { [one.path]: disk },
});

function ofNode(view: NodeView, disk?: DiskHistory, reports: readonly PullReport[] = []): readonly Forecast[] {
  const entries = reports.map((report) => ({ id: report.image, report, history: emptyHistory }));
  return ours(forecastNode({ now, view, entries, history: remembering(disk) }));
}

const well = healthy('reg.test', 'team/app');
const holding = (over: Partial<Content>) =>
  well.ending.is === 'pulled'
    ? { ...well, ending: { ...well.ending, content: { ...well.ending.content, ...over } } }
    : well;

interface Told {
  readonly view?: NodeView;
  readonly content: Partial<Content>;
  readonly present?: Demand['present'];
  readonly disk?: DiskHistory;
}

function ofImage({ view = nodeWith(), content, present = 'no', disk }: Told): readonly Forecast[] {
  const demand = demandFor('reg.test/team/app:v1', { present });
  const plan = planPull(view, { ...demand, image: demand.image as Good<Image> }, []);
  const rehearsal = { attempts: [holding(content)], evidence: [], ms: 1 };
  return ours(forecastImage({ now, view, demand, plan, rehearsal, history: remembering(disk) }));
}

const space = (over: Partial<Disk>): NodeView => nodeWith({ disks: [{ ...one, ...over }] });
const free = (bytes: number): Partial<Disk> => ({ freeBytes: bytes, rootFreeBytes: bytes });
/** From one level to another in equal steps of five minutes. */
const line = (from: number, to: number, steps: number): readonly number[] =>
  Array.from({ length: steps + 1 }, (_, i) => (from + ((to - from) * i) / steps) * GiB);

test('a node with room has nothing coming', () => {
  expect(ofNode(nodeWith(), seriesOf(now.getTime(), line(50, 50, 40)))).toEqual([]);
  expect(ofImage({ content: { bytes: GiB, missingBytes: GiB } })).toEqual([]);
});

describe('a threshold that is met', () => {
  test.each([
    ['hard, of bytes', {}, free(14 * GiB), /hard eviction threshold imagefs\.available<15% is 15\.0 GiB/],
    ['hard, of inodes', {}, { inodesFree: 299_999 }, /nodefs\.inodesFree<5% is 300000 inodes/],
    [
      'soft, before its grace is over',
      { evictionSoft: { 'nodefs.available': '60Gi' }, evictionSoftGracePeriod: { 'nodefs.available': '1m30s' } },
      {},
      /soft eviction threshold nodefs\.available<60Gi .* evicts Pods after 90 s/,
    ],
  ])('%s, is pressure now', (_, kubelet, over, because) => {
    const [first, ...others] = ofNode(nodeWith({ disks: [{ ...one, ...over }], kubelet: [kubelet] }));
    expect(first).toMatchObject({
      fault: 'disk.pressure',
      about: '/var/lib/kubelet',
      likelihood: 'certain',
      effect: 'fails',
      withinS: 0,
    });
    expect(first?.because).toMatch(because);
    expect(first?.because).toContain('The node had condition: [DiskPressure]. ');
    expect(others).toEqual([]);
  });

  test('is none at exactly its value', () => {
    const floor = Math.trunc(100 * GiB * Math.fround(Math.fround(15) / 100));
    expect(ofNode(space(free(floor)))).toEqual([]);
    expect(ofNode(space(free(floor - 1)))).toHaveLength(1);
  });

  test('is none where evictionHard is written and leaves it out', () => {
    const kubelet = [{ evictionHard: { 'memory.available': '1Gi' } }];
    expect(ofNode(nodeWith({ disks: [{ ...one, ...free(GiB) }], kubelet }))).toEqual([]);
  });
});

describe('a disk that falls', () => {
  const gcOff = { imageGCHighThresholdPercent: 100 };

  test('steadily, with nobody to collect: the time to the first threshold is told', () => {
    const view = nodeWith({ disks: [{ ...one, ...free(25 * GiB) }], kubelet: [gcOff] });
    const [forecast, ...others] = ofNode(view, seriesOf(now.getTime(), line(35, 25, 20)));
    // 10 GiB in 6000 s: the 10 GiB down to 15 % take as long again.
    expect(forecast).toMatchObject({ fault: 'disk.pressure', likelihood: 'likely', effect: 'fails', withinS: 6000 });
    expect(forecast?.assuming).toBe('the trend of the last 1.7 h continues');
    expect(others).toEqual([]);
  });

  test('before its first collection: possible, if that frees too little', () => {
    const [forecast] = ofNode(space(free(25 * GiB)), seriesOf(now.getTime(), line(35, 25, 20)));
    expect(forecast).toMatchObject({ likelihood: 'possible' });
    expect(forecast?.assuming).toContain('image garbage collection frees too little');
  });

  test('and was collected before: nothing, however often', () => {
    const saw = [...line(20, 15.9, 10), ...line(20, 15.9, 10), ...line(20, 16.5, 10)];
    const disk = seriesOf(now.getTime(), saw, { collectedMs: now.getTime() - 3_000_000 });
    expect(ofNode(space(free(16.5 * GiB)), disk)).toEqual([]);
  });

  test('although it should have been collected for a quarter of an hour: likely', () => {
    const course = [...line(25, 16, 18), 15.9 * GiB, 15.8 * GiB, 15.7 * GiB, 15.6 * GiB];
    const disk = seriesOf(now.getTime(), course, { collectedMs: now.getTime() - 86_400_000 });
    const [forecast] = ofNode(space(free(15.6 * GiB)), disk);
    expect(forecast).toMatchObject({ fault: 'disk.pressure', likelihood: 'likely' });
    expect(forecast?.withinS).toBeLessThan(1200);
  });

  test('by fits and starts: possible at most', () => {
    const saw = [...line(40, 30, 6), ...line(38, 28, 6), ...line(36, 26, 6), ...line(34, 24, 6)];
    const view = nodeWith({ disks: [{ ...one, ...free(24 * GiB) }], kubelet: [gcOff] });
    expect(ofNode(view, seriesOf(now.getTime(), saw))).toMatchObject([{ likelihood: 'possible' }]);
  });

  test.each([
    ['less than half', 4.9, 'likely'],
    ['half', 5, 'possible'],
  ])('that once got back %s of what it lost in all is %s GiB better: %s', (_, back, likelihood) => {
    // 50 GiB to 30 GiB, then some back at once, and to 10 GiB less than it began with.
    const course = [...line(50, 40 + back / 2, 10), ...line(40 + back * 1.5, 40, 10)];
    const view = nodeWith({ disks: [{ ...one, ...free(40 * GiB) }], kubelet: [gcOff] });
    expect(ofNode(view, seriesOf(now.getTime(), course))).toMatchObject([{ likelihood }]);
  });

  test('without thresholds: until nothing is left', () => {
    const view = nodeWith({ disks: [{ ...one, ...free(10 * GiB) }], kubelet: [{ ...gcOff, evictionHard: {} }] });
    const [forecast] = ofNode(view, seriesOf(now.getTime(), line(30, 10, 20)));
    expect(forecast).toMatchObject({ fault: 'disk.full', likelihood: 'likely', withinS: 3000 });
  });

  test.each([
    ['in a few minutes only', seriesOf(now.getTime(), line(30, 20, 3))],
    ['by less than noise', seriesOf(now.getTime(), line(25.3, 25, 20))],
    ['too slowly to be told', seriesOf(now.getTime(), line(27, 25, 20))],
    ['in a series without times', { capacityBytes: one.capacityBytes, samples: [] }],
    ['in one moment', { capacityBytes: one.capacityBytes, samples: Array(9).fill([now.getTime(), 1, 1]) as never }],
  ])('%s: nothing', (_, disk) => {
    const view = nodeWith({ disks: [{ ...one, ...free(25 * GiB) }], kubelet: [gcOff] });
    expect(ofNode(view, disk)).toEqual([]);
  });

  test('of inodes: the same', () => {
    const samples = Array.from(
      { length: 21 },
      (_, i) => [now.getTime() - (20 - i) * 300_000, one.freeBytes, 1_300_000 - i * 40_000] as const,
    );
    const view = nodeWith({ disks: [{ ...one, inodesFree: 500_000 }] });
    const [forecast] = ofNode(view, { capacityBytes: one.capacityBytes, samples });
    expect(forecast).toMatchObject({ fault: 'disk.pressure', likelihood: 'likely', withinS: 1500 });
  });
});

describe('what was not seen', () => {
  test('of the disks is said once, and threatens nothing', () => {
    const fault = { code: 'agent.cannot_see', what: 'x', why: 'no volume of the node is mounted there' } as const;
    const view = { ...nodeWith(), system: { ...nodeWith().system, disks: seen<Disks>('statfs', bad(fault)) } };
    expect(ofNode(view)).toMatchObject([{ about: 'disks', likelihood: 'unknown' }]);
    expect(ofImage({ view, content: { bytes: 900 * GiB, missingBytes: 900 * GiB } })).toEqual([]);
  });

  test("of the kubelet's thresholds is said, too; a disk that fills is foretold without them", () => {
    const view = nodeWith({ disks: [{ ...one, ...free(10 * GiB) }], kubelet: null });
    expect(ofNode(view, seriesOf(now.getTime(), line(30, 10, 20)))).toMatchObject([
      { fault: 'disk.full', withinS: 3000 },
      { about: 'eviction thresholds', fault: 'disk.pressure', likelihood: 'unknown' },
    ]);
    expect(ofImage({ view, content: { bytes: GiB, missingBytes: GiB } })).toMatchObject([
      { rule: 'pull-trips-eviction', likelihood: 'unknown', fault: 'disk.pressure' },
    ]);
  });

  test('of the layers leaves it open whether they fit', () => {
    expect(ofImage({ content: { bytes: 40 * GiB } })).toMatchObject([
      { rule: 'pull-outgrows-disk', fault: 'disk.full', likelihood: 'unknown' },
    ]);
    expect(ofImage({ content: { bytes: 2 * GiB } })).toEqual([]);
    expect(ofImage({ content: { bytes: 40 * GiB }, present: 'yes' })).toEqual([]);
  });

  test('at all, by nobody, is not spoken of', () => {
    const view = nodeWith();
    const { disks, ...system } = view.system;
    expect(disks).toBeDefined();
    expect(ofNode({ ...view, system })).toEqual([]);
  });
});

describe('an image', () => {
  test.each([
    ['whose bytes alone do not fit twice', 30 * GiB, 'likely'],
    ['that fits if it hardly grows', 20 * GiB, 'possible'],
  ])('%s meets a full disk', (_, missingBytes, likelihood) => {
    const [first, ...others] = ofImage({ content: { bytes: missingBytes, missingBytes } });
    expect(first).toMatchObject({
      rule: 'pull-outgrows-disk',
      fault: 'disk.full',
      about: one.path,
      likelihood,
      effect: 'fails',
      withinS: 0,
    });
    expect(first?.because).toContain('(an estimate: ×2.5)');
    expect(others).toEqual([]);
  });

  test('whose layers are on the node wants nothing', () => {
    expect(ofImage({ content: { bytes: 900 * GiB, missingBytes: 0, missingLayers: 0 } })).toEqual([]);
  });

  test('is written with what is kept for root', () => {
    const view = space({ freeBytes: 40 * GiB, rootFreeBytes: 80 * GiB });
    expect(ofImage({ view, content: { missingBytes: 20 * GiB } })[0]?.rule).toBe('pull-trips-eviction');
  });

  test('of many small files runs out of inodes', () => {
    // 50 GiB in a million files here: 4 GiB more want 200,000 at 2.5 times.
    const view = nodeWith({
      disks: [{ ...one, inodes: 1_100_000, inodesFree: 100_000 }],
      kubelet: [{ evictionHard: {} }],
    });
    expect(ofImage({ view, content: { missingBytes: 4 * GiB } })).toMatchObject([{ fault: 'disk.inodes' }]);
  });

  test('that leaves too little trips eviction: a delay where images may be collected', () => {
    const [forecast] = ofImage({ content: { missingBytes: 11 * GiB } });
    expect(forecast).toMatchObject({
      rule: 'pull-trips-eviction',
      fault: 'disk.pressure',
      likelihood: 'possible',
      effect: 'delays',
    });
    expect(forecast?.because).toContain(
      'the pull would work, and the kubelet would refuse new Pods for at least 300 s',
    );
  });

  test.each([
    ['none is collected', [{ imageGCHighThresholdPercent: 100 }], undefined],
    ['collection frees nothing', [{}], seriesOf(now.getTime(), line(15.5, 15.2, 12))],
  ])('trips eviction for certain trouble where %s', (_, kubelet, disk) => {
    const view = nodeWith({ disks: [{ ...one, ...free(15.5 * GiB) }], kubelet });
    const [forecast] = ofImage({ view, content: { missingBytes: GiB }, ...(disk === undefined ? {} : { disk }) });
    expect(forecast).toMatchObject({ rule: 'pull-trips-eviction', likelihood: 'likely', effect: 'fails' });
  });

  test('of a snapshotter that fetches lazily is not counted', () => {
    const view = nodeWith({ snapshots: { snapshotter: 'stargz' } });
    expect(ofImage({ view, content: { missingBytes: 900 * GiB } })).toEqual([]);
  });

  test('whose layers are unpacked elsewhere is weighed there', () => {
    const content: Disk = { ...one, roles: ['nodefs', 'content'], path: '/var/lib/kubelet' };
    const snapshots: Disk = {
      ...one,
      ...free(20 * GiB),
      roles: ['imagefs', 'snapshots'],
      path: '/fast',
      device: '8:2',
    };
    const view = nodeWith({ disks: [content, snapshots] });
    expect(ofImage({ view, content: { missingBytes: 10 * GiB } })).toMatchObject([
      { rule: 'pull-outgrows-disk', about: '/fast', likelihood: 'possible' },
    ]);
  });
});

describe('images together', () => {
  const wanting = (image: string, missingBytes: number, digest = `sha256:${image}`): PullReport => ({
    ...pulling({ image }),
    attempts: [holding({ missingBytes, digest })],
  });

  test('do not fit where each would', () => {
    expect(ofNode(nodeWith(), undefined, [wanting('a', 10 * GiB), wanting('b', 10 * GiB)])).toMatchObject([
      { rule: 'pulls-outgrow-disk', fault: 'disk.full', likelihood: 'possible', withinS: 0 },
    ]);
  });

  test.each([
    ['that are one under two names count once', [wanting('a', 10 * GiB, 'd'), wanting('b', 10 * GiB, 'd')]],
    ['that are small fit', [wanting('a', GiB), wanting('b', GiB)]],
    ['of which one is missing are no many', [wanting('a', 20 * GiB), wanting('b', 0)]],
  ])('%s', (_, reports) => {
    expect(ofNode(nodeWith(), undefined, reports)).toEqual([]);
  });
});

test("the Node's own DiskPressure is said, whatever is seen of its disks", () => {
  const view = nodeWith();
  const logged = { ...view, kubelet: { ...view.kubelet, diskPressure: { is: true, since: '2026-03-04T11:59:00Z' } } };
  expect(ofNode(logged)).toMatchObject([{ rule: 'disk-pressure', likelihood: 'certain', withinS: 0 }]);
  const over = { ...view, kubelet: { ...view.kubelet, diskPressure: { is: false, since: '' } } };
  expect(ofNode(over)).toEqual([]);
});
