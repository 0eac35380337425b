/**
 * The door to what is about to land: every workload of the cluster, whether it has Pods or not, and the nodes that run an agent
 * of ours. One watch a kind; a kind that may not be read, or is not installed, keeps nobody from the others. It must not read
 * Secrets, nor Pods other than our own.
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
import { OneCopy, readWorkload } from './workload.ts';

export type { Entry } from './text.ts';
export { type WorkloadKind, nameOf, ownKinds } from './workload-kinds.ts';

export interface WorkloadWorld extends ListWatchOptions {
  /** `found`: something in `entries()` may be different now. `sight`: something in `sights()` is. */
  readonly onChange: (what: 'found' | 'sight') => void;
}

export interface WorkloadWatch {
  /** What was found, as the catalog has it. */
  entries(): Distilled;
  states(): readonly ListState[];
  close(): Promise<void>;
}

export interface Distilled {
  readonly entries: readonly Entry[];
  readonly demands: number;
  readonly nodes: number;
}

/** One kind of object, and how well it is seen. */
export interface ListState {
  /** `deployments.apps`. */
  readonly kind: string;
  readonly objects: number;
  /** `waits`: it was not listed yet. `blind`: it may not be, or there is no such kind. `stale`: what is known may be old. */
  readonly is: 'open' | 'stale' | 'waits' | 'blind';
  readonly fault?: Fault;
}

export interface WorkloadRequest {
  readonly kinds: readonly WorkloadKind[];
  /** Where drypull's own Pods are. */
  readonly namespace: string;
  /** Whether the Nodes are listed, too. */
  readonly nodes: boolean;
}

export function watchWorkloads(
  cluster: Cluster,
  { kinds, namespace, nodes: wantsNodes }: WorkloadRequest,
  world: WorkloadWorld,
): WorkloadWatch {
  const one = new OneCopy();
  const { onChange } = world;
  const start = <T>(collection: Collection, listener: Listener<T>): ListWatch =>
    listWatch(cluster, collection, { listener, dependencies: world });
  const workloads = kinds.map((kind) => {
    const known = new Known(nameOf(kind), onChange, (object) => readWorkload(object, kind, one));
    return { known, watch: start({ what: known.kind, path: pathOf(kind) }, known) };
  });
  const pods = new Known('pods', onChange, readAgentPod);
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const own = { what: "drypull's own Pods", path, selector: { labelSelector: 'app.kubernetes.io/name=drypull' } };
  const nodes = new Known('nodes', onChange, readPlacedNode);
  const watches = [
    ...workloads.map(({ watch }) => watch),
    start(own, pods),
    ...(wantsNodes ? [start({ what: 'the Nodes', path: '/api/v1/nodes' }, nodes)] : []),
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
    states: () => [
      ...workloads.map(({ known }) => known.state()),
      pods.state(),
      ...(wantsNodes ? [nodes.state()] : []),
    ],
    close: async () => {
      await Promise.all(watches.map((watch) => watch.close()));
    },
  };
}

class Known<T extends { readonly uid: string }> implements Listener<T | undefined> {
  readonly kind: string;
  readonly read: (object: unknown) => T | undefined;
  readonly #onChange: WorkloadWorld['onChange'];
  #objects = new Map<string, T>();
  /** Of a list that is not whole yet. */
  #coming = new Map<string, T>();
  #isListed = false;
  #isOpen = false;
  #fault: Fault | undefined;

  constructor(kind: string, onChange: WorkloadWorld['onChange'], distil: (object: unknown) => T | undefined) {
    this.kind = kind;
    this.read = distil;
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
    this.#onChange('found');
  };

  readonly changed = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: unknown): void => {
    const uid = textAt(object, 'metadata', 'uid');
    const before = this.#objects.get(uid);
    const now = type === 'DELETED' ? undefined : this.read(object);
    // Most changes are of a status: replicas come and go, and nobody asks for anything else.
    if (JSON.stringify(before) === JSON.stringify(now)) return;
    if (now === undefined) this.#objects.delete(uid);
    else this.#objects.set(uid, now);
    this.#onChange('found');
  };

  readonly link = (link: Link): void => {
    const was = this.state().is;
    this.#isOpen = link.is === 'open';
    this.#fault = link.is === 'down' ? link.fault : undefined;
    if (this.state().is !== was) this.#onChange('sight');
  };

  values(): Iterable<T> {
    return this.#objects.values();
  }

  state(): ListState {
    const about = { kind: this.kind, objects: this.#objects.size };
    if (this.#isOpen) return { ...about, is: 'open' };
    const fault = this.#fault === undefined ? {} : { fault: this.#fault };
    if (this.#isListed) return { ...about, is: 'stale', ...fault };
    return { ...about, is: isFinal(this.#fault) ? 'blind' : 'waits', ...fault };
  }
}

/** No right, or no such kind: nothing that the next try would mend. */
function isFinal(fault: Fault | undefined): boolean {
  return (
    fault?.code === 'agent.not_allowed' || (fault?.code === 'agent.cannot_see' && fault.why.startsWith('HTTP 404'))
  );
}
