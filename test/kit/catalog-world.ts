/** `drypull catalog` and an agent's reading of it, on the fake API server and on a clock that skips pauses. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Demand } from '#pull/view.ts';
import { Catalog } from '../../src/catalog.ts';
import { catalogWriter } from '../../src/cluster/catalog-writer.ts';
import { type WorkloadKind, ownKinds, watchWorkloads } from '../../src/cluster/watch-workloads.ts';
import { watchDemand } from '../../src/cluster/watch-demand.ts';
import { ComingDemands } from '../../src/coming-demands.ts';
import { type CatalogMetrics, openCatalogMetrics } from '../../src/tell/catalog-metrics.ts';
import { openLog } from '../../src/tell/log.ts';
import { type FakeKube, catalogToken } from './fake-kube.ts';
import { type KubeWorld, clusterOf } from './kube-world.ts';
import { readImage } from './read-image.ts';

const patienceMs = 20_000;

/** Looked at on every turn of the event loop. */
export async function until(so: () => boolean | Promise<boolean>, what = 'it'): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await so())) {
    if (performance.now() > endMs) throw new Error(`${what} never came to be so`);
    await turn();
  }
}

export interface RunningCatalog extends AsyncDisposable {
  readonly catalog: Catalog;
  readonly lines: readonly string[];
  readonly said: (message: string) => readonly Record<string, unknown>[];
  readonly metrics: CatalogMetrics;
}

export function runningCatalog({ kube, time }: KubeWorld, kinds: readonly WorkloadKind[] = []): RunningCatalog {
  const lines: string[] = [];
  const log = openLog({ level: 'debug', node: 'catalog', to: { write: (line) => lines.push(line) } });
  const cluster = clusterOf(kube, catalogToken);
  const { outside } = time;
  const catalog = new Catalog(
    {
      ...outside,
      watch: (onChange) =>
        watchWorkloads(cluster, { kinds: [...ownKinds, ...kinds], namespace: 'drypull' }, { ...outside, onChange }),
      writer: catalogWriter(cluster, 'drypull', outside),
      log,
    },
    () => metrics,
  );
  const vitals = () => ({ cpuSeconds: 0, residentBytes: 0, startedAtS: 0 });
  const metrics = openCatalogMetrics({ state: () => catalog.state(), vitals, version: '0.1.0' });
  return {
    catalog,
    lines,
    said: (message) =>
      lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === message),
    metrics,
    [Symbol.asyncDispose]: async () => {
      await catalog.close();
      await cluster.close();
    },
  };
}

/** Until it has written so many times, or found nothing to write. */
export async function written({ catalog }: RunningCatalog, generation = 1): Promise<void> {
  await until(() => (catalog.state().published?.generation ?? 0) >= generation, `generation ${generation}`);
}

export interface ReadingAgent extends AsyncDisposable {
  readonly coming: ComingDemands;
  readonly demands: () => Promise<readonly Demand[]>;
  readonly lines: readonly string[];
}

/** The agent of the fake API server's Node. */
export function readingAgent({ kube, time }: KubeWorld): ReadingAgent {
  const lines: string[] = [];
  const log = openLog({ level: 'debug', node: 'node1', to: { write: (line) => lines.push(line) } });
  const cluster = clusterOf(kube);
  const { outside } = time;
  const watch = watchDemand(cluster, 'node1', {
    ...outside,
    readImage,
    onOutcome: () => undefined,
    onChange: () => coming?.recheck(),
  });
  const coming: ComingDemands | undefined = new ComingDemands(cluster, 'drypull', {
    ...outside,
    log,
    node: () => watch.current().node,
    onChange: () => undefined,
  });
  return {
    coming,
    demands: () => coming.demands(),
    lines,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([watch.close(), coming.close()]);
      await cluster.close();
    },
  };
}

/** The catalog's ConfigMaps as they stand: the index, and the chunks by name. */
export function configMaps(kube: FakeKube): readonly Record<string, unknown>[] {
  return kube.shelf.all('core/configmaps');
}
