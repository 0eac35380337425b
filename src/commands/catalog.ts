/** `drypull catalog`: joins the catalog's life to a cluster, its listener and the terminal. */
import { Command } from 'commander';
import { problemText, readConfig } from './agent.ts';
import { Catalog } from '#catalog/catalog.ts';
import { catalogNamespace } from '#config/catalog-namespace.ts';
import { catalogWriter } from '#catalog/publish.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { ownKinds, watchWorkloads } from '#catalog/watch-workloads.ts';
import type { Config } from '#config/config.ts';
import { findCluster } from '#agent/join-cluster.ts';
import { delay } from '#agent/delay.ts';
import type { ProcessContext } from '#main.ts';
import { readOwnOptions } from './parse-options.ts';
import { listenForCatalog } from '#output/http/catalog-listener.ts';
import { type CatalogMetrics, openCatalogMetrics } from '#output/metrics/catalog.ts';
import { openLog } from '#output/log.ts';
import { adviceFor } from '#report/advice/advice.ts';
import { within } from '#agent/with-timeout.ts';

/** As the agent's: half of the time in which a Pod is expected to leave. */
const graceMs = 2500;

/** The exit status: 0 after a signal, 2 where it could not start. */
export async function run(around: ProcessContext, logTo: typeof openLog = openLog): Promise<number> {
  const command = new Command('drypull catalog')
    .description('Watch the workloads of a cluster, and publish what is about to land as ConfigMaps for the agents.')
    .option('--config <FILE>', 'YAML, the same as of the agent (also DRYPULL_CONFIG)');
  const status = readOwnOptions(command, around);
  if (status !== undefined) return status;
  const { config: path } = command.opts<{ readonly config?: string }>();
  const read = await readConfig(path ?? around.env['DRYPULL_CONFIG'], around.env);
  if (!read.ok) return failed(around, problemText(read.problems));
  const { config } = read;
  const { env, now, random } = around;
  const log = logTo({ level: config.logLevel, node: 'catalog' });
  const found = await findCluster({ config, nodeName: '', env, now, random, log });
  if (!found.ok) return failed(around, `drypull: ${adviceFor(found.fault, { requestedBy: [] }).cause}\n`);
  if (found.value === undefined) return failed(around, noCluster);
  return serve(found.value, { config, around, log });
}

const noCluster =
  'drypull: catalog: there is no cluster to ask. Run in a Pod with a ServiceAccount, or name a kubeconfig (DRYPULL_KUBECONFIG)\n';

function failed({ stderr }: ProcessContext, text: string): 2 {
  stderr.write(text);
  return 2;
}

async function serve(
  cluster: Cluster,
  {
    config,
    around,
    log,
  }: { readonly config: Config; readonly around: ProcessContext; readonly log: ReturnType<typeof openLog> },
): Promise<number> {
  const { now, random, signal, version, vitals } = around;
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
  const metrics: CatalogMetrics = openCatalogMetrics({ state: () => catalog.state(), vitals, version });
  const opened = await listenForCatalog(config.catalogListen, {
    scrape: metrics.scrape,
    notAlive: () => catalog.notAlive(),
    notReady: () => catalog.notReady(),
  });
  if (opened.ok) {
    around.stderr.write(`drypull ${version}: the catalog's metrics are at ${opened.value.url}\n`);
    log.info({ namespace, kinds: kinds.length }, 'the catalog begins');
    await aborted(signal);
    log.info({}, 'draining');
  }
  await within(catalog.close(), graceMs);
  await Promise.all([cluster.close(), opened.ok ? opened.value.close(graceMs) : undefined]);
  if (!opened.ok) return failed(around, `drypull: ${opened.why}\n`);
  log.info({}, 'left');
  return 0;
}

function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
}
