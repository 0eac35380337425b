/**
 * The door to what is about to land: every workload of the cluster, whether it has Pods or not, and the nodes that run an agent
 * of ours. One watch a kind; a kind that may not be read, or is not installed, keeps nobody from the others. It must not read
 * Secrets, nor Pods other than our own.
 */
import type { Fault } from '#pull/fault.ts';
import { type AgentNode, type Entry, demandEntries, nodeEntries } from './catalog-text.ts';
import type { Cluster } from './connect.ts';
import { textAt } from './json.ts';
import { type Link, type ListWatch, type Listener, type Outside, listWatch } from './list-watch.ts';
import { type WorkloadKind, nameOf, pathOf } from './workload-kinds.ts';
import { OneCopy, type Workload, readWorkload } from './workload.ts';

export type { Entry } from './catalog-text.ts';
export { type WorkloadKind, nameOf, ownKinds } from './workload-kinds.ts';

export interface WorkloadWorld extends Outside {
  /** `found`: something in `entries()` may be different now. `sight`: something in `sights()` is. */
  readonly onChange: (what: 'found' | 'sight') => void;
}

export interface WorkloadWatch {
  /** What was found, as the catalog has it. */
  entries(): Distilled;
  sights(): readonly Sight[];
  close(): Promise<void>;
}

export interface Distilled {
  readonly entries: readonly Entry[];
  readonly demands: number;
  readonly nodes: number;
}

/** One kind of object, and how well it is seen. */
export interface Sight {
  /** `deployments.apps`. */
  readonly kind: string;
  readonly objects: number;
  /** `waits`: it was not listed yet. `blind`: it may not be, or there is no such kind. `stale`: what is known may be old. */
  readonly is: 'open' | 'stale' | 'waits' | 'blind';
  readonly fault?: Fault;
}

export function watchWorkloads(
  cluster: Cluster,
  { kinds, namespace }: { readonly kinds: readonly WorkloadKind[]; readonly namespace: string },
  world: WorkloadWorld,
): WorkloadWatch {
  const one = new OneCopy();
  const workloads = kinds.map((kind) => ({
    path: pathOf(kind),
    known: new Known<Workload>(nameOf(kind), world.onChange, (object) => readWorkload(object, kind, one)),
  }));
  const agents = new Known<AgentPod>('pods', world.onChange, readAgentPod);
  const watches: readonly ListWatch[] = [
    ...workloads.map(({ path, known }) =>
      listWatch(cluster, { what: known.kind, path }, { listener: known, outside: world }),
    ),
    listWatch(
      cluster,
      {
        what: "drypull's own Pods",
        path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`,
        selector: { labelSelector: 'app.kubernetes.io/name=drypull' },
      },
      { listener: agents, outside: world },
    ),
  ];
  return {
    entries: () => {
      const demands = demandEntries(workloads.flatMap(({ known }) => [...known.values()]));
      const nodes = nodeEntries(nodesOf(agents.values()));
      return { entries: [...demands, ...nodes], demands: demands.length, nodes: nodes.length };
    },
    sights: () => [...workloads.map(({ known }) => known.sight()), agents.sight()],
    close: async () => {
      await Promise.all(watches.map((watch) => watch.close()));
    },
  };
}

interface AgentPod extends AgentNode {
  readonly uid: string;
}

/** Kubernetes 1.35 copies a node's zone to its Pods (admission plugin PodTopologyLabels); before, it is not known here. */
function readAgentPod(pod: unknown): AgentPod | undefined {
  const [uid, name] = [textAt(pod, 'metadata', 'uid'), textAt(pod, 'spec', 'nodeName')];
  if (uid === '' || name === '' || textAt(pod, 'metadata', 'deletionTimestamp') !== '') return undefined;
  return { uid, name, zone: textAt(pod, 'metadata', 'labels', 'topology.kubernetes.io/zone') };
}

/** While an agent is replaced its node has two Pods, or for a moment none. */
function nodesOf(pods: Iterable<AgentPod>): readonly AgentNode[] {
  return [...new Map([...pods].map(({ name, zone }) => [name, { name, zone }])).values()];
}

class Known<T extends { readonly uid: string }> implements Listener {
  readonly kind: string;
  readonly #distil: (object: unknown) => T | undefined;
  readonly #onChange: WorkloadWorld['onChange'];
  #objects = new Map<string, T>();
  /** Of a list that is not whole yet. */
  #coming = new Map<string, T>();
  #isListed = false;
  #isOpen = false;
  #fault: Fault | undefined;

  constructor(kind: string, onChange: WorkloadWorld['onChange'], distil: (object: unknown) => T | undefined) {
    this.kind = kind;
    this.#distil = distil;
    this.#onChange = onChange;
  }

  readonly page = (items: readonly unknown[], isFirst: boolean): void => {
    if (isFirst) this.#coming = new Map();
    for (const item of items) {
      const found = this.#distil(item);
      if (found !== undefined) this.#coming.set(found.uid, found);
    }
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
    const now = type === 'DELETED' ? undefined : this.#distil(object);
    // Most changes are of a status: replicas come and go, and nobody asks for anything else.
    if (JSON.stringify(before) === JSON.stringify(now)) return;
    if (now === undefined) this.#objects.delete(uid);
    else this.#objects.set(uid, now);
    this.#onChange('found');
  };

  readonly link = (link: Link): void => {
    const was = this.sight().is;
    this.#isOpen = link.is === 'open';
    this.#fault = link.is === 'down' ? link.fault : undefined;
    if (this.sight().is !== was) this.#onChange('sight');
  };

  values(): Iterable<T> {
    return this.#objects.values();
  }

  sight(): Sight {
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
