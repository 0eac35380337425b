/** The labels that name the pool and the zone of a node. Pure. */
import { valueAt } from '#data/value-at.ts';

export interface LabelledNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly architecture: string;
  /** As in node.status.nodeInfo: `containerd://2.1.9`. */
  readonly runtime: string;
}

/**
 * Labels that name a pool, by the product that sets them: EKS, GKE, AKS (and its older form), Karpenter, Gardener, kOps, DigitalOcean,
 * OpenShift's machine sets, Cluster API.
 */
const poolLabels = [
  'eks.amazonaws.com/nodegroup',
  'cloud.google.com/gke-nodepool',
  'kubernetes.azure.com/agentpool',
  'agentpool',
  'karpenter.sh/nodepool',
  'worker.gardener.cloud/pool',
  'kops.k8s.io/instancegroup',
  'doks.digitalocean.com/node-pool',
  'machine.openshift.io/cluster-api-machineset',
  'cluster.x-k8s.io/deployment-name',
  'node-pool',
  'nodepool',
  'pool',
] as const;
const instanceType = 'node.kubernetes.io/instance-type';
const zone = 'topology.kubernetes.io/zone';

/** `pool=gpu`: the label of the pool that a node belongs to; undefined: it has none. */
export function poolOf({ labels }: Pick<LabelledNode, 'labels'>): string | undefined {
  const key = [...poolLabels, instanceType].find((label) => (valueAt(labels, label) ?? '') !== '');
  return key === undefined ? undefined : `${key.slice(key.indexOf('/') + 1)}=${valueAt(labels, key) ?? ''}`;
}

export function zoneOf({ labels }: Pick<LabelledNode, 'labels'>): string {
  return valueAt(labels, zone) ?? '';
}
