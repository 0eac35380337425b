/**
 * The nodes that run an agent, as the catalog lists them: from the agents' Pods alone or, where the agent may list Nodes, with
 * what decides which Pods a node gets. Only labels that some workload selects by are kept.
 */
import type { NodePlace } from '#kubelet/placement.ts';
import { placementOf } from '#kubelet/placement-spec.ts';
import { at, textAt } from '#kubernetes/api/json.ts';
import { readNodeFacts } from './node-facts.ts';
import { parseJson } from '#data/json.ts';

export interface AgentNode {
  readonly name: string;
  /** Nodes of one stratum are assumed to reach registries by the same network; empty where nothing is known. */
  readonly stratum: string;
  readonly place?: Omit<NodePlace, 'name'>;
}

export interface AgentPod {
  readonly uid: string;
  readonly node: string;
  readonly zone: string;
}

const zoneLabel = 'topology.kubernetes.io/zone';

/** Kubernetes copies a node's zone to its Pods since 1.35 (admission plugin PodTopologyLabels); before, the zone is unknown here. */
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

/** More platforms than one cluster has. */
const mostPlatforms = 16;

/** The platforms of the cluster's Linux nodes. Nodes of other systems run other images. */
export function platformsOf(nodes: Iterable<PlacedNode>): readonly string[] {
  const found = [...nodes].flatMap(({ os, architecture }) =>
    os === 'linux' && /^[a-z0-9_]{1,20}$/.test(architecture) ? [`${os}/${architecture}`] : [],
  );
  return [...new Set(found)].sort().slice(0, mostPlatforms);
}

/** While an agent is replaced its node has two Pods, or briefly none. `placed`: of all workloads, as in workload.ts. */
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

/** The labels that decide where Pods may be placed. */
function labelsIn(placed: ReadonlySet<string>): ReadonlySet<string> {
  const keys = new Set(['kubernetes.io/os']);
  for (const text of placed) {
    const { nodeSelector, terms = [] } = placementOf(at(parseJson(text), 'spec'));
    for (const key of Object.keys(nodeSelector)) keys.add(key);
    for (const { expressions } of terms) for (const { key } of expressions) keys.add(key);
  }
  return keys;
}
