/**
 * A sample of very many nodes with a few of each kind. Nodes pull differently by architecture, zone, runtime and pool. The sample
 * depends on the nodes' names alone: it is the same for the same fleet. Pure.
 */
import { valueAt } from '#data/value-at.ts';

export interface SampledNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly architecture: string;
  /** As in node.status.nodeInfo: `containerd://2.1.9`. */
  readonly runtime: string;
}

export interface Sample<N> {
  readonly nodes: readonly N[];
  /** The number of all nodes, and of their kinds. */
  readonly of: number;
  readonly kinds: number;
}

/** With fewer nodes, all of them are in the sample. */
const sampleFrom = 300;
/** Finds a fault on one node in fifty of a kind with a probability of 95 %. */
const most = 150;
/** One may be down and another faulty; the third shows which. */
const leastOfKind = 3;

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
export function poolOf({ labels }: Pick<SampledNode, 'labels'>): string | undefined {
  const key = [...poolLabels, instanceType].find((label) => (valueAt(labels, label) ?? '') !== '');
  return key === undefined ? undefined : `${key.slice(key.indexOf('/') + 1)}=${valueAt(labels, key) ?? ''}`;
}

export function zoneOf({ labels }: Pick<SampledNode, 'labels'>): string {
  return valueAt(labels, zone) ?? '';
}

export function sampleNodes<N extends SampledNode>(nodes: readonly N[]): Sample<N> {
  const kinds = [...Map.groupBy(nodes, kindOf).entries()].toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (nodes.length < sampleFrom) return { nodes, of: nodes.length, kinds: kinds.length };
  const chosen = new Set(kinds.flatMap(([, members]) => spreadOut(members).slice(0, shareOf(members, nodes.length))));
  return { nodes: nodes.filter((node) => chosen.has(node)), of: nodes.length, kinds: kinds.length };
}

/** In proportion, and enough that one faulty node does not decide for its kind. */
function shareOf(members: readonly unknown[], all: number): number {
  return Math.max(leastOfKind, Math.round((most * members.length) / all));
}

function kindOf(node: SampledNode): string {
  return JSON.stringify([node.architecture, zoneOf(node), node.runtime, poolOf(node) ?? '']);
}

/** Nodes with consecutive names often share a rack or a creation date; their hashes do not follow each other. */
function spreadOut<N extends SampledNode>(nodes: readonly N[]): readonly N[] {
  return nodes
    .map((node) => ({ node, hash: fnv1a(node.name) }))
    .toSorted((a, b) => a.hash - b.hash || (a.node.name < b.node.name ? -1 : 1))
    .map(({ node }) => node);
}

/** FNV-1a, 32 bits, and a final mix, which separates names that differ only in their last letter. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
