/** How many agents there are: learnt with one right, held while nobody says, and never guessed too low. */
import { describe, expect, test } from 'vitest';
import { fleetPauseMs, readFleet } from '#kubernetes/fleet-size.ts';
import { FleetWatch } from '#agent/fleet-size.ts';
import { openLog } from '#output/log.ts';
import { everyGrant } from '../kit/kube-grants.ts';
import { kubeWorld, type KubeWorld } from '../kit/kube-world.ts';

const own = { namespace: 'drypull', name: 'drypull' };

function watchIn({ cluster, time }: KubeWorld, signal: AbortSignal, lines: string[] = []): FleetWatch {
  const log = openLog({ level: 'debug', node: 'node1', to: { write: (line) => lines.push(line) } });
  time.hold();
  return new FleetWatch(cluster, own, { random: () => 0.5, delay: time.delay, log, signal });
}

test('it is what the DaemonSet says, and a change is heard within ten minutes and some', async () => {
  await using world = await kubeWorld();
  world.kube.daemonSets.set('drypull/drypull', 5_000);
  const stopping = new AbortController();
  const watch = watchIn(world, stopping.signal);
  await watch.asked;
  expect(watch.agents).toBe(5_000);
  expect(world.time.pauses).toEqual([600_000]);
  world.kube.daemonSets.set('drypull/drypull', 3);
  world.time.advance(600_000);
  await world.kube.untilAsked('get apps/daemonsets', 2);
  await expect.poll(() => watch.agents).toBe(3);
  stopping.abort();
});

test('while the API server is away the last number holds', async () => {
  await using world = await kubeWorld();
  world.kube.daemonSets.set('drypull/drypull', 7);
  const stopping = new AbortController();
  const watch = watchIn(world, stopping.signal);
  await watch.asked;
  await world.kube.away();
  world.time.advance(600_000);
  await expect.poll(() => world.time.pauses.length).toBe(2);
  expect(watch.agents).toBe(7);
  stopping.abort();
});

describe('an agent that may not know', () => {
  test('takes its fleet for a large one, and says so once', async () => {
    await using world = await kubeWorld();
    world.kube.grants = new Set([...everyGrant].filter((grant) => grant !== 'get apps/daemonsets in drypull'));
    const stopping = new AbortController();
    const lines: string[] = [];
    const watch = watchIn(world, stopping.signal, lines);
    await watch.asked;
    expect(watch.agents).toBe(1_000);
    world.time.advance(60_000);
    await world.kube.untilAsked('get apps/daemonsets', 2);
    await expect.poll(() => world.time.pauses.length).toBe(2);
    expect(lines.filter((line) => line.includes('how many agents there are is not known'))).toHaveLength(1);
    stopping.abort();
  });

  test('hears of a DaemonSet of another name that there is none', async () => {
    await using world = await kubeWorld();
    expect(await readFleet(world.cluster, own)).toMatchObject({ ok: false, fault: { code: 'agent.cannot_see' } });
  });
});

test('a fleet together asks the API server ten times a second at most', () => {
  for (const agents of [1, 100, 5_000, 50_000, 1_000_000]) {
    expect(agents / (fleetPauseMs(agents, 0.5) / 1000)).toBeLessThanOrEqual(10);
    expect(fleetPauseMs(agents, 0)).toBeGreaterThanOrEqual(480_000);
  }
});
