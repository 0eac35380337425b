/**
 * The door to the catalog for an agent: watches its ConfigMaps and keeps what this node is to ask about. The chunks stay
 * compressed and are read one at a time, each again only when it, this node's place or the fleet is another one. While a
 * generation is not whole, the one before it stands.
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

export interface CatalogWorld extends ListWatchOptions {
  /** Of this node; undefined while it is not known. */
  readonly place: () => NodePlace | undefined;
  /** Something in `current()` is different now. */
  readonly onChange: () => void;
}

export interface CatalogSeen {
  /** What this node asks about; empty where there is no catalog. */
  readonly demands: readonly CatalogDemand[];
  /** What nodes of the cluster need builds for; empty where it does not say. */
  readonly platforms: readonly string[];
  /** Of the catalog that this is from; absent where none was whole yet. */
  readonly generation?: number;
  /** It names no node, so that nobody knows how to share what any node could get: that is left out. */
  readonly namesNoNodes: boolean;
  /** Why the ConfigMaps are not seen. */
  readonly fault?: Fault;
}

export interface CatalogWatch {
  current(): CatalogSeen;
  /** The node's labels or taints may be others. */
  recheck(): void;
  close(): Promise<void>;
}

/** A generation comes as several ConfigMaps, and several generations may come at once. */
const settleMs = 1000;
/** An agent is to stay small, whatever the cluster is. */
const mostOwn = 5000;
const mostPlatforms = 16;

export function watchCatalog(cluster: Cluster, namespace: string, world: CatalogWorld): CatalogWatch {
  const known = new KnownCatalog(world);
  const watch = listWatch(
    cluster,
    {
      what: 'the catalog',
      path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps`,
      selector: { labelSelector: catalogSelector },
    },
    { listener: known, dependencies: world },
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
  readonly about: About;
  readonly own: readonly CatalogDemand[];
  /** The node and the fleet for which `own` holds. */
  readonly of: string;
}

/** What a chunk says that is no demand. */
type About = Pick<CatalogPart, 'nodes' | 'platforms'>;

class KnownCatalog implements Listener {
  readonly #world: CatalogWorld;
  readonly #reader = new CatalogReader();
  readonly #chunks = new Map<string, Uint8Array>();
  readonly #closing = new AbortController();
  #parts: ReadonlyMap<string, Part> = new Map();
  #index: Index | undefined;
  #seen: CatalogSeen = { demands: [], platforms: [], namesNoNodes: false };
  #fault: Fault | undefined;
  #placed = '';
  #isDirty = false;
  #isRunning = false;

  constructor(world: CatalogWorld) {
    this.#world = world;
  }

  current(): CatalogSeen {
    return { ...this.#seen, ...(this.#fault === undefined ? {} : { fault: this.#fault }) };
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
    this.#world.onChange();
  };

  recheck(): void {
    if (textOf(this.#world.place()) !== this.#placed) this.#changed();
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
      await this.#world.delay(settleMs, this.#closing.signal);
      this.#isDirty = false;
      await this.#read();
    }
    this.#isRunning = false;
  }

  async #read(): Promise<void> {
    const place = this.#world.place();
    this.#placed = textOf(place);
    const index = this.#index;
    if (place === undefined) return;
    // Without an index there is no catalog: the component was taken away. A chunk that is not there yet will come.
    const chunks = (index?.chunks ?? []).map((name) => [name, this.#chunks.get(name)] as const);
    const known = new Map<string, About>();
    for (const [name, data] of chunks) {
      const found = this.#parts.get(name)?.about ?? (await this.#open(name, data));
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
      const about = known.get(name) ?? { nodes: [], platforms: [] };
      parts.set(name, { about, own: before?.of === of ? demands : own(demands), of });
    }
    this.#parts = parts;
    const demands = [...parts.values()].flatMap((part) => part.own);
    const platforms = [...known.values()].flatMap((about) => about.platforms).sort();
    this.#log(index, { demands, platforms, namesNoNodes: fleet.length === 0 });
  }

  /** Between two chunks others get their turn: a large catalog is no reason for a rehearsal to be slow. */
  async #open(name: string, data: Uint8Array | undefined): Promise<CatalogPart | undefined> {
    await yieldToLoop();
    const text = data === undefined ? undefined : unpacked(name, data);
    return text === undefined ? undefined : this.#reader.read(text);
  }

  #log(
    index: Index | undefined,
    { demands, platforms, namesNoNodes }: Omit<CatalogSeen, 'generation' | 'fault'>,
  ): void {
    this.#seen = {
      demands: demands.slice(0, mostOwn),
      platforms: [...new Set(platforms)].slice(0, mostPlatforms),
      namesNoNodes: namesNoNodes && index !== undefined,
      ...(index === undefined ? {} : { generation: index.generation }),
    };
    this.#world.onChange();
  }
}

function textOf(place: NodePlace | undefined): string {
  return place === undefined ? '' : JSON.stringify(place);
}
