/** `drypull catalog` and an agent's reading of it, on the fake API server and on a clock that skips pauses. */
import { gunzipSync } from 'node:zlib';
import { setImmediate as turn } from 'node:timers/promises';
import type { Demand } from '#node/view.ts';
import { Catalog } from '#catalog/catalog.ts';
import { catalogWriter } from '#catalog/publish.ts';
import { type WorkloadKind, ownKinds, watchWorkloads } from '#catalog/watch-workloads.ts';
import { watchDemand } from '#kubernetes/watch-demand.ts';
import { ComingDemands } from '#agent/upcoming-demands.ts';
import { type CatalogMetrics, openCatalogMetrics } from '#output/metrics/catalog.ts';
import { openLog } from '#output/log.ts';
import { type FakeKube, catalogToken } from './fake-kube.ts';
import { type Json, object, text } from './fake-kube-json.ts';
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

/** The event loop goes round so many times: whoever had something to do has done it. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await turn();
}

export interface RunningCatalog extends AsyncDisposable {
  readonly catalog: Catalog;
  readonly lines: readonly string[];
  readonly logged: (message: string) => readonly Record<string, unknown>[];
  readonly metrics: CatalogMetrics;
}

export function runningCatalog(
  { kube, time }: KubeWorld,
  { kinds = [], nodes = false }: { readonly kinds?: readonly WorkloadKind[]; readonly nodes?: boolean } = {},
): RunningCatalog {
  const lines: string[] = [];
  const log = openLog({ level: 'debug', node: 'catalog', to: { write: (line) => lines.push(line) } });
  const cluster = clusterOf(kube, catalogToken);
  const { dependencies } = time;
  const catalog = new Catalog(
    {
      ...dependencies,
      watch: (onChange) =>
        watchWorkloads(
          cluster,
          { kinds: [...ownKinds, ...kinds], namespace: 'drypull', nodes },
          { ...dependencies, onChange },
        ),
      writer: catalogWriter(cluster, 'drypull', dependencies),
      log,
    },
    () => metrics,
  );
  const vitals = () => ({ cpuSeconds: 0, residentBytes: 0, startedAtS: 0 });
  const metrics = openCatalogMetrics({ state: () => catalog.state(), vitals, version: '0.1.0' });
  return {
    catalog,
    lines,
    logged: (message) =>
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
  const { dependencies } = time;
  const watch = watchDemand(cluster, 'node1', {
    ...dependencies,
    readImage,
    onOutcome: () => undefined,
    onChange: () => coming?.recheck(),
  });
  const coming: ComingDemands | undefined = new ComingDemands(cluster, 'drypull', {
    ...dependencies,
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
export function configMaps(kube: FakeKube): readonly Json[] {
  return kube.shelf.all('core/configmaps');
}

/** What a reader of this moment would find: the lines of the chunks that the index names, or a complaint that one is not there. */
export function linesOf(kube: FakeKube): readonly Json[] {
  const all = new Map(configMaps(kube).map((one) => [text(one, 'metadata', 'name'), one]));
  const names = text(all.get('drypull-catalog') ?? {}, 'data', 'chunks')
    .split('\n')
    .filter(Boolean);
  return names.flatMap((name) => {
    const chunk = all.get(name);
    if (chunk === undefined) throw new Error(`the index names ${name}, which is not there`);
    const data = Buffer.from(text(chunk, 'binaryData', 'lines.gz'), 'base64');
    return gunzipSync(data)
      .toString('utf8')
      .split('\n')
      .map((line) => object(JSON.parse(line)));
  });
}
