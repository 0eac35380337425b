/**
 * Watches every workload of the cluster, whether it has Pods or not, and the nodes that run an agent. One watch for each kind; a kind
 * that may not be read, or is not installed, does not affect the others. Reads no Secrets, and no Pods but drypull's own.
 */
import type { Fault } from '#report/fault.ts';
import { agentNodes, platformsOf, readAgentPod, readPlacedNode } from '#kubernetes/agent-nodes.ts';
import { type Entry, demandEntries, nodeEntries, platformEntries } from './text.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { textAt } from '#kubernetes/api/json.ts';
import {
  type Collection,
  type Link,
  type ListWatch,
  type Listener,
  type ListWatchOptions,
  listWatch,
} from '#kubernetes/api/list-watch.ts';
import { type WorkloadKind, nameOf, pathOf } from './workload-kinds.ts';
import { SharedTexts, readWorkload } from './workload.ts';

export interface WorkloadWatchOptions extends ListWatchOptions {
  /** `entries`: `entries()` may have changed. `states`: `states()` did. */
  readonly onChange: (what: 'entries' | 'states') => void;
}

export interface WorkloadWatch {
  /** The catalog's entries. */
  entries(): CatalogEntries;
  states(): readonly ListState[];
  close(): Promise<void>;
}

interface CatalogEntries {
  readonly entries: readonly Entry[];
  readonly demands: number;
  readonly nodes: number;
}

/** One kind of object, and the state of its watch. */
export interface ListState {
  /** `deployments.apps`. */
  readonly kind: string;
  readonly objects: number;
  /** `waiting`: not listed yet. `unavailable`: no permission, or no such kind. `stale`: the known objects may be out of date. */
  readonly is: 'open' | 'stale' | 'waiting' | 'unavailable';
  readonly fault?: Fault;
}

export interface WorkloadRequest {
  readonly kinds: readonly WorkloadKind[];
  /** The namespace of drypull's own Pods. */
  readonly namespace: string;
  /** Whether the Nodes are listed too. */
  readonly nodes: boolean;
}

export function watchWorkloads(
  cluster: Cluster,
  { kinds, namespace, nodes: withNodes }: WorkloadRequest,
  options: WorkloadWatchOptions,
): WorkloadWatch {
  const texts = new SharedTexts();
  const { onChange } = options;
  const start = <T>(collection: Collection, listener: Listener<T>): ListWatch =>
    listWatch(cluster, collection, { listener, options });
  const workloads = kinds.map((kind) => {
    const known = new WatchedKind(nameOf(kind), onChange, (object) => readWorkload(object, kind, texts));
    return { known, watch: start({ what: known.kind, path: pathOf(kind) }, known) };
  });
  const pods = new WatchedKind('pods', onChange, readAgentPod);
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const own = { what: "drypull's own Pods", path, selector: { labelSelector: 'app.kubernetes.io/name=drypull' } };
  const nodes = new WatchedKind('nodes', onChange, readPlacedNode);
  const watches = [
    ...workloads.map(({ watch }) => watch),
    start(own, pods),
    ...(withNodes ? [start({ what: 'the Nodes', path: '/api/v1/nodes' }, nodes)] : []),
  ];
  return {
    entries: () => {
      const found = workloads.flatMap(({ known }) => [...known.values()]);
      const placed = new Set(found.flatMap((workload) => workload.pods.map((pod) => pod.placed)));
      const fleet = nodeEntries(agentNodes(pods.values(), nodes.values(), placed));
      const demands = demandEntries(found);
      const platforms = platformEntries(platformsOf(nodes.values()));
      return { entries: [...demands, ...fleet, ...platforms], demands: demands.length, nodes: fleet.length };
    },
    states: () => [...workloads.map(({ known }) => known.state()), pods.state(), ...(withNodes ? [nodes.state()] : [])],
    close: async () => {
      await Promise.all(watches.map((watch) => watch.close()));
    },
  };
}

class WatchedKind<T extends { readonly uid: string }> implements Listener<T | undefined> {
  readonly kind: string;
  readonly read: (object: unknown) => T | undefined;
  readonly #onChange: WorkloadWatchOptions['onChange'];
  #objects = new Map<string, T>();
  /** Objects of a list that is not complete yet. */
  #coming = new Map<string, T>();
  #isListed = false;
  #isOpen = false;
  #fault: Fault | undefined;

  constructor(kind: string, onChange: WorkloadWatchOptions['onChange'], read: (object: unknown) => T | undefined) {
    this.kind = kind;
    this.read = read;
    this.#onChange = onChange;
  }

  readonly page = (items: readonly (T | undefined)[], isFirst: boolean): void => {
    if (isFirst) this.#coming = new Map();
    for (const found of items) if (found !== undefined) this.#coming.set(found.uid, found);
  };

  readonly replaced = (): void => {
    this.#objects = this.#coming;
    this.#coming = new Map();
    this.#isListed = true;
    this.#onChange('entries');
  };

  readonly changed = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: unknown): void => {
    const uid = textAt(object, 'metadata', 'uid');
    const before = this.#objects.get(uid);
    const now = type === 'DELETED' ? undefined : this.read(object);
    // Most changes concern a status: replicas come and go, and the images stay the same.
    if (JSON.stringify(before) === JSON.stringify(now)) return;
    if (now === undefined) this.#objects.delete(uid);
    else this.#objects.set(uid, now);
    this.#onChange('entries');
  };

  readonly link = (link: Link): void => {
    const was = this.state().is;
    this.#isOpen = link.is === 'open';
    this.#fault = link.is === 'down' ? link.fault : undefined;
    if (this.state().is !== was) this.#onChange('states');
  };

  values(): Iterable<T> {
    return this.#objects.values();
  }

  state(): ListState {
    const about = { kind: this.kind, objects: this.#objects.size };
    if (this.#isOpen) return { ...about, is: 'open' };
    const fault = this.#fault === undefined ? {} : { fault: this.#fault };
    if (this.#isListed) return { ...about, is: 'stale', ...fault };
    return { ...about, is: isFinal(this.#fault) ? 'unavailable' : 'waiting', ...fault };
  }
}

/** No permission, or no such kind: the next attempt would fail again. */
function isFinal(fault: Fault | undefined): boolean {
  return (
    fault?.code === 'agent.not_allowed' || (fault?.code === 'agent.cannot_see' && fault.why.startsWith('HTTP 404'))
  );
}
