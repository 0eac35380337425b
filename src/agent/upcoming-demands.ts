/**
 * What is about to land on this node, as demands like any other: from the catalog, with the pull secrets that admission will give
 * the Pods. Where a ServiceAccount may not be read, its secrets count as secrets that nobody let us read.
 */
import type { CatalogDemand } from '#catalog/share.ts';
import type { PullSecret } from '#kubelet/keyring.ts';
import { parseImage } from '#image/reference.ts';
import type { Outcome } from '#report/outcome.ts';
import type { NodePlace } from '#kubelet/placement.ts';
import { architecturesOf } from '#kubelet/placement-architectures.ts';
import type { Demand } from '#node/view.ts';
import { type Accounts, accounts } from '#kubernetes/service-accounts.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { presenceOf } from '#kubernetes/pod-demands.ts';
import { type CatalogSeen, type CatalogWatch, type CatalogWorld, watchCatalog } from '#catalog/watch-catalog.ts';
import type { Demanded, NodeFacts } from '#kubernetes/watch-demand.ts';
import type { Log } from '#output/log.ts';
import { within } from './with-timeout.ts';

export interface ComingWorld extends Omit<CatalogWorld, 'place'> {
  readonly node: () => Demanded['node'];
  readonly log: Log;
}

/** The Pods that are here do not wait longer for those that are not. */
const patienceMs = 5000;

export class ComingDemands {
  readonly #world: ComingWorld;
  readonly #accounts: Accounts;
  readonly #watch: CatalogWatch;
  #generation: number | undefined;
  #reported = '';

  constructor(cluster: Cluster, namespace: string, world: ComingWorld) {
    this.#world = world;
    this.#accounts = accounts(cluster, world.now);
    this.#watch = watchCatalog(cluster, namespace, {
      ...world,
      place: () => this.#place(),
      onChange: () => {
        this.#log(this.#watch.current());
        world.onChange();
      },
    });
  }

  /** What is asked for, in a text that changes when it does. */
  signature(): string {
    const { demands } = this.#watch.current();
    return demands
      .map(({ written, policy, namespace, secretNames, account }) =>
        JSON.stringify([written, policy, namespace, secretNames, account]),
      )
      .sort()
      .join('\n');
  }

  async demands(): Promise<readonly Demand[]> {
    const { demands } = this.#watch.current();
    const images = this.#node()?.images;
    return Promise.all(
      demands.map(async (demand) => {
        const { written, policy, requestedBy } = demand;
        const architectures = architecturesOf(demand.placement);
        const image = parseImage(written);
        const secrets = await this.#secretsOf(demand);
        const present = presenceOf(image, images);
        const known = { image, written, policy, requestedBy, secrets, present };
        return architectures === undefined ? known : { ...known, architectures };
      }),
    );
  }

  /** Of all nodes of the cluster, `linux/arm64`; empty where the catalog does not say. */
  platforms(): readonly string[] {
    return this.#watch.current().platforms;
  }

  /** Something of the Node may be different. */
  recheck(): void {
    this.#watch.recheck();
  }

  close(): Promise<void> {
    return this.#watch.close();
  }

  /** Only what decides on which Pods it may get: the rest of a Node changes all the time. */
  #place(): NodePlace | undefined {
    const node = this.#node();
    if (node === undefined) return undefined;
    const { name, labels, taints, unschedulable } = node;
    return { name, labels, taints, unschedulable };
  }

  #node(): NodeFacts | undefined {
    const node = this.#world.node();
    return node.ok ? node.value : undefined;
  }

  async #secretsOf({ namespace, secretNames, account }: CatalogDemand): Promise<readonly PullSecret[]> {
    const unread = (name: string): PullSecret => ({ namespace, name, state: { is: 'unseen', why: 'not_given' } });
    if (secretNames.length > 0) return secretNames.map(unread);
    const found = await within(this.#accounts.secretNames(namespace, account), patienceMs);
    return found?.ok === true ? found.value.map(unread) : [unseen(namespace, account, found)];
  }

  /** Once for each thing that there is to say. */
  #log({ generation, fault, namesNoNodes, demands }: CatalogSeen): void {
    const { log } = this.#world;
    const trouble = generation === undefined && fault !== undefined ? JSON.stringify(fault) : String(namesNoNodes);
    if (this.#reported !== trouble) {
      this.#reported = trouble;
      if (generation === undefined && fault !== undefined)
        log.info({ fault }, 'no catalog is read: what is about to land on this node is not known');
      else if (namesNoNodes)
        log.warn({}, 'the catalog names no nodes: what any node could get is left to nobody, and not rehearsed');
    }
    if (generation === this.#generation) return;
    this.#generation = generation;
    log.debug({ generation, demands: demands.length }, 'the catalog is read');
  }
}

function unseen(namespace: string, account: string, found: Outcome<unknown> | undefined): PullSecret {
  const isForbidden = found?.ok === false && found.fault.code === 'agent.not_allowed';
  const name = `of ServiceAccount ${account}`;
  return { namespace, name, state: { is: 'unseen', why: isForbidden ? 'forbidden' : 'unreachable' } };
}
