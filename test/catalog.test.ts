import { describe, expect, test } from 'vitest';
import { readingAgent, runningCatalog, until, written } from './kit/catalog-world.ts';
import { kubeWorld } from './kit/kube-world.ts';
import { agentPod, templated } from './kit/workloads.ts';

describe('a workload without a Pod', () => {
  test('is asked about by the node that could get one, with who wants it, and as about to come', async () => {
    await using world = await kubeWorld();
    const { kube } = world;
    kube.emitPod('ADDED', agentPod('node1'));
    kube.shelf.put('apps/deployments', templated({ name: 'web', image: 'reg.test/shop/web:2', spec: { replicas: 0 } }));
    await using catalog = runningCatalog(world);
    await written(catalog);
    await using agent = readingAgent(world);
    await until(async () => (await agent.demands()).length > 0);
    expect(await agent.demands()).toMatchObject([
      {
        written: 'reg.test/shop/web:2',
        policy: 'IfNotPresent',
        secrets: [],
        wantedBy: [{ kind: 'Deployment', namespace: 'shop', name: 'web', part: 'container web', coming: true }],
      },
    ]);
  });
});
