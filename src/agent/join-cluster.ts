/**
 * The agent's link to a cluster: the demands of this node's Pods, their pull secrets, the Node itself, and the status that the
 * agent publishes. While the API server is away, the last state that was read stays in force.
 */
import { type Config, type Environment, isInCluster } from '#config/config.ts';
import { catalogNamespace } from '#config/namespaces.ts';
import { parseImage } from '#image/reference.ts';
import { type Cluster, connectByFile, connectInCluster } from '#kubernetes/api/connect.ts';
import { publisher } from '#kubernetes/publish.ts';
import { pullSecrets } from '#kubernetes/pull-secrets.ts';
import { type Demanded, watchDemand } from '#kubernetes/watch-demand.ts';
import { readInput } from '#node/read-input.ts';
import type { Demand } from '#kubelet/demand.ts';
import type { Log } from '#output/log.ts';
import type { NodeStatus } from '#rehearsal/read-view.ts';
import type { ClusterState, Ledger } from '#report/ledger.ts';
import type { Outcome } from '#report/outcome.ts';
import { delay, withTimeout } from '#timing.ts';
import type { ClusterEvent, ClusterLink, Fleet } from './collaborators.ts';
import { demandsOfNode } from './demands.ts';
import { FleetWatch } from './fleet-size.ts';
import { KubeletSettings } from './kubelet-settings.ts';
import { type NodeStatusPublisher, publishNodeStatus } from './node-status.ts';
import { SecretReader } from './secret-reader.ts';
import { SharedReservations } from './shared-reservations.ts';
import type { Change } from './state.ts';
import { UpcomingDemands } from './upcoming-demands.ts';

/** What the node's own files say about which images are in demand. */
interface NodeFiles {
  readonly sandboxImage: string;
  /** The kubelet's imagePullCredentialsVerificationPolicy; absent where its files cannot be read. */
  readonly policy?: string;
}

export interface JoinedCluster extends ClusterLink {
  readonly fleet: Fleet;
  /** `own`: the demands of the configuration. Waits a little for the first list of Pods. */
  demands(own: readonly Demand[], readFiles: () => Promise<NodeFiles>): Promise<readonly Demand[]>;
  withSecrets(demand: Demand): Promise<Demand>;
  /** What the Node object and the kubelet say; undefined until the Node was read. */
  nodeStatus(): NodeStatus | undefined;
}

interface JoinOptions {
  readonly config: Config;
  readonly nodeName: string;
  readonly env: Environment;
  readonly now: () => Date;
  readonly random: () => number;
  readonly log: Log;
  /** The namespace of this Pod; absent outside of one. */
  readonly namespace?: string;
}

const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const tokenBytes = 1 << 20;
/** How long the first pass waits for the first list of Pods. */
const firstListMs = 10_000;
/** Pods come and go in bursts: one event serves them all. */
const burstMs = 1000;
/** How often the published status is checked for its age. */
const tickMs = 60_000;

/** Undefined: the configuration names no cluster, or this Pod has no token. A configured cluster that cannot be reached is a fault. */
export async function findCluster({
  config,
  env,
  log,
}: Pick<JoinOptions, 'config' | 'env' | 'log'>): Promise<Outcome<Cluster | undefined>> {
  if (config.cluster === 'off') return { ok: true, value: undefined };
  if (config.kubeconfig !== null) return connectByFile(config.kubeconfig);
  if (config.cluster === 'on') return connectInCluster();
  if (!isInCluster(env)) return { ok: true, value: undefined };
  const token = await readInput(tokenPath, tokenBytes);
  if (token.ok) return connectInCluster();
  log.warn({ path: tokenPath, why: token.why }, 'no cluster is used: this Pod has no token of a ServiceAccount');
  return { ok: true, value: undefined };
}

export function joinCluster(cluster: Cluster, options: JoinOptions): JoinedCluster {
  return new Link(cluster, options);
}

class Link implements JoinedCluster {
  readonly events: AsyncIterable<ClusterEvent>;
  readonly fleet: Fleet;
  readonly #cluster: Cluster;
  readonly #options: JoinOptions;
  readonly #closing = new AbortController();
  readonly #emit: (event: ClusterEvent) => void;
  readonly #watch: ReturnType<typeof watchDemand>;
  readonly #secrets: SecretReader;
  readonly #kubelet: KubeletSettings;
  readonly #nodeStatus: NodeStatusPublisher | undefined;
  readonly #fleetWatch: FleetWatch | undefined;
  readonly #isKnown = Promise.withResolvers<undefined>();
  #upcoming: UpcomingDemands | undefined;
  #isSettling = false;
  /** The demands that the last pass read. */
  #lastSignature = '';
  #wasStale = false;

  constructor(cluster: Cluster, options: JoinOptions) {
    this.#cluster = cluster;
    this.#options = options;
    const { config, nodeName, now, random, log, namespace } = options;
    const { emit, events } = eventStream(this.#closing.signal);
    this.events = events;
    this.#emit = emit;
    const dependencies = { now, random, delay };
    this.#watch = watchDemand(cluster, nodeName, {
      ...dependencies,
      readImage: parseImage,
      onChange: () => this.#onChange(),
      onOutcome: (outcome) => emit({ is: 'pull_outcome', outcome }),
    });
    this.#secrets = new SecretReader(pullSecrets(cluster, dependencies), { setting: config.pullSecrets, now, log });
    this.#kubelet = new KubeletSettings(cluster, { isServiceAccount: config.kubeconfig === null, now });
    const { nodeCondition: condition, nodeEvents } = config;
    if (condition || nodeEvents) {
      const publish = publisher(cluster, nodeName, dependencies);
      this.#nodeStatus = publishNodeStatus(publish, { condition, events: nodeEvents, now, log });
    }
    if (config.catalog !== 'off') void this.#readCatalog();
    if (namespace !== undefined && config.fleetSize === 'auto') {
      const { signal } = this.#closing;
      this.#fleetWatch = new FleetWatch(cluster, { namespace, name: config.daemonSet }, { random, delay, log, signal });
    }
    const reservations =
      namespace !== undefined && config.sharedReservations
        ? { reservations: new SharedReservations(cluster, { namespace, node: nodeName }, { now, random, log }) }
        : {};
    this.fleet = { size: () => this.#fleetWatch?.agents, ...reservations };
    void this.#tick();
  }

  async demands(own: readonly Demand[], readFiles: () => Promise<NodeFiles>): Promise<readonly Demand[]> {
    await withTimeout(Promise.all([this.#isKnown.promise, this.#fleetWatch?.firstRead]), firstListMs);
    // Only the first pass waits; when the list comes later, an event starts another pass.
    this.#isKnown.resolve(undefined);
    const { sandboxImage, policy } = await readFiles();
    const { demands: pods, node } = this.#watch.current();
    const facts = node.ok ? node.value : undefined;
    this.#lastSignature = this.#signature();
    const upcoming = (await this.#upcoming?.demands()) ?? [];
    const kubelet = facts === undefined ? {} : { kubelet: this.#kubelet.verification(facts, policy) };
    return demandsOfNode({ pods, own, upcoming, sandboxImage, ...kubelet });
  }

  withSecrets(demand: Demand): Promise<Demand> {
    return this.#secrets.read(demand);
  }

  nodeStatus(): NodeStatus | undefined {
    const { node } = this.#watch.current();
    const kubeletConfig = this.#kubelet.config();
    const clusterPlatforms = this.#upcoming?.platforms() ?? [];
    const more = { ...(kubeletConfig === undefined ? {} : { kubeletConfig }), clusterPlatforms };
    return node.ok ? { ...node.value, ...more } : undefined;
  }

  clusterState(): ClusterState {
    const { isKnown, isStale, asOf, fault } = this.#watch.current();
    return { isKnown, isStale, asOfMs: asOf.getTime(), ...(fault === undefined ? {} : { fault }) };
  }

  publish(ledger: Ledger, change?: Change): void {
    if (change !== undefined) this.#nodeStatus?.changed(change);
    this.#nodeStatus?.publish(ledger);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#isKnown.resolve(undefined);
    this.#secrets.close();
    await Promise.all([this.#watch.close(), this.#upcoming?.close(), this.#nodeStatus?.close()]);
    await this.#cluster.close();
  }

  async #readCatalog(): Promise<void> {
    const { config, now, random, log } = this.#options;
    const namespace = await catalogNamespace(config);
    if (this.#isClosed()) return;
    const node = (): Demanded['node'] => this.#watch.current().node;
    const onChange = (): void => this.#onChange();
    this.#upcoming = new UpcomingDemands(this.#cluster, namespace, { now, random, delay, log, node, onChange });
  }

  #onChange(): void {
    const now = this.#watch.current();
    if (now.isKnown && now.node.ok) this.#isKnown.resolve(undefined);
    this.#upcoming?.recheck();
    if (!this.#isSettling) void this.#settle();
  }

  async #settle(): Promise<void> {
    this.#isSettling = true;
    await delay(burstMs, this.#closing.signal);
    this.#isSettling = false;
    if (this.#isClosed()) return;
    this.#logStale(this.#watch.current());
    if (this.#signature() !== this.#lastSignature) this.#emit({ is: 'demands_changed' });
  }

  #signature(): string {
    return `${signature(this.#watch.current().demands)}\n\n${this.#upcoming?.signature() ?? ''}`;
  }

  #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #tick(): Promise<void> {
    while (!this.#isClosed()) {
      await delay(tickMs, this.#closing.signal);
      if (this.#isClosed()) return;
      this.#logStale(this.#watch.current());
      this.#emit({ is: 'status_due' });
    }
  }

  /** Logs each change once. */
  #logStale({ isStale, isKnown, asOf, fault }: Demanded): void {
    if (isStale === this.#wasStale) return;
    this.#wasStale = isStale;
    const { log } = this.#options;
    const facts = { asOf: asOf.toISOString(), fault };
    if (!isStale) log.info({}, 'the API server answers again');
    else if (isKnown) log.warn(facts, 'the API server does not answer: the last known demands stay in force');
    else log.warn(facts, 'the API server does not answer: the demands of the Pods are not known');
  }
}

/** Events for one reader. The stream ends when the signal is aborted. */
function eventStream(signal: AbortSignal): {
  readonly emit: (event: ClusterEvent) => void;
  readonly events: AsyncIterable<ClusterEvent>;
} {
  let emit: (event: ClusterEvent) => void = () => undefined;
  const events = new ReadableStream<ClusterEvent>({
    start: (controller) => {
      emit = (event) => {
        if (!signal.aborted) controller.enqueue(event);
      };
      signal.addEventListener('abort', () => controller.close(), { once: true });
    },
  });
  return { emit, events };
}

/** A text that changes when the demands do, whichever Pods they come from. */
function signature(demands: readonly Demand[]): string {
  return demands
    .map(({ written, policy, secrets, present }) =>
      JSON.stringify([written, policy, present, secrets.map(({ namespace, name }) => [namespace, name])]),
    )
    .sort()
    .join('\n');
}
