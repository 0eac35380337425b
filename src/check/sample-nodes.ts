/**
 * Of very many nodes a few of each kind: what makes nodes differ in how they pull is their architecture, where they stand, which
 * runtime they run and which pool they came from. Pure, and the same nodes for the same fleet: who is chosen depends on names alone.
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
  /** How many there were to choose from, and of how many kinds. */
  readonly of: number;
  readonly kinds: number;
}

/** Below this everybody is asked. */
export const sampleFrom = 300;
/** Enough that a fault on one node in fifty is met with a chance of 95 % within one kind. */
const most = 150;
/** One that is down, one that is odd, and one to tell which. */
const leastOfKind = 3;

/**
 * Labels that name a pool, by who writes them: EKS, GKE, AKS (and its older form), Karpenter, Gardener, kOps, DigitalOcean,
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

/** `pool=gpu`: the label that tells where a node comes from; undefined where none does. */
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

/** In proportion, and never so few that one odd node stands for all of them. */
function shareOf(members: readonly unknown[], all: number): number {
  return Math.max(leastOfKind, Math.round((most * members.length) / all));
}

function kindOf(node: SampledNode): string {
  return JSON.stringify([node.architecture, zoneOf(node), node.runtime, poolOf(node) ?? '']);
}

/** Names that follow one another are often one rack or one day: their hashes do not. */
function spreadOut<N extends SampledNode>(nodes: readonly N[]): readonly N[] {
  return nodes
    .map((node) => ({ node, hash: fnv1a(node.name) }))
    .toSorted((a, b) => a.hash - b.hash || (a.node.name < b.node.name ? -1 : 1))
    .map(({ node }) => node);
}

/** FNV-1a, 32 bits, and a last stir: names that differ in their last letter only lie close together without. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
