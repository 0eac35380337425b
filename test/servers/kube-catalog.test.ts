/** The catalog and an agent that reads it, each with the rights of its own ServiceAccount, on Kubernetes' own API server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Catalog } from '#catalog/catalog.ts';
import { catalogWriter } from '#catalog/publish.ts';
import { type Cluster, connectByFile } from '#kubernetes/api/connect.ts';
import { watchDemand } from '#kubernetes/watch-demand.ts';
import { ownKinds, watchWorkloads } from '#catalog/watch-workloads.ts';
import { ComingDemands } from '#agent/upcoming-demands.ts';
import { openCatalogMetrics } from '#output/metrics/catalog.ts';
import { openLog } from '#output/log.ts';
import { type Json, text } from '../kit/fake-kube-json.ts';
import { needs } from '../kit/installed.ts';
import { hasKubeApiserver, KubeApiserver } from '../kit/kube-apiserver.ts';
import { Hands, realOutside } from '../kit/kube-hands.ts';
import { readImage } from '../kit/read-image.ts';
import { cronJob, templated, type WorkloadRequest } from '../kit/workloads.ts';

const soon = { timeout: 30_000, interval: 100 };

/** As the API server wants it: with a selector that meets the template's labels. */
function workload(kind: string, request: WorkloadRequest): Json {
  const spec = kind === 'Job' ? {} : { selector: { matchLabels: { app: 'a' } } };
  const pod = kind === 'Job' ? { restartPolicy: 'Never', ...request.pod } : request.pod;
  const group = kind === 'Job' ? 'batch/v1' : 'apps/v1';
  return { apiVersion: group, kind, ...templated({ ...request, ...(pod === undefined ? {} : { pod }), spec }) };
}

describe.runIf(hasKubeApiserver() && needs(['kubectl']))('a real API server', { timeout: 120_000 }, () => {
  let server: KubeApiserver;
  let hands: Hands;
  let catalog: Catalog;
  let coming: ComingDemands;
  const ends: (() => Promise<unknown>)[] = [];
  const lines: string[] = [];

  beforeAll(async () => {
    server = await KubeApiserver.open();
    hands = await Hands.on(server);
    await hands.install('catalog', 'catalog-nodes');
    // The API server gives it to each new Node, and no controller is here to take it away.
    await hands.kubectl(['taint', 'node', 'node1', 'node.kubernetes.io/not-ready:NoSchedule-']);
    await server.admin('PATCH', '/api/v1/namespaces/shop/serviceaccounts/default', {
      imagePullSecrets: [{ name: 'hub' }],
    });
    await server.admin('POST', '/api/v1/namespaces/drypull/pods', {
      metadata: { name: 'drypull-1', labels: { 'app.kubernetes.io/name': 'drypull' } },
      spec: {
        nodeName: 'node1',
        serviceAccountName: 'drypull',
        containers: [{ name: 'drypull', image: 'reg.test/drypull:1' }],
      },
    });
    await hands.apply([
      workload('Deployment', { name: 'web', image: 'reg.test/web:1' }),
      workload('StatefulSet', { name: 'db', image: 'reg.test/db:1' }),
      workload('Job', { name: 'once', image: 'reg.test/once:1' }),
      workload('DaemonSet', {
        name: 'elsewhere',
        image: 'reg.test/elsewhere:1',
        pod: { nodeSelector: { pool: 'gpu' } },
      }),
      {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        ...cronJob({ name: 'nightly', image: 'reg.test/nightly:1', pod: { restartPolicy: 'Never' } }),
      },
    ]);
    const own = await as('drypull-catalog');
    const log = openLog({ level: 'debug', node: 'catalog', to: { write: (line) => lines.push(line) } });
    const vitals = () => ({ cpuSeconds: 0, residentBytes: 0, startedAtS: 0 });
    catalog = new Catalog(
      {
        ...realOutside,
        watch: (onChange) =>
          watchWorkloads(own, { kinds: ownKinds, namespace: 'drypull', nodes: true }, { ...realOutside, onChange }),
        writer: catalogWriter(own, 'drypull', realOutside),
        log,
      },
      () => openCatalogMetrics({ state: () => catalog.state(), vitals, version: '' }),
    );
    const cluster = await hands.agent();
    const recheck = (): void => coming.recheck();
    const world = { ...realOutside, readImage, onOutcome: () => undefined, onChange: recheck };
    const watch = watchDemand(cluster, 'node1', world);
    coming = new ComingDemands(cluster, 'drypull', {
      ...realOutside,
      log,
      node: () => watch.current().node,
      onChange: () => undefined,
    });
    ends.push(
      () => catalog.close(),
      () => watch.close(),
      () => coming.close(),
      () => own.close(),
      () => cluster.close(),
    );
  }, 120_000);

  afterAll(async () => {
    for (const end of ends) await end();
    await server[Symbol.asyncDispose]();
  });

  async function as(account: string): Promise<Cluster> {
    const connected = connectByFile(await server.kubeconfig(await server.tokenOf('drypull', account)));
    if (!connected.ok) throw new Error(connected.fault.code);
    return connected.value;
  }

  const wanted = async (): Promise<readonly string[]> => {
    const demands = await coming.demands();
    const own = demands.filter(({ requestedBy }) => requestedBy[0]?.namespace === 'shop');
    return own.map(({ written, secrets }) => [written, ...secrets.map(({ name }) => name)].join(' ')).toSorted();
  };
  const images = (...names: readonly string[]): readonly string[] => names.map((name) => `reg.test/${name}:1 hub`);

  test('tells the agent what its node could get, with the secrets that admission would add', async () => {
    await expect.poll(wanted, soon).toEqual(images('db', 'nightly', 'once', 'web'));
    expect(catalog.state().kinds.filter(({ isSeen }) => !isSeen)).toEqual([]);
  });

  test('takes a change as one more generation, and keeps no chunk that is not named', async () => {
    const { published } = catalog.state();
    await hands.apply([workload('Deployment', { name: 'news', image: 'reg.test/news:1' })]);
    await expect.poll(wanted, soon).toEqual(images('db', 'news', 'nightly', 'once', 'web'));
    expect(catalog.state().published?.generation).toBe((published?.generation ?? 0) + 1);
    const names = async (): Promise<readonly string[]> => {
      const { items } = await server.admin('GET', '/api/v1/namespaces/drypull/configmaps');
      return (items as readonly Json[])
        .map((one) => text(one, 'metadata', 'name'))
        .filter((name) => name.startsWith('drypull-catalog'));
    };
    await expect.poll(async () => (await names()).length, soon).toBe(2);
  });

  test('refuses the catalog nothing that it asks', async () => {
    const calls = (await server.audited()).filter(({ user }) => user.endsWith(':drypull-catalog'));
    expect(calls.length).toBeGreaterThan(10);
    expect(calls.filter(({ code }) => code === 401 || code === 403)).toEqual([]);
    expect(lines.filter((line) => /"level":"(warn|error)"/.test(line))).toEqual([]);
  });
});
