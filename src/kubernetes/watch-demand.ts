/**
 * The door to what the cluster asks of this node: one watch of the Pods bound to it and one of its own Node object. While
 * the API server is away it goes on with what it last knew and says how old that is. It must not read Secrets: demands name
 * them, pull-secrets.ts reads them when a rehearsal is due.
 */
import type { Fault } from '#report/fault.ts';
import { type Seen, bad, good, seen } from '#report/outcome.ts';
import type { PullOutcome } from '#report/score.ts';
import type { Demand } from '#node/view.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { type ReadImage, demandsOf, presenceOf } from './pod-demands.ts';
import { type Link, type Listener, type ListWatchOptions, listWatch } from '#kubernetes/api/list-watch.ts';
import { type NodeFacts, readNodeFacts } from './node-facts.ts';
import { type FirstSeen, outcomesOf } from './pull-outcomes.ts';
import { type PodSeen, readPod } from './pods.ts';
import { textAt } from '#kubernetes/api/json.ts';

export type { NodeFacts } from './node-facts.ts';

export interface Demanded {
  readonly demands: readonly Demand[];
  readonly node: Seen<NodeFacts>;
  /** False until the Pods were listed for the first time: no demand then means nothing. */
  readonly isKnown: boolean;
  /** When this was true for certain: now while the watch stands, the moment it was lost otherwise. */
  readonly asOf: Date;
  readonly isStale: boolean;
  /** Why it is stale, or why nothing is known. */
  readonly fault?: Fault;
}

export interface DemandWatch {
  current(): Demanded;
  close(): Promise<void>;
}

export interface DemandWorld extends ListWatchOptions {
  readonly readImage: ReadImage;
  /** Something in `current()` is different now. */
  readonly onChange: () => void;
  /** The kubelet pulled, or failed to: for the score. */
  readonly onOutcome: (outcome: PullOutcome) => void;
}

/** A watch that ended is opened again within this; only then is what we know called stale. */
const graceMs = 15_000;

export function watchDemand(cluster: Cluster, nodeName: string, world: DemandWorld): DemandWatch {
  const node = new KnownNode(nodeName, world);
  const pods = new KnownPods(world, () => node.seen());
  const start = <T>(what: string, path: string, follower: { fieldSelector: string; listener: Listener<T> }) =>
    listWatch(
      cluster,
      { what, path, selector: { fieldSelector: follower.fieldSelector } },
      { ...follower, dependencies: world },
    );
  const watches = [
    start(`the Pods of ${nodeName}`, '/api/v1/pods', { fieldSelector: `spec.nodeName=${nodeName}`, listener: pods }),
    start(`the Node ${nodeName}`, '/api/v1/nodes', { fieldSelector: `metadata.name=${nodeName}`, listener: node }),
  ];
  return {
    current: () => ({ ...pods.current(), node: node.facts() }),
    close: async () => {
      await Promise.all(watches.map((watch) => watch.close()));
    },
  };
}

class KnownPods implements Listener<PodSeen | undefined> {
  readonly #world: DemandWorld;
  readonly #node: () => NodeFacts | undefined;
  readonly #pods = new Map<string, { readonly pod: PodSeen; readonly first: FirstSeen }>();
  #isKnown = false;
  #lost: { readonly at: Date; readonly fault?: Fault } | undefined;
  #joined: { readonly facts: NodeFacts | undefined; readonly demands: readonly Demand[] } | undefined;

  constructor(world: DemandWorld, node: () => NodeFacts | undefined) {
    this.#world = world;
    this.#node = node;
    this.#lost = { at: world.now() };
  }

  readonly read = readPod;

  readonly replaced = (items: readonly (PodSeen | undefined)[]): void => {
    const listed = items.filter((pod) => pod !== undefined);
    const uids = new Set(listed.map(({ uid }) => uid));
    for (const uid of this.#pods.keys()) if (!uids.has(uid)) this.#pods.delete(uid);
    // What ran before the first list was judged by nobody; after that, a relist is news like any other.
    const scores = this.#isKnown;
    this.#isKnown = true;
    for (const pod of listed) this.#take(pod, { scores, since: new Date(Date.parse(pod.created) || 0) });
    this.#changed();
  };

  readonly changed = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: unknown): void => {
    const pod = readPod(object);
    if (pod !== undefined) this.#take(pod, { scores: true, since: this.#world.now() });
    if (type === 'DELETED' || pod === undefined) this.#pods.delete(textAt(object, 'metadata', 'uid'));
    this.#changed();
  };

  readonly link = (link: Link): void => {
    if (link.is === 'open') this.#lost = undefined;
    else this.#lost = { at: this.#lost?.at ?? this.#world.now(), fault: link.fault };
  };

  current(): Omit<Demanded, 'node'> {
    const facts = this.#node();
    if (this.#joined?.facts !== facts) this.#joined = undefined;
    const pods = [...this.#pods.values()].map(({ pod }) => pod);
    this.#joined ??= { facts, demands: demandsOf(pods, facts?.images, this.#world.readImage) };
    const now = this.#world.now();
    const lost = this.#lost;
    const isStale = lost !== undefined && (!this.#isKnown || now.getTime() - lost.at.getTime() > graceMs);
    const fault = isStale && lost.fault !== undefined ? { fault: lost.fault } : {};
    return { demands: this.#joined.demands, isKnown: this.#isKnown, asOf: lost?.at ?? now, isStale, ...fault };
  }

  #take(pod: PodSeen, clusterState: { readonly scores: boolean; readonly since: Date }): void {
    const known = this.#pods.get(pod.uid);
    const first = known?.first ?? { at: clusterState.since, absent: this.#absent(pod) };
    this.#pods.set(pod.uid, { pod, first });
    if (!clusterState.scores) return;
    const found = outcomesOf(known?.pod, pod, { at: this.#world.now(), first });
    for (const outcome of found) this.#world.onOutcome(outcome);
  }

  #absent(pod: PodSeen): ReadonlySet<string> {
    const images = this.#node()?.images;
    const written = pod.uses.map((use) => use.written);
    return new Set(written.filter((image) => presenceOf(this.#world.readImage(image), images) === 'no'));
  }

  #changed(): void {
    this.#joined = undefined;
    this.#world.onChange();
  }
}

class KnownNode implements Listener {
  readonly #source: string;
  readonly #world: DemandWorld;
  #facts: NodeFacts | undefined;
  #fault: Fault;

  constructor(nodeName: string, world: DemandWorld) {
    this.#source = `Node ${nodeName}`;
    this.#world = world;
    this.#fault = { code: 'agent.cannot_see', what: this.#source, why: 'it was not listed yet' };
  }

  readonly read = (item: unknown): unknown => item;

  readonly replaced = (items: readonly unknown[]): void => this.#set(items[0]);

  readonly changed = (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: unknown): void =>
    this.#set(type === 'DELETED' ? undefined : object);

  readonly link = (link: Link): void => {
    if (link.is === 'down') this.#fault = link.fault;
  };

  seen(): NodeFacts | undefined {
    return this.#facts;
  }

  /** What was last seen stays true enough while the API server is away: a node does not change its architecture. */
  facts(): Seen<NodeFacts> {
    return seen(this.#source, this.#facts === undefined ? bad(this.#fault) : good(this.#facts));
  }

  #set(node: unknown): void {
    this.#facts = readNodeFacts(node);
    if (this.#facts === undefined)
      this.#fault = { code: 'agent.cannot_see', what: this.#source, why: 'the API server knows no such Node' };
    this.#world.onChange();
  }
}
