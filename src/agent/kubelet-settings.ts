/**
 * The kubelet's settings about images, as far as the kubelet itself tells: whether an image on the node is asked for again, when
 * it evicts, how it queues. It is asked seldom: its configuration changes with its restarts.
 */
import { kubeletConfigOf, type KubeletConfig } from '#kubelet/config.ts';
import { good, seen, type Seen } from '#report/outcome.ts';
import { readConfigz } from '#kubernetes/api/configz.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import type { Verification } from '#kubelet/pull-need.ts';

interface Kubelet {
  /** As in node.status.nodeInfo. */
  readonly kubelet: string;
  readonly kubeletUrl: string;
}

interface Dependencies {
  /** We are this cluster's ServiceAccount; somebody's kubeconfig is shown to the API server alone. */
  readonly isOurs: boolean;
  readonly now: () => Date;
}

const againMs = 3_600_000;

export class KubeletSettings {
  readonly #cluster: Cluster;
  readonly #dependencies: Dependencies;
  #policy: string | undefined;
  #config: Seen<KubeletConfig> | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(cluster: Cluster, dependencies: Dependencies) {
    this.#cluster = cluster;
    this.#dependencies = dependencies;
  }

  /** What is known now; the kubelet's answer serves the next to ask. Without one its files have the word. */
  verification({ kubelet, kubeletUrl }: Kubelet, onDisk?: string): Verification {
    const nowMs = this.#dependencies.now().getTime();
    if (this.#dependencies.isOurs && kubeletUrl !== '' && nowMs - this.#askedMs >= againMs) {
      this.#askedMs = nowMs;
      void this.#read(kubeletUrl);
    }
    const policy = this.#policy ?? onDisk;
    return { kubeletVersion: kubelet, ...(policy === undefined ? {} : { policy }) };
  }

  /** In force, in the kubelet's own words; undefined while it has not told. */
  config(): Seen<KubeletConfig> | undefined {
    return this.#config;
  }

  async #read(url: string): Promise<void> {
    const read = await readConfigz(this.#cluster, url);
    if (!read.ok) return;
    // JSON that this program wrote.
    const parsed: unknown = JSON.parse(read.value);
    this.#policy = policyIn(parsed);
    this.#config = seen(read.source, good(kubeletConfigOf([parsed])));
  }
}

function policyIn(config: unknown): string | undefined {
  if (typeof config !== 'object' || config === null || !('imagePullCredentialsVerificationPolicy' in config))
    return undefined;
  const { imagePullCredentialsVerificationPolicy: policy } = config;
  return typeof policy === 'string' ? policy : undefined;
}
