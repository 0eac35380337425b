/**
 * Reads the catalog for one agent: watches its ConfigMaps and keeps the demands that this node rehearses. Chunks stay compressed and
 * are read one at a time; a chunk is read again only when it, this node or the fleet changed. Until a generation is complete, the
 * one before it stays in force.
 */
import { setImmediate as yieldToLoop } from 'node:timers/promises';
import { type CatalogDemand, ownShare } from './share.ts';
import type { Fault } from '#report/fault.ts';
import type { NodePlace } from '#kubelet/placement.ts';
import { unpacked } from './chunks.ts';
import { type CatalogPart, CatalogReader } from './text.ts';
import { type Index, catalogSelector, indexName, readChunk, readIndex } from './publish.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { textAt } from '#kubernetes/api/json.ts';
import { type Link, type Listener, type ListWatchOptions, listWatch } from '#kubernetes/api/list-watch.ts';

export interface CatalogOptions extends ListWatchOptions {
  /** What decides which Pods may be scheduled to this node; undefined until the Node is known. */
  readonly place: () => NodePlace | undefined;
  /** `current()` changed. */
  readonly onChange: () => void;
}

export interface CatalogView {
  /** The demands that this node rehearses; empty without a catalog. */
  readonly demands: readonly CatalogDemand[];
  /** The platforms of the cluster's nodes; empty where the catalog names none. */
  readonly platforms: readonly string[];
  /** The generation of the catalog; absent until one was complete. */
  readonly generation?: number;
  /** The catalog names no node. How to share out demands that any node could get is not known: they are left out. */
  readonly namesNoNodes: boolean;
  /** Why the ConfigMaps cannot be read. */
  readonly fault?: Fault;
}

export interface CatalogWatch {
  current(): CatalogView;
  /** Call this when the node's labels or taints may have changed. */
  recheck(): void;
  close(): Promise<void>;
}

/** A generation consists of several ConfigMaps, and several generations may arrive at once. */
const settleMs = 1000;
/** Bounds the agent's memory in a large cluster. */
const mostDemands = 5000;
const mostPlatforms = 16;

export function watchCatalog(cluster: Cluster, namespace: string, options: CatalogOptions): CatalogWatch {
  const known = new CatalogState(options);
  const watch = listWatch(
    cluster,
    {
      what: 'the catalog',
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps`,
      selector: { labelSelector: catalogSelector },
    },
    { listener: known, options },
  );
  return {
    current: () => known.current(),
    recheck: () => known.recheck(),
    close: async () => {
      known.close();
      await watch.close();
    },
  };
}

interface Part {
  readonly shared: Shared;
  readonly own: readonly CatalogDemand[];
  /** The node and the fleet for which `own` was computed. */
  readonly of: string;
}

/** The part of a chunk that is the same for every node. */
type Shared = Pick<CatalogPart, 'nodes' | 'platforms'>;

class CatalogState implements Listener {
  readonly #options: CatalogOptions;
  readonly #reader = new CatalogReader();
  readonly #chunks = new Map<string, Uint8Array>();
  readonly #closing = new AbortController();
  #parts: ReadonlyMap<string, Part> = new Map();
  #index: Index | undefined;
  #view: CatalogView = { demands: [], platforms: [], namesNoNodes: false };
  #fault: Fault | undefined;
  #placed = '';
  #isDirty = false;
  #isRunning = false;

  constructor(options: CatalogOptions) {
    this.#options = options;
  }

  current(): CatalogView {
    return { ...this.#view, ...(this.#fault === undefined ? {} : { fault: this.#fault }) };
  }

  readonly read = (item: unknown): unknown => item;

  readonly replaced = (items: readonly unknown[]): void => {
    this.#chunks.clear();
    this.#index = undefined;
    for (const item of items) this.#take(item);
    this.#changed();
  };

  readonly changed = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: unknown): void => {
    if (type !== 'DELETED') this.#take(object);
    else if (textAt(object, 'metadata', 'name') === indexName) this.#index = undefined;
    else this.#chunks.delete(textAt(object, 'metadata', 'name'));
    this.#changed();
  };

  readonly link = (link: Link): void => {
    this.#fault = link.is === 'down' ? link.fault : undefined;
    this.#options.onChange();
  };

  recheck(): void {
    if (textOf(this.#options.place()) !== this.#placed) this.#changed();
  }

  close(): void {
    this.#closing.abort();
  }

  #take(configMap: unknown): void {
    const chunk = readChunk(configMap);
    if (chunk !== undefined) this.#chunks.set(chunk.name, chunk.data);
    this.#index = readIndex(configMap) ?? this.#index;
  }

  #changed(): void {
    this.#isDirty = true;
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isDirty && !this.#closing.signal.aborted) {
      await this.#options.delay(settleMs, this.#closing.signal);
      this.#isDirty = false;
      await this.#read();
    }
    this.#isRunning = false;
  }

  async #read(): Promise<void> {
    const place = this.#options.place();
    this.#placed = textOf(place);
    const index = this.#index;
    if (place === undefined) return;
    // Without an index there is no catalog: it was uninstalled. A chunk that is missing will arrive.
    const chunks = (index?.chunks ?? []).map((name) => [name, this.#chunks.get(name)] as const);
    const known = new Map<string, Shared>();
    for (const [name, data] of chunks) {
      const found = this.#parts.get(name)?.shared ?? (await this.#open(name, data));
      if (found === undefined) return;
      known.set(name, { nodes: found.nodes, platforms: found.platforms });
    }
    const fleet = [...known.values()].flatMap(({ nodes }) => nodes);
    const of = JSON.stringify([this.#placed, fleet.map(({ name, stratum }) => [name, stratum])]);
    const own = ownShare({ place, fleet });
    const parts = new Map<string, Part>();
    for (const [name, data] of chunks) {
      const before = this.#parts.get(name);
      const demands = before?.of === of ? before.own : (await this.#open(name, data))?.demands;
      if (demands === undefined) return;
      const shared = known.get(name) ?? { nodes: [], platforms: [] };
      parts.set(name, { shared, own: before?.of === of ? demands : own(demands), of });
    }
    this.#parts = parts;
    const demands = [...parts.values()].flatMap((part) => part.own);
    const platforms = [...known.values()].flatMap((shared) => shared.platforms).sort();
    this.#publish(index, { demands, platforms, namesNoNodes: fleet.length === 0 });
  }

  /** Yields to the event loop before each chunk, so that a large catalog does not slow down rehearsals. */
  async #open(name: string, data: Uint8Array | undefined): Promise<CatalogPart | undefined> {
    await yieldToLoop();
    const text = data === undefined ? undefined : unpacked(name, data);
    return text === undefined ? undefined : this.#reader.read(text);
  }

  #publish(
    index: Index | undefined,
    { demands, platforms, namesNoNodes }: Omit<CatalogView, 'generation' | 'fault'>,
  ): void {
    this.#view = {
      demands: demands.slice(0, mostDemands),
      platforms: [...new Set(platforms)].slice(0, mostPlatforms),
      namesNoNodes: namesNoNodes && index !== undefined,
      ...(index === undefined ? {} : { generation: index.generation }),
    };
    this.#options.onChange();
  }
}

function textOf(place: NodePlace | undefined): string {
  return place === undefined ? '' : JSON.stringify(place);
}
