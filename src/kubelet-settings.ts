/**
 * The one setting of the kubelet that says whether an image on the node is asked for again, as far as the kubelet tells. It is
 * asked seldom: its configuration changes with its restarts.
 */
import { readConfigz } from './cluster/configz.ts';
import type { Cluster } from './cluster/connect.ts';
import type { Verification } from './cluster/need.ts';

interface Kubelet {
  /** As in node.status.nodeInfo. */
  readonly kubelet: string;
  readonly kubeletUrl: string;
}

interface Outside {
  /** We are this cluster's ServiceAccount; somebody's kubeconfig is shown to the API server alone. */
  readonly isOurs: boolean;
  readonly now: () => Date;
}

const againMs = 3_600_000;

export class KubeletSettings {
  readonly #cluster: Cluster;
  readonly #outside: Outside;
  #policy: string | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(cluster: Cluster, outside: Outside) {
    this.#cluster = cluster;
    this.#outside = outside;
  }

  /** What is known now; the kubelet's answer serves the next to ask. Without one its files have the word. */
  verification({ kubelet, kubeletUrl }: Kubelet, onDisk?: string): Verification {
    const nowMs = this.#outside.now().getTime();
    if (this.#outside.isOurs && kubeletUrl !== '' && nowMs - this.#askedMs >= againMs) {
      this.#askedMs = nowMs;
      void this.#read(kubeletUrl);
    }
    const policy = this.#policy ?? onDisk;
    return { kubeletVersion: kubelet, ...(policy === undefined ? {} : { policy }) };
  }

  async #read(url: string): Promise<void> {
    const read = await readConfigz(this.#cluster, url);
    if (read.ok) this.#policy = policyIn(read.value);
  }
}

/** `text` is JSON that this program wrote. */
function policyIn(text: string): string | undefined {
  const config: unknown = JSON.parse(text);
  if (typeof config !== 'object' || config === null || !('imagePullCredentialsVerificationPolicy' in config))
    return undefined;
  const { imagePullCredentialsVerificationPolicy: policy } = config;
  return typeof policy === 'string' ? policy : undefined;
}
