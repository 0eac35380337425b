/**
 * Demands of Pods that may yet be scheduled to this node: from the catalog, with the pull secrets that admission will give the Pods.
 * Without permission to read a ServiceAccount, its secrets count as secrets that may not be read.
 */
import type { CatalogDemand } from '#catalog/share.ts';
import type { PullSecret } from '#kubelet/pull-secret.ts';
import type { Demand } from '#kubelet/demand.ts';
import type { NodeFacts } from '#kubernetes/node-facts.ts';
import { parseImage } from '#image/reference.ts';
import type { Outcome } from '#report/outcome.ts';
import type { NodePlace } from '#kubelet/placement.ts';
import { architecturesOf } from '#kubelet/placement-architectures.ts';
import { type Accounts, accounts } from '#kubernetes/service-accounts.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { presenceOf } from '#kubernetes/pod-demands.ts';
import { type CatalogView, type CatalogWatch, type CatalogOptions, watchCatalog } from '#catalog/watch-catalog.ts';
import type { Demanded } from '#kubernetes/watch-demand.ts';
import type { Log } from '#output/log.ts';
import { withTimeout } from '#timing.ts';

interface UpcomingOptions extends Omit<CatalogOptions, 'place'> {
  readonly node: () => Demanded['node'];
  readonly log: Log;
}

/** Demands of Pods on this node do not wait longer for upcoming ones. */
const accountLimitMs = 5000;

export class UpcomingDemands {
  readonly #options: UpcomingOptions;
  readonly #accounts: Accounts;
  readonly #watch: CatalogWatch;
  #generation: number | undefined;
  #logged = '';

  constructor(cluster: Cluster, namespace: string, options: UpcomingOptions) {
    this.#options = options;
    this.#accounts = accounts(cluster, options.now);
    this.#watch = watchCatalog(cluster, namespace, {
      ...options,
      place: () => this.#place(),
      onChange: () => {
        this.#log(this.#watch.current());
        options.onChange();
      },
    });
  }

  /** A text that changes when the demands do. */
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

  /** The platforms of all nodes of the cluster, such as `linux/arm64`; empty where the catalog names none. */
  platforms(): readonly string[] {
    return this.#watch.current().platforms;
  }

  /** Call this when the Node may have changed. */
  recheck(): void {
    this.#watch.recheck();
  }

  close(): Promise<void> {
    return this.#watch.close();
  }

  /** Only the fields that decide which Pods may be scheduled here: the rest of a Node changes all the time. */
  #place(): NodePlace | undefined {
    const node = this.#node();
    if (node === undefined) return undefined;
    const { name, labels, taints, unschedulable } = node;
    return { name, labels, taints, unschedulable };
  }

  #node(): NodeFacts | undefined {
    const node = this.#options.node();
    return node.ok ? node.value : undefined;
  }

  async #secretsOf({ namespace, secretNames, account }: CatalogDemand): Promise<readonly PullSecret[]> {
    const unread = (name: string): PullSecret => ({ namespace, name, state: { is: 'unseen', why: 'not_given' } });
    if (secretNames.length > 0) return secretNames.map(unread);
    const found = await withTimeout(this.#accounts.secretNames(namespace, account), accountLimitMs);
    return found?.ok === true ? found.value.map(unread) : [unseen(namespace, account, found)];
  }

  /** Logs each state once. */
  #log({ generation, fault, namesNoNodes, demands }: CatalogView): void {
    const { log } = this.#options;
    const state = generation === undefined && fault !== undefined ? JSON.stringify(fault) : String(namesNoNodes);
    if (this.#logged !== state) {
      this.#logged = state;
      if (generation === undefined && fault !== undefined)
        log.info({ fault }, 'cannot read the catalog: upcoming demands of this node are not known');
      else if (namesNoNodes)
        log.warn({}, 'the catalog names no nodes: images that any node could get are not rehearsed');
    }
    if (generation === this.#generation) return;
    this.#generation = generation;
    log.debug({ generation, demands: demands.length }, 'catalog read');
  }
}

function unseen(namespace: string, account: string, found: Outcome<unknown> | undefined): PullSecret {
  const isForbidden = found?.ok === false && found.fault.code === 'agent.not_allowed';
  const name = `of ServiceAccount ${account}`;
  return { namespace, name, state: { is: 'unseen', why: isForbidden ? 'forbidden' : 'unreachable' } };
}
