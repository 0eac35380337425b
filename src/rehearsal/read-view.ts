/** Reads this node as the configuration sets; what it leaves open comes from the Node object, where that was read. */
import type { DiskPressure } from '#kubelet/disk.ts';
import type { KubeletConfig } from '#kubelet/config.ts';
import type { Seen } from '#report/outcome.ts';
import { parsePlatform, type Platform } from '#image/platform.ts';
import type { NodeView } from '#node/view.ts';
import type { Config } from '#config/config.ts';
import type { AtStart } from '#node/at-start.ts';
import { readNode, type ReadNode } from './read-node.ts';

/** Of node.status.nodeInfo. */
export interface NodeStatus {
  readonly runtime: string;
  readonly os: string;
  readonly architecture: string;
  readonly kubelet?: string;
  readonly osImage?: string;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly lastTransitionTime: string;
  }[];
  readonly taints?: readonly { readonly key: string }[];
  /** As the kubelet itself reports them; they replace what is read from its files. */
  readonly kubeletConfig?: Seen<KubeletConfig>;
  /** Of all nodes, from the catalog. */
  readonly clusterPlatforms?: readonly string[];
}

interface ReadViewOptions {
  readonly now: Date;
  readonly status?: NodeStatus | undefined;
  /** Where the node is read again and again; absent: it is read once. */
  readonly atStart?: AtStart;
}

export async function readView(config: Config, at: ReadViewOptions): Promise<NodeView> {
  const view = await readFiles(config, at);
  const { status } = at;
  const diskPressure = pressureOf(status);
  const settings = status?.kubeletConfig;
  const kubelet = {
    ...view.kubelet,
    ...(settings === undefined ? {} : { config: settings }),
    ...(diskPressure === undefined ? {} : { diskPressure }),
  };
  return { ...view, kubelet };
}

/** The condition is the kubelet's, the taint the control plane's: either keeps Pods away. */
function pressureOf({ conditions, taints }: Partial<NodeStatus> = {}): DiskPressure | undefined {
  const condition = conditions?.find(({ type }) => type === 'DiskPressure');
  const tainted = taints?.some(({ key }) => key === 'node.kubernetes.io/disk-pressure') === true;
  if (condition === undefined) return tainted ? { is: true, since: '' } : undefined;
  return { is: condition.status === 'True' || tainted, since: condition.lastTransitionTime };
}

async function readFiles(config: Config, { now, status, atStart }: ReadViewOptions): Promise<NodeView> {
  const runtime = config.runtime ?? (status?.runtime === '' ? undefined : status?.runtime);
  const platform = platformOf(config, status);
  const view = await readNode({
    hostRoot: config.hostRoot,
    ...(runtime === undefined ? {} : { runtime }),
    ...(platform === undefined ? {} : { platform }),
    ...(config.nodeName === null ? {} : { nodeName: config.nodeName }),
    kubelet: {
      ...(config.kubeletRootDir === null ? {} : { rootDir: config.kubeletRootDir }),
      ...(config.imageCredentialProviderConfig === null
        ? {}
        : { credentialProviderConfig: config.imageCredentialProviderConfig }),
      ...(config.imageCredentialProviderBinDir === null
        ? {}
        : { credentialProviderBinDir: config.imageCredentialProviderBinDir }),
      runsHere: status !== undefined,
    },
    info: infoOf(status),
    now,
    ...(atStart === undefined ? {} : { atStart }),
  });
  const clusterPlatforms =
    config.clusterPlatforms.length > 0 ? config.clusterPlatforms : (status?.clusterPlatforms ?? []);
  return clusterPlatforms.length === 0 ? view : { ...view, clusterPlatforms };
}

function infoOf({ kubelet, osImage }: Partial<NodeStatus> = {}): NonNullable<ReadNode['info']> {
  return {
    ...(kubelet === undefined ? {} : { kubeletVersion: kubelet }),
    ...(osImage === undefined ? {} : { osImage }),
  };
}

/** The Node does not name the variant of a 32-bit ARM; the machine does. */
function platformOf(config: Config, status: NodeStatus | undefined): Platform | undefined {
  const fromNode = status === undefined || status.os === '' || /^(arm)?$/.test(status.architecture);
  const written = config.platform ?? (fromNode ? undefined : `${status.os}/${status.architecture}`);
  const read = written === undefined ? undefined : parsePlatform(written);
  return read?.ok === true ? read.platform : undefined;
}
