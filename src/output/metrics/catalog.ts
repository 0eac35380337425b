/** What `drypull catalog` tells Prometheus: how well each kind is seen, what came of it, and what was written. */
import { Counter, Gauge, Registry } from 'prom-client';
import { type Vitals, addProcess, addReading } from './process.ts';

export interface CatalogState {
  readonly kinds: readonly { readonly kind: string; readonly objects: number; readonly isSeen: boolean }[];
  /** Absent until the catalog was written, or found to be written already. */
  readonly published?: {
    readonly demands: number;
    readonly nodes: number;
    readonly chunks: number;
    readonly bytes: number;
    readonly generation: number;
  };
  /** Absent until this process has written. */
  readonly writtenMs?: number;
}

export interface CatalogMetrics {
  /** One attempt to write what has changed. */
  readonly wrote: (outcome: 'ok' | 'failed') => void;
  readonly scrape: () => Promise<{ readonly contentType: string; readonly body: string }>;
}

export function openCatalogMetrics(options: {
  readonly state: () => CatalogState;
  readonly vitals: () => Vitals;
  readonly version: string;
}): CatalogMetrics {
  const registry = new Registry();
  const { state } = options;
  addProcess(registry, options);
  addKinds(registry, state);
  const published = (name: string, help: string, of: keyof NonNullable<CatalogState['published']>): void =>
    addReading(registry, name, { help, read: () => state().published?.[of] });
  published('drypull_catalog_demands', 'Distinct demands in the catalog.', 'demands');
  published('drypull_catalog_nodes', 'Nodes with an agent that the catalog names.', 'nodes');
  published('drypull_catalog_chunks', 'ConfigMaps that hold the catalog, without its index.', 'chunks');
  published('drypull_catalog_bytes', 'Size of the catalog as it is stored, compressed.', 'bytes');
  published('drypull_catalog_generation', 'How often the catalog was changed since there is one.', 'generation');
  addReading(registry, 'drypull_catalog_last_write_timestamp_seconds', {
    help: 'When this process last wrote the catalog, in seconds since the epoch; absent until it has.',
    read: () => {
      const { writtenMs } = state();
      return writtenMs === undefined ? undefined : writtenMs / 1000;
    },
  });
  const writes = new Counter({
    name: 'drypull_catalog_writes_total',
    help: 'Attempts to write a catalog that has changed, by outcome: ok or failed.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  for (const outcome of ['ok', 'failed'] as const) writes.inc({ outcome }, 0);
  return {
    wrote: (outcome) => writes.inc({ outcome }),
    scrape: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

/** The kinds are those of the configuration: a bounded label. */
function addKinds(registry: Registry, state: () => CatalogState): void {
  registry.registerMetric(
    new Gauge({
      name: 'drypull_catalog_objects',
      help: "Objects that are watched and count: workloads by kind, and the agents' Pods.",
      labelNames: ['kind'],
      registers: [],
      collect() {
        for (const { kind, objects } of state().kinds) this.set({ kind }, objects);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'drypull_catalog_kind_seen',
      help: '1 while the kind is watched, 0 while it is not: no permission, no such kind, or the API server is away.',
      labelNames: ['kind'],
      registers: [],
      collect() {
        for (const { kind, isSeen } of state().kinds) this.set({ kind }, Number(isSeen));
      },
    }),
  );
}
