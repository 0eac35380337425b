/** `drypull catalog`: connects the catalog to a cluster, its listener and the process. */
import { Command } from 'commander';
import { problemText, readConfig } from './agent.ts';
import { Catalog } from '#catalog/catalog.ts';
import { catalogNamespace } from '#config/namespaces.ts';
import { catalogWriter } from '#catalog/publish.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { watchWorkloads } from '#catalog/watch-workloads.ts';
import { ownKinds } from '#catalog/workload-kinds.ts';
import type { Config } from '#config/config.ts';
import { findCluster } from '#agent/join-cluster.ts';
import { aborted, delay, withTimeout } from '#timing.ts';
import type { ProcessContext } from './context.ts';
import { readOwnOptions } from './parse-options.ts';
import { listenForCatalog } from '#output/http/catalog-listener.ts';
import { type CatalogMetrics, openCatalogMetrics } from '#output/metrics/catalog.ts';
import { openLog } from '#output/log.ts';
import { adviceFor } from '#report/advice/advice.ts';

/** As in the agent: half of the time in which a Pod is expected to end. */
const graceMs = 2500;

/** The exit status: 0 after a signal, 2 where it could not start. */
export async function run(context: ProcessContext, logTo: typeof openLog = openLog): Promise<number> {
  const command = new Command('drypull catalog')
    .description('Watch the workloads of a cluster, and publish their images as ConfigMaps for the agents.')
    .option('--config <FILE>', 'YAML, the same file as for the agent (also DRYPULL_CONFIG)');
  const status = readOwnOptions(command, context);
  if (status !== undefined) return status;
  const { config: path } = command.opts<{ readonly config?: string }>();
  const read = await readConfig(path ?? context.env['DRYPULL_CONFIG'], context.env);
  if (!read.ok) return failed(context, problemText(read.problems));
  const { config } = read;
  const { env } = context;
  const log = logTo({ level: config.logLevel, node: 'catalog' });
  const found = await findCluster({ config, env, log });
  if (!found.ok) return failed(context, `drypull: ${adviceFor(found.fault, { requestedBy: [] }).cause}\n`);
  if (found.value === undefined) return failed(context, noCluster);
  return serve(found.value, { config, context, log });
}

const noCluster =
  'drypull: catalog needs a cluster, and none is configured. Run it in a Pod with a ServiceAccount, or set kubeconfig (DRYPULL_KUBECONFIG)\n';

function failed({ stderr }: ProcessContext, text: string): 2 {
  stderr.write(text);
  return 2;
}

async function serve(
  cluster: Cluster,
  {
    config,
    context,
    log,
  }: { readonly config: Config; readonly context: ProcessContext; readonly log: ReturnType<typeof openLog> },
): Promise<number> {
  const { now, random, signal, version, usage } = context;
  const namespace = await catalogNamespace(config);
  const dependencies = { now, random, delay };
  const kinds = [...ownKinds, ...config.catalogKinds];
  const catalog = new Catalog(
    {
      ...dependencies,
      watch: (onChange) =>
        watchWorkloads(cluster, { kinds, namespace, nodes: config.catalogNodes }, { ...dependencies, onChange }),
      writer: catalogWriter(cluster, namespace, dependencies),
      log,
    },
    () => metrics,
  );
  const metrics: CatalogMetrics = openCatalogMetrics({ state: () => catalog.state(), vitals: usage.vitals, version });
  const opened = await listenForCatalog(config.catalogListen, {
    scrape: metrics.scrape,
    notAlive: () => catalog.notAlive(),
    notReady: () => catalog.notReady(),
  });
  if (opened.ok) {
    context.stderr.write(`drypull ${version}: the catalog's metrics are at ${opened.value.url}\n`);
    log.info({ namespace, kinds: kinds.length }, 'catalog started');
    await aborted(signal);
    log.info({}, 'draining');
  }
  await withTimeout(catalog.close(), graceMs);
  await Promise.all([cluster.close(), opened.ok ? opened.value.close(graceMs) : undefined]);
  if (!opened.ok) return failed(context, `drypull: ${opened.why}\n`);
  log.info({}, 'drained');
  return 0;
}
