/**
 * The nodes that run an agent of ours, as the catalog names them: from the agents' Pods alone, or with what decides on which Pods
 * a node may get, where the Nodes may be listed. Of labels only those are kept that some workload asks for.
 */
import type { NodePlace } from '#kubelet/placement.ts';
import { placementOf } from '#kubelet/placement.ts';
import { at, parseJson, textAt } from '#kubernetes/api/json.ts';
import { readNodeFacts } from './node-facts.ts';

/** A node with an agent on it. */
export interface AgentNode {
  readonly name: string;
  /** Nodes of one stratum are taken to reach registries the same way; empty where nothing is known. */
  readonly stratum: string;
  readonly place?: Omit<NodePlace, 'name'>;
}

export interface AgentPod {
  readonly uid: string;
  readonly node: string;
  readonly zone: string;
}

const zoneLabel = 'topology.kubernetes.io/zone';

/** Kubernetes 1.35 copies a node's zone to its Pods (admission plugin PodTopologyLabels); before, it is not known here. */
export function readAgentPod(pod: unknown): AgentPod | undefined {
  const [uid, node] = [textAt(pod, 'metadata', 'uid'), textAt(pod, 'spec', 'nodeName')];
  if (uid === '' || node === '' || textAt(pod, 'metadata', 'deletionTimestamp') !== '') return undefined;
  return { uid, node, zone: textAt(pod, 'metadata', 'labels', zoneLabel) };
}

export interface PlacedNode {
  readonly uid: string;
  readonly os: string;
  readonly architecture: string;
  readonly place: NodePlace;
}

export function readPlacedNode(node: unknown): PlacedNode | undefined {
  const facts = readNodeFacts(node);
  if (facts === undefined) return undefined;
  const { name, labels, taints, unschedulable, os, architecture } = facts;
  const uid = textAt(node, 'metadata', 'uid');
  return { uid, os, architecture, place: { name, labels, taints, unschedulable } };
}

/** More kinds of nodes than one cluster has. */
const mostPlatforms = 16;

/** What the nodes of the cluster need builds for: those that run Linux, as ours do; others run other images. */
export function platformsOf(nodes: Iterable<PlacedNode>): readonly string[] {
  const found = [...nodes].flatMap(({ os, architecture }) =>
    os === 'linux' && /^[a-z0-9_]{1,20}$/.test(architecture) ? [`${os}/${architecture}`] : [],
  );
  return [...new Set(found)].sort().slice(0, mostPlatforms);
}

/** While an agent is replaced its node has two Pods, or for a moment none. `placed`: of all workloads, as in workload.ts. */
export function agentNodes(
  pods: Iterable<AgentPod>,
  nodes: Iterable<PlacedNode>,
  placed: ReadonlySet<string>,
): readonly AgentNode[] {
  const known = new Map([...nodes].map((node) => [node.place.name, node]));
  const asked = known.size === 0 ? new Set<string>() : labelsIn(placed);
  const found = new Map<string, AgentNode>();
  for (const { node: name, zone } of pods) {
    const seen = known.get(name);
    found.set(name, seen === undefined ? { name, stratum: zone } : agentNode(seen, asked));
  }
  return [...found.values()];
}

function agentNode({ architecture, place }: PlacedNode, asked: ReadonlySet<string>): AgentNode {
  const { name, taints, unschedulable } = place;
  const labels = Object.entries(place.labels).filter(([key]) => asked.has(key));
  const stratum = [architecture, place.labels[zoneLabel] ?? ''].join(' ').trim();
  return { name, stratum, place: { labels: Object.fromEntries(labels), taints, unschedulable } };
}

/** The labels that decide on where Pods may land. */
function labelsIn(placed: ReadonlySet<string>): ReadonlySet<string> {
  const keys = new Set(['kubernetes.io/os']);
  for (const text of placed) {
    const { nodeSelector, terms = [] } = placementOf(at(parseJson(text), 'spec'));
    for (const key of Object.keys(nodeSelector)) keys.add(key);
    for (const { expressions } of terms) for (const { key } of expressions) keys.add(key);
  }
  return keys;
}
