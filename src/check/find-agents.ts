/** The nodes that may be asked and the agents on them, or in one sentence what stands in the way and how to mend it. */
import type { AgentPod, Fleet, FleetNode, Listed } from '#kubernetes/port-forward/ask-agents.ts';

export interface FoundFleet {
  readonly ok: true;
  readonly nodes: readonly FleetNode[];
  /** By node. */
  readonly agents: ReadonlyMap<string, AgentPod>;
}

export interface FleetRequest {
  /** Of Nodes; empty: all. */
  readonly selector: string;
  /** Where the agents' Pods are; undefined: in `drypull`, else wherever they are found. */
  readonly agentNamespace: string | undefined;
  /** For each list. */
  readonly perNodeMs: number;
}

const defaultNamespace = 'drypull';
/** A list of thousands of Nodes takes longer than one node's answer. */
const leastMs = 30_000;

export async function findFleet(
  fleet: Fleet,
  { selector, agentNamespace, perNodeMs }: FleetRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<FoundFleet | { readonly ok: false; readonly why: string }> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(Math.max(perNodeMs, leastMs))]);
  const [nodes, agents] = await Promise.all([
    fleet.nodes(selector, bounded),
    findAgents(fleet, agentNamespace, bounded),
  ]);
  if (nodes.is !== 'listed') return { ok: false, why: whyNotListed('Nodes', nodes) };
  if (agents.is !== 'listed') return { ok: false, why: whyNotListed("the agents' Pods", agents) };
  if (nodes.items.length === 0)
    return { ok: false, why: selector === '' ? 'the cluster has no Nodes' : `no Node has the labels ${selector}` };
  if (agents.items.length === 0)
    return {
      ok: false,
      why: `no agent of drypull runs in this cluster (Pods with app.kubernetes.io/name=drypull in namespace ${agentNamespace ?? defaultNamespace}); README, "Install on a cluster", says how to install it, --agent-namespace where it is`,
    };
  return { ok: true, nodes: nodes.items, agents: new Map(agents.items.map((agent) => [agent.node, agent])) };
}

async function findAgents(fleet: Fleet, namespace: string | undefined, signal: AbortSignal): Promise<Listed<AgentPod>> {
  const there = await fleet.agents(namespace ?? defaultNamespace, signal);
  if (namespace !== undefined || (there.is === 'listed' && there.items.length > 0)) return there;
  const anywhere = await fleet.agents('', signal);
  return anywhere.is === 'listed' ? anywhere : there;
}

function whyNotListed(what: string, listed: Exclude<Listed<unknown>, { readonly is: 'listed' }>): string {
  if (listed.is === 'away') return `cannot list ${what}: the API server gives no answer (${listed.why})`;
  if (listed.status === 401) return `cannot list ${what}: the API server does not know you (401): log in again`;
  if (listed.status === 403)
    return `you may not list ${what}: whoever asks needs the ClusterRole drypull-asker (kubectl apply -k manifests/components/asker, then bind it)`;
  return `cannot list ${what}: HTTP ${listed.status} ${listed.reason} ${listed.message}`.trimEnd();
}
