import { describe, expect, test } from 'vitest';
import type { WorkloadKind } from '#catalog/watch-workloads.ts';
import { configMaps, linesOf, readingAgent, runningCatalog, turns, until, written } from '../kit/catalog-world.ts';
import { grantText, scopedText } from '../kit/fake-kube-call.ts';
import { text } from '../kit/fake-kube-json.ts';
import type { FakeKube } from '../kit/fake-kube.ts';
import { catalogNodesGrants } from '../kit/kube-grants.ts';
import { type KubeWorld, kubeWorld } from '../kit/kube-world.ts';
import { agentPod, cronJob, ownedBy, templated } from '../kit/workloads.ts';

const rollouts: WorkloadKind = {
  group: 'argoproj.io',
  version: 'v1alpha1',
  plural: 'rollouts',
  template: ['spec', 'template'],
};
const images = (kube: FakeKube): readonly string[] =>
  [...new Set(linesOf(kube).flatMap((line) => text(line, 'demand', 'image') || []))].toSorted();
const writes = (kube: FakeKube): readonly string[] =>
  kube.written.map(({ call }) => `${call.verb} ${call.name}`.trim());

/** One of each kind, each with an image of its own. */
function everyKind({ kube }: KubeWorld): void {
  const put = (kind: string, image: string): unknown =>
    kube.shelf.put(kind, templated({ name: image, image: `reg.test/${image}:1` }));
  put('apps/deployments', 'deployment');
  put('apps/statefulsets', 'statefulset');
  put('apps/daemonsets', 'daemonset');
  put('apps/replicasets', 'replicaset');
  put('batch/jobs', 'job');
  kube.shelf.put('batch/cronjobs', cronJob({ name: 'cronjob', image: 'reg.test/cronjob:1' }));
}

/** One workload and one agent; the catalog has been written and is gone. */
async function publishOne(world: KubeWorld): Promise<void> {
  world.kube.emitPod('ADDED', agentPod('node1'));
  world.kube.shelf.put('apps/deployments', templated({ name: 'web' }));
  await using catalog = runningCatalog(world);
  await written(catalog);
}

describe('the catalog', () => {
  test('has every kind of workload in it, and leaves to owners what is theirs', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    everyKind(world);
    kube.shelf.put(
      'apps/replicasets',
      templated({ name: 'old', image: 'reg.test/owned:1', metadata: ownedBy('Deployment') }),
    );
    await using running = runningCatalog(world);
    await written(running);
    expect(images(kube)).toEqual(
      ['cronjob', 'daemonset', 'deployment', 'job', 'replicaset', 'statefulset'].map((name) => `reg.test/${name}:1`),
    );
    expect(running.catalog.notReady()).toBeUndefined();
  });

  test('has kinds that the configuration names', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    kube.installed.add('argoproj.io/rollouts');
    kube.catalogGrants = new Set([...kube.catalogGrants, 'list argoproj.io/rollouts', 'watch argoproj.io/rollouts']);
    kube.shelf.put('argoproj.io/rollouts', { kind: 'Rollout', ...templated({ name: 'web', image: 'reg.test/own:1' }) });
    await using running = runningCatalog(world, { kinds: [rollouts] });
    await written(running);
    expect(images(kube)).toEqual(['reg.test/own:1']);
    expect(JSON.stringify(linesOf(kube))).toContain('"kind":"Rollout"');
  });

  test('goes on without a kind that may not be read or is not installed, and says so once', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    everyKind(world);
    kube.catalogGrants = new Set(
      [...kube.catalogGrants, 'list argoproj.io/rollouts'].filter((grant) => !grant.endsWith('batch/jobs')),
    );
    await using running = runningCatalog(world, { kinds: [rollouts] });
    await written(running);
    expect(images(kube)).toHaveLength(5);
    expect(images(kube)).not.toContain('reg.test/job:1');
    await kube.untilAsked('list batch/jobs', 4);
    expect(
      running
        .logged('a kind is left out')
        .map(({ kind }) => kind)
        .toSorted(),
    ).toEqual(['jobs.batch', 'rollouts.argoproj.io']);
    const { body } = await running.metrics.scrape();
    expect(body).toContain('drypull_catalog_kind_seen{kind="jobs.batch"} 0');
    expect(body).toContain('drypull_catalog_kind_seen{kind="deployments.apps"} 1');
    expect(body).toContain('drypull_catalog_objects{kind="deployments.apps"} 1');
    kube.catalogGrants = new Set([...kube.catalogGrants, 'list batch/jobs', 'watch batch/jobs']);
    await written(running, 2);
    expect(images(kube)).toContain('reg.test/job:1');
    expect(running.logged('a kind is seen again').map(({ kind }) => kind)).toContain('jobs.batch');
  });

  test('is one generation or the next, whatever moment one looks at it', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    for (let i = 0; i < 3000; i += 1)
      kube.shelf.put('apps/deployments', templated({ name: `app-${i}`, image: `reg.test/app-${i}:1` }));
    await using running = runningCatalog(world);
    await written(running);
    const counts = new Set<number>();
    const readView = (): boolean => {
      counts.add(linesOf(kube).length);
      return false;
    };
    void kube.until(readView);
    const before = configMaps(kube).length;
    kube.shelf.put('apps/deployments', templated({ name: 'one-more', image: 'reg.test/one-more:1' }));
    await written(running, 2);
    expect(linesOf(kube)).toHaveLength(3001);
    expect([...counts].filter((count) => count !== 3000 && count !== 3001)).toEqual([]);
    expect(configMaps(kube)).toHaveLength(before);
    expect(before).toBeGreaterThan(2);
    // The chunk it is in, and the index; the old chunk goes.
    expect(writes(kube).slice(-3)).toEqual([
      'create',
      'update drypull-catalog',
      expect.stringMatching(/^delete drypull-catalog-[0-9a-f]{32}$/),
    ]);
  });

  test('holds 20,000 workloads in ConfigMaps of at most 900 kB', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    for (let i = 0; i < 20_000; i += 1) {
      const image = `registry-${i % 7}.example.test/team-${i % 200}/service-${i % 12_000}:v${i % 90}`;
      kube.shelf.put('apps/deployments', templated({ name: `service-${i}`, namespace: `team-${i % 200}`, image }));
    }
    await using running = runningCatalog(world);
    await written(running);
    expect(running.catalog.state()).toMatchObject({ published: { demands: linesOf(kube).length } });
    const wanters = linesOf(kube).reduce((sum, { demand }) => sum + (demand as { wanters: number }).wanters, 0);
    expect(wanters).toBe(20_000);
    for (const configMap of configMaps(kube)) {
      const data = text(configMap, 'binaryData', 'lines.gz') || text(configMap, 'data', 'chunks');
      expect(Buffer.from(data, 'base64').length).toBeLessThan(900_000);
    }
  });
});

describe('writing', () => {
  test('a burst of changes is written once, and the next one not within ten seconds', async () => {
    await using world = await kubeWorld();
    const { kube, time } = world;
    kube.shelf.put('apps/deployments', templated({ name: 'web' }));
    time.hold();
    await using running = runningCatalog(world);
    const state = () => running.catalog.state();
    await until(() => {
      time.advance(100);
      return state().published?.generation === 1 && kube.watches >= 7;
    });
    const writtenMs = state().writtenMs ?? 0;
    const before = writes(kube).length;
    for (let i = 0; i < 20; i += 1) {
      kube.shelf.put('apps/deployments', templated({ name: `more-${i}`, image: `reg.test/more-${i}:1` }));
    }
    await until(() => state().kinds[0]?.objects === 21);
    while (time.now().getTime() < writtenMs + 9900) {
      time.advance(100);
      await turns(3);
      expect(writes(kube)).toHaveLength(before);
    }
    await until(() => {
      time.advance(100);
      return state().published?.generation === 2;
    });
    expect(state().writtenMs).toBeGreaterThanOrEqual(writtenMs + 10_000);
    expect(images(kube)).toHaveLength(21);
  });

  test('what changes in a status, and no demand, writes nothing', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    kube.shelf.put('apps/deployments', templated({ name: 'web' }));
    await using running = runningCatalog(world);
    await written(running);
    const before = writes(kube).length;
    kube.shelf.put('apps/deployments', templated({ name: 'web', status: { readyReplicas: 3 } }));
    kube.shelf.put('apps/deployments', templated({ name: 'web', spec: { replicas: 7 } }));
    kube.shelf.put('apps/deployments', templated({ name: 'last', image: 'reg.test/last:1' }));
    await written(running, 2);
    expect(writes(kube).slice(before)).toHaveLength(3);
    expect(running.catalog.state().published?.generation).toBe(2);
  });

  test('a restart reads what stands and writes nothing', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    everyKind(world);
    kube.emitPod('ADDED', agentPod('node1'));
    {
      await using running = runningCatalog(world);
      await written(running);
    }
    const before = writes(kube).length;
    await using again = runningCatalog(world);
    await written(again);
    expect(again.catalog.state()).toMatchObject({ published: { generation: 1, demands: 6, nodes: 1 } });
    expect(again.catalog.state()).not.toHaveProperty('writtenMs');
    expect(writes(kube)).toHaveLength(before);
  });

  test('a conflict is met by reading anew: of two writers each ends with the same catalog', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    kube.shelf.put('apps/deployments', templated({ name: 'web' }));
    await using one = runningCatalog(world);
    await written(one);
    await using other = runningCatalog(world);
    await written(other);
    kube.shelf.put('apps/deployments', templated({ name: 'news', image: 'reg.test/news:1' }));
    await written(one, 2);
    await written(other, 2);
    expect(images(kube)).toEqual(['reg.test/app:1', 'reg.test/news:1']);
    expect(linesOf(kube)).toHaveLength(2);
    expect(running(kube)).toBe(2);
  });

  test('an answer that is lost is no second generation', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    kube.shelf.put('apps/deployments', templated({ name: 'web' }));
    kube.loseAnswers((call) => call.verb === 'create', 2);
    await using catalog = runningCatalog(world);
    await written(catalog);
    expect(running(kube)).toBe(1);
    expect(linesOf(kube)).toHaveLength(1);
    expect(catalog.logged('the catalog cannot be written: the old one stands').length).toBeGreaterThan(0);
    expect(catalog.logged('the catalog can be written again')).toHaveLength(1);
  });

  test('what somebody deletes comes back, and what nobody names goes', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    kube.shelf.put('apps/deployments', templated({ name: 'web' }));
    await using catalog = runningCatalog(world);
    await written(catalog);
    const [chunk = {}] = configMaps(kube).filter((one) => 'binaryData' in one);
    kube.shelf.remove('core/configmaps', `drypull/${text(chunk, 'metadata', 'name')}`);
    const metadata = { namespace: 'drypull', labels: { 'app.kubernetes.io/name': 'drypull-catalog' } };
    kube.shelf.put('core/configmaps', { metadata: { ...metadata, name: 'drypull-catalog-left' } });
    await written(catalog, 2);
    expect(images(kube)).toEqual(['reg.test/app:1']);
    expect(configMaps(kube)).toHaveLength(2);
  });

  test('without the right to write it says so, and stands ready to', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    const all = kube.catalogGrants;
    kube.catalogGrants = new Set([...all].filter((grant) => !grant.startsWith('create')));
    kube.shelf.put('apps/deployments', templated({ name: 'web' }));
    await using catalog = runningCatalog(world);
    await kube.until(({ calls }) => calls.filter(({ verb }) => verb === 'create').length > 3);
    expect(catalog.catalog.notReady()).toBe('the catalog has not been written yet');
    expect(catalog.catalog.notAlive()).toBeUndefined();
    expect(catalog.logged('the catalog cannot be written: the old one stands')).toMatchObject([
      { fault: { code: 'agent.not_allowed' } },
    ]);
    kube.catalogGrants = all;
    await written(catalog);
    expect((await catalog.metrics.scrape()).body).toMatch(/drypull_catalog_writes_total\{outcome="ok"\} 1\n/);
  });
});

/** The generation that the index names. */
function running(kube: FakeKube): number {
  return Number(configMaps(kube).flatMap((one) => text(one, 'data', 'generation') || [])[0]);
}

describe('an API server', () => {
  test('that is away for an hour costs nothing that was known', async () => {
    await using world = await kubeWorld();
    const { kube, time } = world;
    everyKind(world);
    await using catalog = runningCatalog(world);
    await written(catalog);
    const before = linesOf(kube);
    const left = time.now().getTime();
    await kube.away();
    await until(() => time.now().getTime() - left > 3_600_000);
    expect(catalog.catalog.notAlive()).toBeUndefined();
    expect(catalog.catalog.notReady()).toBeUndefined();
    await kube.listen();
    kube.shelf.put('apps/deployments', templated({ name: 'news', image: 'reg.test/news:1' }));
    await written(catalog, 2);
    expect(linesOf(kube)).toHaveLength(before.length + 1);
  });

  test('that has forgotten the version (410) is listed anew', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    everyKind(world);
    await using catalog = runningCatalog(world);
    await written(catalog);
    await until(() => kube.watches >= 7);
    await kube.away();
    kube.shelf.remove('apps/deployments', 'shop/deployment');
    kube.shelf.put('apps/deployments', templated({ name: 'news', image: 'reg.test/news:1' }));
    kube.compact();
    await kube.listen();
    await until(() => images(kube).includes('reg.test/news:1'));
    expect(images(kube)).not.toContain('reg.test/deployment:1');
    expect(images(kube)).toHaveLength(6);
  });

  test('that is slow with one kind is waited for: nothing is written that lacks it', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    everyKind(world);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    kube.script((call) => call.resource === 'jobs', { is: 'slow', until: promise });
    await using catalog = runningCatalog(world);
    await until(() => kube.watches >= 6);
    expect(writes(kube)).toEqual([]);
    resolve(undefined);
    await written(catalog);
    expect(images(kube)).toHaveLength(6);
  });

  test('is asked in pages', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    for (let i = 0; i < 600; i += 1)
      kube.shelf.put('apps/deployments', templated({ name: `app-${i}`, image: `reg.test/app-${i}:1` }));
    await using catalog = runningCatalog(world);
    await written(catalog);
    expect(kube.calls.filter((call) => grantText(call) === 'list apps/deployments')).toHaveLength(12);
    expect(images(kube)).toHaveLength(600);
  });
});

test('the catalog calls what its roles grant, and its roles grant what it calls', async () => {
  await using world = await kubeWorld();
  const { kube } = world;
  kube.catalogGrants = new Set([...kube.catalogGrants, ...catalogNodesGrants]);
  kube.shelf.put('apps/deployments', templated({ name: 'web' }));
  {
    await using catalog = runningCatalog(world, { nodes: true });
    await written(catalog);
    kube.shelf.put('apps/deployments', templated({ name: 'web', image: 'reg.test/app:2' }));
    await written(catalog, 2);
    await until(() => kube.watches >= 8);
  }
  expect(new Set(kube.calls.map(scopedText))).toEqual(kube.catalogGrants);
});

describe('an agent', () => {
  test('keeps what its node could get, with who wants it, and drops the rest', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    kube.emitPod('ADDED', agentPod('node1'));
    const put = (name: string, pod: object): unknown =>
      kube.shelf.put('apps/deployments', templated({ name, image: `reg.test/${name}:1`, pod: { ...pod } }));
    put('anywhere', {});
    put('here', { nodeSelector: { 'kubernetes.io/hostname': 'node1' } });
    put('elsewhere', { nodeSelector: { 'kubernetes.io/hostname': 'node2' } });
    put('another', { nodeName: 'node2' });
    await using catalog = runningCatalog(world);
    await written(catalog);
    await using agent = readingAgent(world);
    await until(async () => (await agent.demands()).length > 0);
    const demands = await agent.demands();
    expect(demands.map(({ written: image }) => image).toSorted()).toEqual(['reg.test/anywhere:1', 'reg.test/here:1']);
    expect(demands[0]?.requestedBy[0]).toMatchObject({ kind: 'Deployment', namespace: 'shop', coming: true });
  });

  test('drops what its node cannot get any more, once it is tainted', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    kube.emitPod('ADDED', agentPod('node1'));
    kube.shelf.put('apps/deployments', templated({ name: 'web' }));
    await using catalog = runningCatalog(world);
    await written(catalog);
    await using agent = readingAgent(world);
    await until(async () => (await agent.demands()).length === 1);
    kube.setNode({ ...kube.node, spec: { taints: [{ key: 'out', effect: 'NoSchedule' }] } });
    await until(async () => (await agent.demands()).length === 0);
    kube.setNode({ ...kube.node, spec: { unschedulable: false } });
    await until(async () => (await agent.demands()).length === 1);
  });

  test('is told the labels and taints of the others where the catalog may list the Nodes', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    kube.catalogGrants = new Set([...kube.catalogGrants, ...catalogNodesGrants]);
    kube.emitPod('ADDED', agentPod('node1'));
    kube.emitPod('ADDED', agentPod('unseen', 'b'));
    const { metadata } = kube.node as { metadata: { labels: object } };
    const labels = { ...metadata.labels, pool: 'gpu', 'topology.kubernetes.io/zone': 'a', other: 'x' };
    const taints = [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }];
    kube.setNode({ ...kube.node, metadata: { ...metadata, labels }, spec: { taints } });
    const gpu = { nodeSelector: { pool: 'gpu' }, tolerations: [{ key: 'gpu', operator: 'Exists' }] };
    kube.shelf.put('apps/deployments', templated({ name: 'train', image: 'reg.test/train:1', pod: gpu }));
    await using catalog = runningCatalog(world, { nodes: true });
    await written(catalog);
    expect(linesOf(kube).flatMap(({ node }) => node ?? [])).toEqual(
      expect.arrayContaining([
        {
          name: 'node1',
          stratum: 'amd64 a',
          place: { labels: { 'kubernetes.io/os': 'linux', pool: 'gpu' }, taints, unschedulable: false },
        },
        { name: 'unseen', stratum: 'b' },
      ]),
    );
    await using agent = readingAgent(world);
    await until(async () => (await agent.demands()).length === 1);
  });

  test('is told what the other nodes need builds for, with an agent or without, but for those of another system', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    kube.catalogGrants = new Set([...kube.catalogGrants, ...catalogNodesGrants]);
    kube.emitPod('ADDED', agentPod('node1'));
    const other = (name: string, operatingSystem: string, architecture: string) => ({
      metadata: { name, uid: name },
      status: { nodeInfo: { operatingSystem, architecture } },
    });
    kube.fleet = [
      kube.node,
      other('a', 'linux', 'arm64'),
      other('b', 'linux', 'arm64'),
      other('w', 'windows', 'amd64'),
      other('x', 'linux', '<none>'),
    ];
    kube.shelf.put('apps/deployments', templated({ name: 'web' }));
    await using catalog = runningCatalog(world, { nodes: true });
    await written(catalog);
    await using agent = readingAgent(world);
    await until(async () => (await agent.demands()).length === 1);
    expect(agent.coming.platforms()).toEqual(['linux/amd64', 'linux/arm64']);
  });

  test('is told nothing of other nodes where the catalog may not list them', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    kube.emitPod('ADDED', agentPod('node1'));
    kube.shelf.put(
      'apps/deployments',
      templated({ name: 'web', pod: { nodeSelector: { 'kubernetes.io/arch': 'amd64' } } }),
    );
    await using catalog = runningCatalog(world);
    await written(catalog);
    await using agent = readingAgent(world);
    await until(async () => (await agent.demands()).length === 1);
    expect(agent.coming.platforms()).toEqual([]);
    // Where its Pods may land it says all the same.
    expect(await agent.demands()).toMatchObject([{ architectures: ['amd64'] }]);
  });

  test('leaves to other nodes what three of them ask about', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    for (let i = 1; i <= 30; i += 1) kube.emitPod('ADDED', agentPod(`node${i}`));
    for (let i = 0; i < 200; i += 1)
      kube.shelf.put('apps/deployments', templated({ name: `app-${i}`, image: `reg.test/app-${i}:1` }));
    await using catalog = runningCatalog(world);
    await written(catalog);
    await using agent = readingAgent(world);
    await until(async () => (await agent.demands()).length > 0);
    const { length } = await agent.demands();
    // A tenth of 200, give or take.
    expect(length).toBeGreaterThan(5);
    expect(length).toBeLessThan(45);
  });

  test('takes the pull secrets of the Pod, else those of its ServiceAccount, and says when it may not read that', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    kube.emitPod('ADDED', agentPod('node1'));
    kube.shelf.put('core/serviceaccounts', {
      metadata: { name: 'builder', namespace: 'shop' },
      imagePullSecrets: [{ name: 'of-account' }],
    });
    const put = (name: string, pod: object): unknown =>
      kube.shelf.put('apps/deployments', templated({ name, image: `reg.test/${name}:1`, pod: { ...pod } }));
    put('own', { imagePullSecrets: [{ name: 'of-pod' }], serviceAccountName: 'builder' });
    put('account', { serviceAccountName: 'builder' });
    put('none', {});
    await using catalog = runningCatalog(world);
    await written(catalog);
    const secretsOf = async (agent: ReturnType<typeof readingAgent>) => {
      await until(async () => (await agent.demands()).length === 3);
      const demands = (await agent.demands()).toSorted((a, b) => (a.written < b.written ? -1 : 1));
      return demands.map(({ secrets }) =>
        secrets.map(({ name, state }) => [name, state.is === 'unseen' ? state.why : state.is]),
      );
    };
    {
      await using agent = readingAgent(world);
      expect(await secretsOf(agent)).toEqual([[['of-account', 'not_given']], [], [['of-pod', 'not_given']]]);
      const asked = kube.calls.filter(({ resource }) => resource === 'serviceaccounts').map(({ name }) => name);
      expect(asked.toSorted()).toEqual(['builder', 'default']);
    }
    kube.grants = new Set([...kube.grants].filter((grant) => !grant.includes('serviceaccounts')));
    await using agent = readingAgent(world);
    expect(await secretsOf(agent)).toEqual([
      [['of ServiceAccount builder', 'forbidden']],
      [['of ServiceAccount default', 'forbidden']],
      [['of-pod', 'not_given']],
    ]);
  });

  test('stays with the generation that is whole while the next one is not', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    await publishOne(world);
    await using agent = readingAgent(world);
    await until(async () => (await agent.demands()).length === 1);
    const [index = {}] = configMaps(kube).filter((one) => 'data' in one);
    const torn = { generation: '9', chunks: 'drypull-catalog-00000000000000000000000000000000' };
    kube.shelf.put('core/configmaps', { ...index, data: torn });
    // The node's labels are others: everything is read again, as far as it can be.
    const { metadata } = kube.node as { metadata: { labels: object } };
    kube.setNode({ ...kube.node, metadata: { ...metadata, labels: { ...metadata.labels, more: 'yes' } } });
    await turns(200);
    expect(await agent.demands()).toHaveLength(1);
    kube.shelf.put('core/configmaps', index);
    kube.shelf.put('apps/deployments', templated({ name: 'news', image: 'reg.test/news:1' }));
    await using catalog = runningCatalog(world);
    await written(catalog, 2);
    await until(async () => (await agent.demands()).length === 2);
  });

  test('knows nothing of the kind without the component, and says so once and quietly', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    kube.grants = new Set([...kube.grants].filter((grant) => !grant.includes('configmaps')));
    await using agent = readingAgent(world);
    await kube.untilAsked('list core/configmaps', 5);
    expect(await agent.demands()).toEqual([]);
    const logged = agent.lines.map((line) => JSON.parse(line) as { level: string; msg: string });
    expect(logged).toMatchObject([
      { level: 'info', msg: 'no catalog is read: what is about to land on this node is not known' },
    ]);
  });

  test('forgets the catalog where it was taken away', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    await publishOne(world);
    await using agent = readingAgent(world);
    await until(async () => (await agent.demands()).length === 1);
    for (const one of configMaps(kube))
      kube.shelf.remove('core/configmaps', `drypull/${text(one, 'metadata', 'name')}`);
    await until(async () => (await agent.demands()).length === 0);
  });
});
