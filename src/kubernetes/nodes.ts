/** The Nodes of a cluster and the Pods of drypull's agents on them, listed page by page with the rights of whoever asks. */
import type { NodePlace } from '#kubelet/placement.ts';
import { type Away, MiB, type Refused } from '#kubernetes/api/call.ts';
import { at, listAt, stringsAt, textAt } from '#kubernetes/api/json.ts';
import { readNodeFacts } from './node-facts.ts';
import type { UserCluster } from '#kubernetes/api/user-cluster.ts';

export interface FleetNode extends NodePlace {
  readonly architecture: string;
  /** As in node.status.nodeInfo: `containerd://2.1.9`. */
  readonly runtime: string;
}

export interface AgentPod {
  readonly namespace: string;
  readonly pod: string;
  readonly node: string;
  /** Why its container does not run, such as CrashLoopBackOff; empty where it does. */
  readonly waiting: string;
}

export type Listed<T> = { readonly is: 'listed'; readonly items: readonly T[] } | Refused | Away;

/** What manifests/base labels its Pods with. */
const agentLabel = 'app.kubernetes.io/name=drypull';
const page = 250;
/** 250 Nodes with the names of fifty images each. */
const pageBytes = 64 * MiB;
const mostPages = 100;

export async function listNodes(
  cluster: UserCluster,
  selector: string,
  signal: AbortSignal,
): Promise<Listed<FleetNode>> {
  const listed = await list(cluster, '/api/v1/nodes', { selector, signal });
  if (listed.is !== 'listed') return listed;
  return { is: 'listed', items: listed.items.flatMap(readNode) };
}

/** `namespace` empty: in all of them. */
export async function listAgents(
  cluster: UserCluster,
  namespace: string,
  signal: AbortSignal,
): Promise<Listed<AgentPod>> {
  const path = namespace === '' ? '/api/v1/pods' : `/api/v1/namespaces/${namespace}/pods`;
  const listed = await list(cluster, path, { selector: agentLabel, signal });
  return listed.is === 'listed' ? { is: 'listed', items: listed.items.flatMap(readAgent) } : listed;
}

async function list(
  cluster: UserCluster,
  path: string,
  { selector, signal }: { readonly selector: string; readonly signal: AbortSignal },
): Promise<Listed<unknown>> {
  const items: unknown[] = [];
  let next = '';
  for (let pages = 0; pages < mostPages; pages += 1) {
    const query = {
      limit: String(page),
      ...(selector === '' ? {} : { labelSelector: selector }),
      ...(next === '' ? {} : { continue: next }),
    };
    const answer = await cluster.get({ path, query, signal, maxBytes: pageBytes });
    if (answer.is !== 'answered') return answer;
    items.push(...listAt(answer.body, 'items'));
    next = textAt(answer.body, 'metadata', 'continue');
    if (next === '') break;
  }
  return { is: 'listed', items };
}

function readNode(node: unknown): readonly FleetNode[] {
  const facts = readNodeFacts(node);
  if (facts === undefined) return [];
  const { name, labels, taints, architecture, runtime } = facts;
  return [{ name, labels, taints, architecture, runtime, unschedulable: at(node, 'spec', 'unschedulable') === true }];
}

/** Other parts of drypull carry the same name, and say which they are. */
function readAgent(pod: unknown): readonly AgentPod[] {
  const [namespace, name, node] = [
    textAt(pod, 'metadata', 'namespace'),
    textAt(pod, 'metadata', 'name'),
    textAt(pod, 'spec', 'nodeName'),
  ];
  const component = stringsAt(pod, 'metadata', 'labels')['app.kubernetes.io/component'] ?? 'agent';
  const isLeaving = textAt(pod, 'metadata', 'deletionTimestamp') !== '';
  const isOver = /^(Succeeded|Failed)$/.test(textAt(pod, 'status', 'phase'));
  if (namespace === '' || name === '' || node === '' || component !== 'agent' || isLeaving || isOver) return [];
  const [status] = listAt(pod, 'status', 'containerStatuses');
  return [{ namespace, pod: name, node, waiting: textAt(status, 'state', 'waiting', 'reason') }];
}
