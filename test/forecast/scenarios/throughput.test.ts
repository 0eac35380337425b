/** A registry that is slow, for real sockets and by the test's own clock: the time of the pull is told before it is pulled. */
import { describe, expect, test } from 'vitest';
import { emptyNodeHistory, learnReport } from '#forecast/history/history.ts';
import type { PullReport } from '#report/report.ts';
import { Memory } from '#runtime/attempt/memory.ts';
import { broughtAbout } from '../../kit/brought-about.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import { comesSlowly, VirtualClock, type Slowness } from '../../kit/slow-blob.ts';
import { smallPull, type SmallPull } from '../../kit/small-puller.ts';
import { demandFor, gist, nodeOf, pullOf, type NodeSketch } from '../../kit/stage.ts';

const KiB = 1024;
const layerBytes = 600 * KiB;
const sampling = { throughputSampleBytes: 64 * KiB };

async function slowly(slowness: Slowness, config: NodeSketch['config'] = {}) {
  const clock = new VirtualClock();
  const registry = await FakeRegistry.open({
    images: {
      'team/app:v1': image({ layers: [layerBytes] }),
      'team/other:v1': image({ layers: [layerBytes], seed: 'o' }),
    },
    onRequest: comesSlowly(clock, slowness),
  });
  const view = nodeOf({ registries: { 'reg.test': registry }, config });
  return { registry, view, clock, at: (path: string) => `reg.test:${registry.port}/${path}` };
}

const layerOf = ({ attempts }: PullReport) =>
  attempts.flatMap(({ exchanges }) => exchanges).find(({ act }) => act === 'layer');

test('a pull that takes longer than its Pod has is foretold, and takes as long as was said', async () => {
  const { registry, view, clock, at } = await slowly({ bytesPerS: 10 * KiB });
  await using server = registry;
  const memory = new Memory();
  const demand = demandFor(at('team/app:v1'), { deadlineS: 30 });
  const report = await pullOf(view, demand, { manners: sampling, memory, clockMs: clock.read });
  expect(gist(report)).toBe('pulls');
  const [forecast] = report.forecasts;
  expect(forecast).toMatchObject({
    rule: 'pull-outlasts-deadline',
    fault: 'blob.slow',
    about: `reg.test:${server.port}`,
    effect: 'delays',
  });
  const shown = Number(/which take (\d+) s, longer than its deadline of 30 s/.exec(forecast?.because ?? '')?.[1]);
  const whole = await pullOf(view, demand, { manners: { verify: true, deadlineMs: 90_000 }, clockMs: clock.read });
  const tookS = (layerOf(whole)?.ms ?? 0) / 1000;
  expect(tookS).toBeGreaterThan(30);
  const cameMs = Date.parse(report.at) + tookS * 1000;
  const late = {
    atMs: cameMs,
    status: 'later than its deadline',
    so: tookS > 30 ? 'later than its deadline' : 'in time',
  };
  broughtAbout('pull-outlasts-deadline', 'blob.slow', { shown: report, came: late });
  // The first flight of a sample is not counted, so that what is told is never too short.
  expect(shown / tookS).toBeGreaterThanOrEqual(1);
  expect(shown / tookS).toBeLessThan(1.4);
});

test('the sample of one image serves the others of its host, for hours', async () => {
  const { registry, view, clock, at } = await slowly({ bytesPerS: 10 * KiB });
  await using server = registry;
  const memory = new Memory();
  const means = { manners: sampling, memory, clockMs: clock.read };
  const first = await pullOf(view, demandFor(at('team/app:v1'), { deadlineS: 30 }), means);
  const history = learnReport(emptyNodeHistory, first);
  server.requests.length = 0;
  const other = await pullOf(view, demandFor(at('team/other:v1'), { deadlineS: 30 }), {
    ...means,
    history: () => history,
  });
  expect(other.forecasts).toMatchObject([{ rule: 'pull-outlasts-deadline', fault: 'blob.slow' }]);
  const ranges = server.requests.flatMap(({ headers }) => headers['range'] ?? []);
  expect(ranges).toEqual(['bytes=0-4095']);
});

test.each([
  ['that is switched off', { throughputSampleBytes: 0 }],
  ['that nobody asked for', {}],
])('a sample %s is not taken', async (_, manners) => {
  const { registry, view, clock, at } = await slowly({ bytesPerS: 10 * KiB });
  await using server = registry;
  await pullOf(view, demandFor(at('team/app:v1')), { manners, clockMs: clock.read });
  expect(server.requests.flatMap(({ headers }) => headers['range'] ?? [])).toEqual(['bytes=0-4095']);
});

describe('a host that is silent before it sends', () => {
  const silentMs = 15_000;
  const slowness = { bytesPerS: 1 << 30, silentMs };

  test.each([[5000], [6000]])(
    'for longer than the %d ms that containerd waits is foretold to break the pull, and breaks it when they are over',
    async (progressTimeoutMs) => {
      const { registry, view, clock, at } = await slowly(slowness, { progressTimeoutMs, engine: 'local' });
      await using server = registry;
      const report = await pullOf(view, at('team/app:v1'), { clockMs: clock.read });
      expect(gist(report)).toBe('at_risk pull-stalls');
      const [forecast] = report.forecasts;
      expect(forecast).toMatchObject({ fault: 'blob.stalled', about: `reg.test:${server.port}`, withinS: 0 });
      expect(forecast?.because).toContain(`silent for 15 s before it sent a layer`);
      expect(forecast?.because).toContain(`after ${progressTimeoutMs / 1000} s without a byte`);
      const pulled = await smallPull(pulling(server, clock, progressTimeoutMs));
      expect(pulled).toMatchObject({ is: 'failed', message: 'context canceled' });
      const status = /shows that as "(.+)"/.exec(forecast?.because ?? '')?.[1];
      const so = pulled.is === 'failed' ? pulled.message : pulled.is;
      const came = { atMs: Date.parse(report.at) + pulled.tookMs, status, so };
      broughtAbout('pull-stalls', 'blob.stalled', { shown: report, came });
      expect(pulled.tookMs).toBeGreaterThan(progressTimeoutMs);
      // containerd looks twice in that time.
      expect(pulled.tookMs).toBeLessThanOrEqual(2 * progressTimeoutMs);
    },
  );

  test('for hardly longer than containerd waits may end between two of its looks: what is foretold is possible, and no more', async () => {
    const { registry, view, clock, at } = await slowly(
      { ...slowness, silentMs: 8000 },
      { progressTimeoutMs: 5000, engine: 'local' },
    );
    await using server = registry;
    const report = await pullOf(view, at('team/app:v1'), { clockMs: clock.read });
    expect(report.forecasts).toMatchObject([{ rule: 'pull-stalls', likelihood: 'possible' }]);
    expect(await smallPull(pulling(server, clock, 5000))).toMatchObject({ is: 'pulled' });
  });

  test.each([
    ['less long', { progressTimeoutMs: 20_000, engine: 'local' }],
    ['and waited for without end', { progressTimeoutMs: 0, engine: 'local' }],
  ] as const)('%s is not, and the pull goes through', async (_, config) => {
    const { registry, view, clock, at } = await slowly(slowness, config);
    await using server = registry;
    expect(gist(await pullOf(view, at('team/app:v1'), { clockMs: clock.read }))).toBe('pulls');
    const pulled = await smallPull(pulling(server, clock, config.progressTimeoutMs));
    expect(pulled.is).toBe('pulled');
    expect(pulled.tookMs).toBeGreaterThanOrEqual(silentMs);
  });

  test('is waited for by the transfer service, whatever the time', async () => {
    const { registry, view, clock, at } = await slowly(slowness, { progressTimeoutMs: 5000, engine: 'transfer' });
    await using server = registry;
    expect(server.port).toBeGreaterThan(0);
    expect(gist(await pullOf(view, at('team/app:v1'), { clockMs: clock.read }))).toBe('pulls');
  });
});

function pulling({ url }: FakeRegistry, clock: VirtualClock, progressTimeoutMs: number): SmallPull {
  return { registry: url, repository: 'team/app', tag: 'v1', clock, progressTimeoutMs };
}
