/** The kubelet's own queue, on real sockets and by the test's own clock: whom it holds up, for how long, and whom it refuses. */
import { expect, test } from 'vitest';
import { parseImage } from '#image/reference.ts';
import { kubeletConfigOf } from '#kubelet/config.ts';
import { emptyNodeHistory, learnReport, type NodeHistory } from '#forecast/history/history.ts';
import type { PullReport } from '#report/report.ts';
import { forecastNode } from '#forecast/rules.ts';
import { broughtAbout, type NodeTold } from '../../kit/brought-about.ts';
import { nodeWith } from '../../kit/disks.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import { entry } from '../../kit/ledger.ts';
import { comesSlowly, VirtualClock } from '../../kit/slow-blob.ts';
import { SmallKubelet, type Ensured } from '../../kit/small-kubelet.ts';
import { smallPull } from '../../kit/small-puller.ts';
import { demandFor, gist, pullOf } from '../../kit/stage.ts';

const KiB = 1024;
const atMs = Date.parse('2026-03-04T12:00:00.000Z');

/** A node with these settings of its kubelet, before a registry that sends 10 KiB a second of what is large. */
async function queueWorld(kubelet: Readonly<Record<string, unknown>>) {
  const clock = new VirtualClock();
  const registry = await FakeRegistry.open({
    images: {
      'team/large:v1': image({ layers: [900 * KiB], seed: 'large' }),
      'team/small:v1': image({ seed: 'small' }),
    },
    onRequest: [
      ({ response }) => void response.setHeader('date', new Date(atMs).toUTCString()),
      comesSlowly(clock, { bytesPerS: 10 * KiB }),
    ],
  });
  const view = nodeWith({ kubelet: [kubelet], node: { registries: { 'reg.test': registry } } });
  let history: NodeHistory = emptyNodeHistory;
  const rehearse = async (name: string, pods: number): Promise<PullReport> => {
    const requestedBy = Array.from({ length: pods }, (_, i) => ({
      ...{ kind: 'Pod', namespace: 'shop', name: `${name}-${i}`, part: 'container app' },
    }));
    const demand = { ...demandFor(`reg.test:${registry.port}/team/${name}:v1`), requestedBy };
    const report = await pullOf(view, demand, {
      manners: { throughputSampleBytes: 256 * KiB, deadlineMs: 90_000 },
      ...{ clockMs: clock.read, now: () => new Date(atMs), history: () => history },
      hasContent: () => Promise.resolve(false),
    });
    expect(gist(report)).toBe('pulls');
    history = learnReport(history, report);
    return report;
  };
  const queue = new SmallKubelet({
    config: kubeletConfigOf([kubelet]),
    clock,
    pull: (written) => {
      const parsed = parseImage(written);
      const repository = parsed.ok ? parsed.value.path : '';
      return smallPull({ registry: registry.url, repository, tag: 'v1', clock, progressTimeoutMs: 0 });
    },
  });
  return {
    ...{ clock, rehearse },
    evaluate: (reports: readonly PullReport[]): NodeTold => {
      const entries = reports.map((report) => entry(report));
      return { forecasts: forecastNode({ now: new Date(atMs), view, entries, history }), atMs };
    },
    /** All of their Pods come at once, in this order. */
    start: (reports: readonly PullReport[]): Promise<readonly Ensured[]> =>
      Promise.all(reports.flatMap((one) => one.requestedBy.map(() => queue.ensure(one.image)))),
    [Symbol.asyncDispose]: () => registry.close(),
  };
}

test('a small image waits behind a large one for as long as was foretold', async () => {
  await using at = await queueWorld({ serializeImagePulls: true });
  const reports = [await at.rehearse('large', 1), await at.rehearse('small', 1)];
  const shown = at.evaluate(reports);
  const beganMs = at.clock.read();
  const [large, small] = await at.start(reports);
  expect([large?.is, small?.is]).toEqual(['pulled', 'pulled']);
  const waitedS = (small?.tookMs ?? 0) / 1000;
  const came = { atMs: atMs + at.clock.read() - beganMs, status: true, so: waitedS > 60 };
  const forecast = broughtAbout('pulls-queue', 'kubelet.pulls_queued', { shown, came });
  expect(forecast).toMatchObject({ likelihood: 'likely', effect: 'delays' });
  const toldS = Number(/1 more may wait for about (\d+) s behind \S+large/.exec(forecast.because)?.[1]);
  // A first flight comes faster than what follows, and is not counted.
  expect(toldS / waitedS).toBeGreaterThanOrEqual(1);
  expect(toldS / waitedS).toBeLessThan(1.1);
});

test('nobody waits where pulls go side by side, and nothing is foretold', async () => {
  await using at = await queueWorld({ serializeImagePulls: false });
  const reports = [await at.rehearse('large', 1), await at.rehearse('small', 1)];
  expect(at.evaluate(reports).forecasts).toEqual([]);
  const [large, small] = await at.start(reports);
  expect([large?.is, small?.is]).toEqual(['pulled', 'pulled']);
});

test('more pulls at once than the bucket holds: as many are let through as were foretold, and the rest come again', async () => {
  await using at = await queueWorld({ serializeImagePulls: false, registryPullQPS: 1, registryBurst: 2 });
  const reports = [await at.rehearse('small', 6)];
  const shown = at.evaluate(reports);
  const began = await at.start(reports);
  const through = began.filter(({ is }) => is === 'pulled').length;
  const [forecast] = shown.forecasts;
  const status = /(\d+) pulls may begin at once, and the kubelet lets (\d+) through.*(pull QPS exceeded)/.exec(
    forecast?.because ?? '',
  );
  const so = [String(began.length), String(through), began.at(-1)?.is];
  broughtAbout('pulls-queue', 'kubelet.qps_exceeded', { shown, came: { atMs, status: status?.slice(1), so } });
  // The back-off of ten seconds fills the bucket again, as far as it goes.
  for (let refused = began.length - through; refused > 0; refused -= 2) {
    at.clock.advance(10_000);
    const again = await at.start(reports.map((one) => ({ ...one, requestedBy: one.requestedBy.slice(0, refused) })));
    expect(again.filter(({ is }) => is === 'pulled')).toHaveLength(2);
  }
});

test.each([
  ['the bucket holds them all', { serializeImagePulls: false, registryPullQPS: 1, registryBurst: 6 }],
  ['nothing is limited', { serializeImagePulls: false, registryPullQPS: 0, registryBurst: 2 }],
])('nobody is refused where %s, and nothing is foretold', async (_, kubelet) => {
  await using at = await queueWorld(kubelet);
  const reports = [await at.rehearse('small', 6)];
  expect(at.evaluate(reports).forecasts).toEqual([]);
  expect((await at.start(reports)).map(({ is }) => is)).toEqual(Array<string>(6).fill('pulled'));
});
