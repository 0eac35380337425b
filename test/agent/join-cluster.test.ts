import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { catalogWriter } from '#catalog/publish.ts';
import { demandEntries, nodeEntries, platformEntries } from '#catalog/text.ts';
import { readWorkload } from '#catalog/workload.ts';
import { ownKinds } from '#catalog/workload-kinds.ts';
import { joinCluster, type Joined } from '#agent/join-cluster.ts';
import { openLog } from '#output/log.ts';
import { configOf, minute, ownTime, pulls, logged, started, type Running } from '../kit/agent.ts';
import { FakeKube, catalogToken } from '../kit/fake-kube.ts';
import { recordedJson } from '../kit/fake-kube-json.ts';
import { grantText } from '../kit/fake-kube-call.ts';
import { clusterOf } from '../kit/kube-world.ts';
import { templated } from '../kit/workloads.ts';

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
    const clusterState = await clusterIn(agent);
    expect(clusterState).toMatchObject({ isKnown: true, isStale: true, fault: 'agent.cannot_see' });
    expect(Math.abs(Date.parse(String(clusterState['asOf'])) - left)).toBeLessThan(2 * minute);
    expect((await agent.get('/node')).status).toBe(200);
    expect(logged(lines, 'the cluster is not seen: going on with what it said last')).toHaveLength(1);
    await kube.listen();
    await until(() => logged(lines, 'the cluster is seen again').length > 0);
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
    expect(logged(lines, 'the cluster is not seen: what its Pods ask for is not known')).toHaveLength(1);
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

describe('what is about to land', () => {
  const news = 'reg.test/news:1';

  /** As the catalog would have it: one Deployment that any node could get. */
  async function withCatalog(kube: FakeKube): Promise<void> {
    const object = { kind: 'Deployment', ...templated({ name: 'news', image: news, metadata: { uid: 'u1' } }) };
    const [deployments] = ownKinds;
    const workload = deployments === undefined ? undefined : readWorkload(object, deployments);
    const dependencies = { now: () => new Date(), delay: () => Promise.resolve(), random: () => 0.5 };
    const cluster = clusterOf(kube, catalogToken);
    const entries = [
      ...demandEntries(workload === undefined ? [] : [workload]),
      ...nodeEntries([{ name: 'node1', stratum: '' }]),
      ...platformEntries(['linux/arm64', 'linux/amd64']),
    ];
    expect(await catalogWriter(cluster, 'drypull', dependencies).publish(entries)).toMatchObject({ ok: true });
    await cluster.close();
  }

  test('is rehearsed after what is here, and less often; once a Pod wants it, as any other', async () => {
    const kube = await new FakeKube().listen();
    await withCatalog(kube);
    await using world = await together(kube, 'catalog: auto');
    const { agent } = world;
    await until(() => agent.passes.flat().includes(news));
    const passes = (): number => agent.passes.filter((pass) => pass.includes(news)).length;
    const [before, all] = [passes(), agent.passes.length];
    await pass(25 * minute);
    expect(agent.passes.length - all).toBeGreaterThanOrEqual(4);
    expect(passes()).toBe(before);
    const [first] = recordedJson('pods-list-before.json')['items'] as Record<string, unknown>[];
    const pod = { ...first, metadata: { name: 'news-1', namespace: 'shop', uid: 'news-1' } };
    const spec = { nodeName: 'node1', containers: [{ name: 'web', image: news, imagePullPolicy: 'IfNotPresent' }] };
    kube.emitPod('ADDED', { ...pod, spec, status: {} });
    await pass(12 * minute);
    expect(passes() - before).toBeGreaterThanOrEqual(2);
  });

  test('comes with what other nodes need builds for, which is said of the node', async () => {
    const kube = await new FakeKube().listen();
    await withCatalog(kube);
    const joined = joinCluster(clusterOf(kube), {
      config: configOf('images: []\ncatalog: auto'),
      nodeName: 'node1',
      env: {},
      now: () => new Date(),
      random: () => 0.5,
      log: openLog({ level: 'error', node: 'node1', to: { write: () => undefined } }),
    });
    await until(() => (joined.node()?.clusterPlatforms ?? []).length > 0);
    expect(joined.node()?.clusterPlatforms).toEqual(['linux/amd64', 'linux/arm64']);
    await joined.close();
    await kube.close();
  });

  test("is nobody's business where the configuration does not ask for it", async () => {
    const kube = await new FakeKube().listen();
    await withCatalog(kube);
    await using world = await together(kube);
    const { agent } = world;
    await until(() => agent.passes.length > 0);
    await pass(10 * minute);
    expect(agent.passes.flat()).not.toContain(news);
    expect(kube.calls.filter(({ resource, verb }) => resource === 'configmaps' && verb === 'watch')).toEqual([]);
  });

  test('is no trouble without the component: the images of the Pods are rehearsed as ever', async () => {
    const kube = await new FakeKube().listen();
    kube.grants = new Set([...kube.grants].filter((grant) => !grant.includes('configmaps')));
    await using world = await together(kube, 'catalog: auto');
    const { agent, lines } = world;
    await until(() => agent.passes.length > 0);
    await pass(30 * minute);
    expect(agent.passes[0]).toEqual(images);
    expect(logged(lines, 'no catalog is read: what is about to land on this node is not known')).toHaveLength(1);
    expect(lines.filter((line) => /"level":"(warn|error)"/.test(line))).toEqual([]);
    // Refused once in a few minutes.
    expect(kube.calls.filter(({ resource }) => resource === 'configmaps').length).toBeLessThan(25);
  });
});
