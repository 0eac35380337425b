/**
 * The kubelet's settings about images, from its own /configz: whether it verifies the credentials of an image that is on the node,
 * when it evicts, how it queues pulls. Read rarely, because the configuration changes only when the kubelet restarts.
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
  /** The credentials are a ServiceAccount's of this cluster. Those of a kubeconfig go to the API server only. */
  readonly isServiceAccount: boolean;
  readonly now: () => Date;
}

const rereadMs = 3_600_000;

export class KubeletSettings {
  readonly #cluster: Cluster;
  readonly #dependencies: Dependencies;
  #policy: string | undefined;
  #config: Seen<KubeletConfig> | undefined;
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(cluster: Cluster, dependencies: Dependencies) {
    this.#cluster = cluster;
    this.#dependencies = dependencies;
  }

  /** What is known now. Starts a read whose result the next call returns. Without a result the kubelet's files decide. */
  verification({ kubelet, kubeletUrl }: Kubelet, onDisk?: string): Verification {
    const nowMs = this.#dependencies.now().getTime();
    if (this.#dependencies.isServiceAccount && kubeletUrl !== '' && nowMs - this.#readMs >= rereadMs) {
      this.#readMs = nowMs;
      void this.#read(kubeletUrl);
    }
    const policy = this.#policy ?? onDisk;
    return { kubeletVersion: kubelet, ...(policy === undefined ? {} : { policy }) };
  }

  /** The configuration in force; undefined until the kubelet has answered. */
  config(): Seen<KubeletConfig> | undefined {
    return this.#config;
  }

  async #read(url: string): Promise<void> {
    const read = await readConfigz(this.#cluster, url);
    if (!read.ok) return;
    // JSON that readConfigz wrote.
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
