/** Reads this node as the configuration wishes it read; what it leaves open is taken from the Node object, where that was seen. */
import type { DiskPressure } from '#pull/disk.ts';
import type { KubeletConfig } from '#pull/kubelet-config.ts';
import type { Seen } from '#pull/outcome.ts';
import { parsePlatform, type Platform } from '#pull/platform.ts';
import type { NodeView } from '#pull/view.ts';
import type { Config } from './config.ts';
import type { AtStart } from './node/at-start.ts';
import { readNode, type ReadNode } from './node/read-node.ts';

/** Of node.status.nodeInfo. */
export interface NodeSaid {
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
  /** In the kubelet's own words, which go over what is read from its files. */
  readonly kubeletConfig?: Seen<KubeletConfig>;
  /** Of all nodes, as the catalog says. */
  readonly clusterPlatforms?: readonly string[];
}

export interface Looking {
  readonly now: Date;
  readonly said?: NodeSaid | undefined;
  /** Where somebody looks again and again; absent: this look is the only one. */
  readonly atStart?: AtStart;
}

export async function look(config: Config, at: Looking): Promise<NodeView> {
  const view = await lookAtFiles(config, at);
  const { said } = at;
  const diskPressure = pressureOf(said);
  const settings = said?.kubeletConfig;
  const kubelet = {
    ...view.kubelet,
    ...(settings === undefined ? {} : { config: settings }),
    ...(diskPressure === undefined ? {} : { diskPressure }),
  };
  return { ...view, kubelet };
}

/** The condition is the kubelet's, the taint the control plane's: either keeps Pods away. */
function pressureOf({ conditions, taints }: Partial<NodeSaid> = {}): DiskPressure | undefined {
  const condition = conditions?.find(({ type }) => type === 'DiskPressure');
  const tainted = taints?.some(({ key }) => key === 'node.kubernetes.io/disk-pressure') === true;
  if (condition === undefined) return tainted ? { is: true, since: '' } : undefined;
  return { is: condition.status === 'True' || tainted, since: condition.lastTransitionTime };
}

async function lookAtFiles(config: Config, { now, said, atStart }: Looking): Promise<NodeView> {
  const runtime = config.runtime ?? (said?.runtime === '' ? undefined : said?.runtime);
  const platform = platformOf(config, said);
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
      runsHere: said !== undefined,
    },
    info: infoOf(said),
    now,
    ...(atStart === undefined ? {} : { atStart }),
  });
  const clusterPlatforms =
    config.clusterPlatforms.length > 0 ? config.clusterPlatforms : (said?.clusterPlatforms ?? []);
  return clusterPlatforms.length === 0 ? view : { ...view, clusterPlatforms };
}

function infoOf({ kubelet, osImage }: Partial<NodeSaid> = {}): NonNullable<ReadNode['info']> {
  return {
    ...(kubelet === undefined ? {} : { kubeletVersion: kubelet }),
    ...(osImage === undefined ? {} : { osImage }),
  };
}

/** The Node does not tell the variant of a 32-bit ARM; the machine does. */
function platformOf(config: Config, said: NodeSaid | undefined): Platform | undefined {
  const fromNode = said === undefined || said.os === '' || /^(arm)?$/.test(said.architecture);
  const written = config.platform ?? (fromNode ? undefined : `${said.os}/${said.architecture}`);
  const read = written === undefined ? undefined : parsePlatform(written);
  return read?.ok === true ? read.platform : undefined;
}
