/**
 * Joins the agent to a cluster: what the Pods of this node want, what their pull secrets hold, what the Node says of itself,
 * and what is told in return. While the API server is away it goes on with what it last said.
 */
import { parseImage } from '#image/reference.ts';
import type { ClusterState } from '#report/ledger.ts';
import type { Outcome } from '#report/outcome.ts';
import type { PullOutcome } from '#report/score.ts';
import type { Demand } from '#node/view.ts';
import type { AgentEvents, Watched } from './agent.ts';
import { askedDemands } from './demands.ts';
import { catalogNamespace } from '#config/catalog-namespace.ts';
import { type Cluster, connectByFile, connectInCluster } from '#kubernetes/api/connect.ts';
import { publisher } from '#kubernetes/publish.ts';
import { pullSecrets } from '#kubernetes/pull-secrets.ts';
import { type Demanded, watchDemand } from '#kubernetes/watch-demand.ts';
import { ComingDemands } from './upcoming-demands.ts';
import { type Config, type Environment, isInCluster } from '#config/config.ts';
import { delay } from './delay.ts';
import type { NodeStatus } from '#rehearsal/read-view.ts';
import { FleetWatch } from './fleet-size.ts';
import { KubeletSettings } from './kubelet-settings.ts';
import { readInput } from '#node/read-input.ts';
import { SecretReader } from './secret-reader.ts';
import { SharedReservations, type ReservationDesk } from './shared-reservations.ts';
import { type NodeStatusPublisher, publishNodeStatus } from './node-status.ts';
import type { Log } from '#output/log.ts';
import { within } from './with-timeout.ts';

/** What the node's own files say that concerns which images are asked for. */
export interface OnDisk {
  readonly sandboxImage: string;
  /** The kubelet's imagePullCredentialsVerificationPolicy, where its files are to be seen. */
  readonly policy?: string;
}

export interface Joined extends Watched {
  /** What is asked for now; `own` is what the configuration asks for. Waits a little for the first list of Pods. */
  readonly demands: (own: readonly Demand[], onDisk: () => Promise<OnDisk>) => Promise<readonly Demand[]>;
  readonly withSecrets: (demand: Demand) => Promise<Demand>;
  /** How many agents there are; undefined: nobody can know. */
  readonly fleet: () => number | undefined;
  /** Where turns are booked with the fleet, where that was wished for. */
  readonly reservations?: ReservationDesk;
  /** What the kubelet said of this node, where it was seen. */
  readonly node: () => NodeStatus | undefined;
}

export interface JoinAsk {
  readonly config: Config;
  readonly nodeName: string;
  readonly env: Environment;
  readonly now: () => Date;
  readonly random: () => number;
  readonly log: Log;
  /** Of this Pod; absent outside of one. */
  readonly namespace?: string;
}

const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const tokenBytes = 1 << 20;
/** The first pass waits for the first list of Pods no longer than this. */
const patienceMs = 10_000;
/** Pods come and go in bursts: one look serves them all. */
const burstMs = 1000;
/** How often what nobody tells us is looked at: the age of what we know, the age of our own reports. */
const tickMs = 60_000;

/** Undefined where no cluster is to be asked, or none can be; the latter is a fault where it was wished for. */
export async function findCluster({ config, env, log }: JoinAsk): Promise<Outcome<Cluster | undefined>> {
  if (config.cluster === 'off') return { ok: true, value: undefined };
  if (config.kubeconfig !== null) return connectByFile(config.kubeconfig);
  if (config.cluster === 'on') return connectInCluster();
  if (!isInCluster(env)) return { ok: true, value: undefined };
  const token = await readInput(tokenPath, tokenBytes);
  if (token.ok) return connectInCluster();
  log.warn({ path: tokenPath, why: token.why }, 'no cluster is asked: this Pod has no token of a ServiceAccount');
  return { ok: true, value: undefined };
}

export function joinCluster(cluster: Cluster, ask: JoinAsk): Joined {
  return new Joining(cluster, ask);
}

class Joining implements Joined {
  readonly #cluster: Cluster;
  readonly #ask: JoinAsk;
  readonly #closing = new AbortController();
  readonly #watch: ReturnType<typeof watchDemand>;
  readonly #secrets: SecretReader;
  readonly #kubelet: KubeletSettings;
  #coming: ComingDemands | undefined;
  readonly #nodeStatus: NodeStatusPublisher | undefined;
  readonly #fleet: FleetWatch | undefined;
  readonly reservations?: ReservationDesk;
  readonly #known = Promise.withResolvers<undefined>();
  #events: AgentEvents | undefined;
  #reading = false;
  #asked = '';
  #wasStale = false;

  constructor(cluster: Cluster, ask: JoinAsk) {
    this.#cluster = cluster;
    this.#ask = ask;
    const { config, nodeName, now, random, log } = ask;
    const dependencies = { now, random, delay };
    this.#watch = watchDemand(cluster, nodeName, {
      ...dependencies,
      readImage: parseImage,
      onChange: () => this.#onChange(),
      onOutcome: (outcome) => this.#onOutcome(outcome),
    });
    this.#secrets = new SecretReader(pullSecrets(cluster, dependencies), { setting: config.pullSecrets, now, log });
    this.#kubelet = new KubeletSettings(cluster, { isOurs: config.kubeconfig === null, now });
    const { nodeCondition: condition, nodeEvents: events } = config;
    if (condition || events)
      this.#nodeStatus = publishNodeStatus(publisher(cluster, nodeName, dependencies), { condition, events, now, log });
    if (config.catalog !== 'off') void this.#readCatalog();
    const { namespace } = ask;
    if (namespace !== undefined && config.fleetSize === 'auto') {
      const { signal } = this.#closing;
      this.#fleet = new FleetWatch(cluster, { namespace, name: config.daemonSet }, { random, delay, log, signal });
    }
    if (namespace !== undefined && config.sharedReservations)
      this.reservations = new SharedReservations(cluster, { namespace, node: nodeName }, { now, random, log });
    void this.#tick();
  }

  readonly fleet = (): number | undefined => this.#fleet?.agents;

  async #readCatalog(): Promise<void> {
    const { config, now, random, log } = this.#ask;
    const namespace = await catalogNamespace(config);
    if (this.#isClosed()) return;
    const node = (): Demanded['node'] => this.#watch.current().node;
    const onChange = (): void => this.#onChange();
    this.#coming = new ComingDemands(this.#cluster, namespace, { now, random, delay, log, node, onChange });
  }

  readonly demands: Joined['demands'] = async (own, onDisk) => {
    await within(Promise.all([this.#known.promise, this.#fleet?.asked]), patienceMs);
    // Waited for once: after that the look that finds something new asks for a pass.
    this.#known.resolve(undefined);
    const { sandboxImage, policy } = await onDisk();
    const { demands: pods, node } = this.#watch.current();
    const facts = node.ok ? node.value : undefined;
    this.#asked = this.#signature();
    const coming = (await this.#coming?.demands()) ?? [];
    const kubelet = facts === undefined ? {} : { kubelet: this.#kubelet.verification(facts, policy) };
    return askedDemands({ pods, own, coming, sandboxImage, ...kubelet });
  };

  readonly withSecrets: Joined['withSecrets'] = (demand) => this.#secrets.read(demand);

  readonly node: Joined['node'] = () => {
    const { node } = this.#watch.current();
    const kubeletConfig = this.#kubelet.config();
    const clusterPlatforms = this.#coming?.platforms() ?? [];
    const fromStatus = { ...(kubeletConfig === undefined ? {} : { kubeletConfig }), clusterPlatforms };
    return node.ok ? { ...node.value, ...fromStatus } : undefined;
  };

  readonly clusterState = (): ClusterState => {
    const { isKnown, isStale, asOf, fault } = this.#watch.current();
    return { isKnown, isStale, asOfMs: asOf.getTime(), ...(fault === undefined ? {} : { fault }) };
  };

  readonly listen = (events: AgentEvents): void => {
    this.#events = events;
  };

  readonly changed: Joined['changed'] = (change) => {
    this.#nodeStatus?.changed(change);
    this.#publish();
  };

  readonly passed = (): void => this.#publish();

  readonly close = async (): Promise<void> => {
    this.#closing.abort();
    this.#known.resolve(undefined);
    this.#secrets.close();
    await Promise.all([this.#watch.close(), this.#coming?.close(), this.#nodeStatus?.close()]);
    await this.#cluster.close();
  };

  #onChange(): void {
    const now = this.#watch.current();
    if (now.isKnown && now.node.ok) this.#known.resolve(undefined);
    this.#coming?.recheck();
    if (!this.#reading) void this.#read();
  }

  async #read(): Promise<void> {
    this.#reading = true;
    await delay(burstMs, this.#closing.signal);
    this.#reading = false;
    if (this.#isClosed()) return;
    this.#logStale(this.#watch.current());
    if (this.#signature() !== this.#asked) this.#events?.demandsChanged();
  }

  #signature(): string {
    return `${signature(this.#watch.current().demands)}\n\n${this.#coming?.signature() ?? ''}`;
  }

  #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  #onOutcome(outcome: PullOutcome): void {
    this.#events?.outcome(outcome);
  }

  async #tick(): Promise<void> {
    while (!this.#isClosed()) {
      await delay(tickMs, this.#closing.signal);
      if (this.#isClosed()) return;
      this.#logStale(this.#watch.current());
      this.#publish();
    }
  }

  #publish(): void {
    const ledger = this.#events?.ledger();
    if (ledger !== undefined) this.#nodeStatus?.publish(ledger);
  }

  /** Once each way. */
  #logStale({ isStale, isKnown, asOf, fault }: Demanded): void {
    if (isStale === this.#wasStale) return;
    this.#wasStale = isStale;
    const { log } = this.#ask;
    const facts = { asOf: asOf.toISOString(), fault };
    if (!isStale) log.info({}, 'the cluster is seen again');
    else if (isKnown) log.warn(facts, 'the cluster is not seen: going on with what it said last');
    else log.warn(facts, 'the cluster is not seen: what its Pods ask for is not known');
  }
}

/** What is asked for, whoever asks. */
function signature(demands: readonly Demand[]): string {
  return demands
    .map(({ written, policy, secrets, present }) =>
      JSON.stringify([written, policy, present, secrets.map(({ namespace, name }) => [namespace, name])]),
    )
    .sort()
    .join('\n');
}
