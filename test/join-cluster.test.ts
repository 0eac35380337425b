import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { joinCluster, type Joined } from '../src/join-cluster.ts';
import { openLog } from '../src/tell/log.ts';
import { configOf, minute, ownTime, pulls, said, started, type Running } from './kit/agent.ts';
import { FakeKube } from './kit/fake-kube.ts';
import { recordedJson } from './kit/fake-kube-json.ts';
import { grantText } from './kit/fake-kube-call.ts';
import { clusterOf } from './kit/kube-world.ts';

ownTime();

const images = ['localhost:5000/team/app:nope', 'nosuch.example.test/app:1'];

interface Together extends AsyncDisposable {
  readonly kube: FakeKube;
  readonly agent: Running;
  readonly lines: string[];
}

/** An agent whose rehearsals all pull, in a cluster, on a clock that is the test's. */
async function together(kube: FakeKube, settings = ''): Promise<Together> {
  const lines: string[] = [];
  const log = openLog({ level: 'debug', node: 'node1', to: { write: (line) => lines.push(line) } });
  const joined: Joined = joinCluster(clusterOf(kube), {
    config: configOf(`images: []\n${settings}`),
    nodeName: 'node1',
    env: {},
    now: () => new Date(),
    random: () => 0.5,
    log,
  });
  const passes: (readonly string[])[] = [];
  const agent = await started(`images: []\nschedule: 5m\n${settings}`, pulls, {
    cluster: joined,
    demands: () => joined.demands([], () => Promise.resolve({ sandboxImage: '' })),
    rehearse: async function* (demands) {
      passes.push(demands.map(({ written }) => written).toSorted());
      for (const { written, id } of demands)
        yield await Promise.resolve({ ...pulls(written), ...(id === undefined ? {} : { id }) });
    },
  });
  const dispose = async (): Promise<void> => {
    const stopped = agent.stop();
    for (let i = 0; i < 20; i += 1) await vi.advanceTimersByTimeAsync(1000);
    await stopped;
    await kube.close();
  };
  return { kube, agent: { ...agent, passes }, lines, [Symbol.asyncDispose]: dispose };
}

/** Time goes by, and the sockets get theirs. */
async function pass(ms: number): Promise<void> {
  const stepMs = 5000;
  for (let gone = 0; gone < ms; gone += stepMs) {
    await vi.advanceTimersByTimeAsync(Math.min(stepMs, ms - gone));
    for (let i = 0; i < 3; i += 1) await turn();
  }
}

async function until(so: () => boolean): Promise<void> {
  while (!so()) await pass(1000);
}

async function clusterIn(agent: Running): Promise<Record<string, unknown>> {
  return (JSON.parse((await agent.get('/node')).text) as { cluster: Record<string, unknown> }).cluster;
}

describe('an API server that is away', () => {
  test('for an hour: what it said last is rehearsed on, and its age is told, once in the log and in /node', async () => {
    await using world = await together(await new FakeKube().listen());
    const { kube, agent, lines } = world;
    await until(() => agent.passes.length > 0);
    expect(agent.passes[0]).toEqual(images);
    expect(await clusterIn(agent)).toMatchObject({ isKnown: true, isStale: false });
    const left = Date.now();
    await kube.away();
    await pass(60 * minute);
    expect(agent.passes.length).toBeGreaterThanOrEqual(12);
    expect(agent.passes.at(-1)).toEqual(images);
    const sight = await clusterIn(agent);
    expect(sight).toMatchObject({ isKnown: true, isStale: true, fault: 'agent.cannot_see' });
    expect(Math.abs(Date.parse(String(sight['asOf'])) - left)).toBeLessThan(2 * minute);
    expect((await agent.get('/node')).status).toBe(200);
    expect(said(lines, 'the cluster is not seen: going on with what it said last')).toHaveLength(1);
    await kube.listen();
    await until(() => said(lines, 'the cluster is seen again').length > 0);
    expect(await clusterIn(agent)).toMatchObject({ isStale: false });
  });

  test('from the start: nobody says that the node is ready, and when it comes its images are rehearsed', async () => {
    const kube = await new FakeKube().listen();
    await kube.away();
    await using world = await together(kube);
    const { agent, lines } = world;
    await pass(3 * minute);
    const answer = await agent.get('/node');
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toMatchObject({ is: 'unknown', cluster: { isKnown: false } });
    expect((await agent.get('/readyz')).status).toBe(200);
    expect(said(lines, 'the cluster is not seen: what its Pods ask for is not known')).toHaveLength(1);
    await kube.listen();
    await until(() => agent.passes.length > 0);
    expect(agent.passes[0]).toEqual(images);
    expect((await agent.get('/node')).status).toBe(200);
  });
});

describe('the condition', () => {
  test('is written once and beaten slowly while nothing changes', async () => {
    await using world = await together(await new FakeKube().listen(), 'nodeCondition: on');
    const { kube, agent } = world;
    const patches = (): number => kube.calls.filter((call) => grantText(call) === 'patch core/nodes/status').length;
    await until(() => patches() > 0);
    const before = agent.passes.length;
    await pass(35 * minute);
    expect(agent.passes.length - before).toBeGreaterThanOrEqual(6);
    expect(patches()).toBeLessThanOrEqual(5);
    expect(patches()).toBeGreaterThanOrEqual(3);
  });
});

describe('Pods', () => {
  test('that only change their status cost no pass', async () => {
    await using world = await together(await new FakeKube().listen());
    const { kube, agent } = world;
    await until(() => agent.passes.length > 0);
    const list = recordedJson('pods-list-before.json')['items'] as Record<string, unknown>[];
    for (let i = 0; i < 10; i += 1) for (const pod of list) kube.emitPod('MODIFIED', pod);
    await pass(minute);
    expect(agent.passes).toHaveLength(1);
  });
});
