/** A registry that is slow, for real sockets and by the test's own clock: the time of the pull is told before it is pulled. */
import { describe, expect, test } from 'vitest';
import { emptyPast, learnReport } from '#pull/past.ts';
import type { PullReport } from '#pull/report.ts';
import { Memory } from '../../src/stage/memory.ts';
import { FakeRegistry, image } from '../kit/fake-registry.ts';
import { comesSlowly, VirtualClock, type Slowness } from '../kit/slow-blob.ts';
import { demandFor, gist, nodeOf, pullOf } from '../kit/stage.ts';

const KiB = 1024;
const layerBytes = 600 * KiB;
const sampling = { throughputSampleBytes: 64 * KiB };

async function slowly(slowness: Slowness, progressTimeoutMs = 0) {
  const clock = new VirtualClock();
  const registry = await FakeRegistry.open({
    images: {
      'team/app:v1': image({ layers: [layerBytes] }),
      'team/other:v1': image({ layers: [layerBytes], seed: 'o' }),
    },
    onRequest: comesSlowly(clock, slowness),
  });
  const view = nodeOf({ registries: { 'reg.test': registry }, config: { progressTimeoutMs } });
  return { registry, view, clock, at: (path: string) => `reg.test:${registry.port}/${path}` };
}

const layerOf = ({ performances }: PullReport) =>
  performances.flatMap(({ exchanges }) => exchanges).find(({ act }) => act === 'layer');

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
  const told = Number(/which take (\d+) s, longer than its deadline of 30 s/.exec(forecast?.because ?? '')?.[1]);
  const whole = await pullOf(view, demand, { manners: { verify: true, deadlineMs: 90_000 }, clockMs: clock.read });
  const tookS = (layerOf(whole)?.ms ?? 0) / 1000;
  expect(tookS).toBeGreaterThan(30);
  // The first flight of a sample is not counted, so that what is told is never too short.
  expect(told / tookS).toBeGreaterThanOrEqual(1);
  expect(told / tookS).toBeLessThan(1.4);
});

test('the sample of one image serves the others of its host, for hours', async () => {
  const { registry, view, clock, at } = await slowly({ bytesPerS: 10 * KiB });
  await using server = registry;
  const memory = new Memory();
  const means = { manners: sampling, memory, clockMs: clock.read };
  const first = await pullOf(view, demandFor(at('team/app:v1'), { deadlineS: 30 }), means);
  const past = learnReport(emptyPast, first);
  server.requests.length = 0;
  const other = await pullOf(view, demandFor(at('team/other:v1'), { deadlineS: 30 }), { ...means, past: () => past });
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
  test('for longer than containerd waits is foretold to break the pull', async () => {
    const { registry, view, clock, at } = await slowly({ bytesPerS: 1 << 30, silentMs: 8000 }, 5000);
    await using server = registry;
    const report = await pullOf(view, at('team/app:v1'), { clockMs: clock.read });
    expect(gist(report)).toBe('at_risk pull-stalls');
    expect(report.forecasts).toMatchObject([
      { fault: 'blob.stalled', about: `reg.test:${server.port}`, effect: 'fails', withinS: 0 },
    ]);
  });

  test.each([
    ['less long', 10_000],
    ['and waited for without end', 0],
  ])('%s is not', async (_, progressTimeoutMs) => {
    const { registry, view, clock, at } = await slowly({ bytesPerS: 1 << 30, silentMs: 8000 }, progressTimeoutMs);
    await using server = registry;
    expect(server.port).toBeGreaterThan(0);
    expect(gist(await pullOf(view, at('team/app:v1'), { clockMs: clock.read }))).toBe('pulls');
  });
});
