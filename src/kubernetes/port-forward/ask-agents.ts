/**
 * Sends one request to the agents of many nodes and yields the answers as they arrive. Each agent is reached at its loopback
 * listener through a port-forward of the API server: RBAC in drypull's namespace decides who may, and the agents need no list of
 * users. A bounded number of nodes at a time, each with its own deadline; a late or broken answer is an answer as well.
 */
import { delay } from '#timing.ts';
import type { Outcome } from '#report/outcome.ts';
import type { Away, Refused } from '#kubernetes/api/call.ts';
import { type AgentPod, type FleetNode, listAgents, listNodes, type Listed } from '#kubernetes/nodes.ts';
import { httpOver } from './http-over.ts';
import { codeOf } from '#data/error-code.ts';
import { parseJson, type JsonBounds } from '#data/json.ts';
import { TunnelError } from './tunnel.ts';
import { type UserCluster, userCluster, type WhichCluster } from '#kubernetes/api/user-cluster.ts';

export type { AgentPod, FleetNode, Listed } from '#kubernetes/nodes.ts';
export type { WhichCluster } from '#kubernetes/api/user-cluster.ts';

interface Question {
  readonly method: 'GET' | 'POST';
  /** With its query: `/check?fresh=1`. */
  readonly path: string;
  readonly body?: string;
}

interface Asked {
  readonly agent: AgentPod;
  readonly question: Question;
}

export interface Bounds {
  /** Nodes at a time. */
  readonly atOnce: number;
  readonly perNodeMs: number;
  /** The port of the agents' loopback listener. */
  readonly port: number;
  readonly signal: AbortSignal;
  readonly clockMs: () => number;
}

export interface NodeAnswer {
  readonly agent: AgentPod;
  readonly ms: number;
  readonly answered:
    | { readonly is: 'answered'; readonly status: number; readonly body: unknown }
    | Refused
    | Away
    | { readonly is: 'late'; readonly afterMs: number };
}

export interface Fleet {
  /** The context's name, for messages. */
  readonly name: string;
  readonly nodes: (selector: string, signal: AbortSignal) => Promise<Listed<FleetNode>>;
  readonly agents: (namespace: string, signal: AbortSignal) => Promise<Listed<AgentPod>>;
  readonly ask: (asked: readonly Asked[], bounds: Bounds) => AsyncIterable<NodeAnswer>;
}

export function openFleet(which: WhichCluster): Outcome<Fleet> {
  const reached = userCluster(which);
  if (!reached.ok) return reached;
  const cluster = reached.value;
  return {
    ok: true,
    value: {
      name: cluster.name,
      nodes: (selector, signal) => listNodes(cluster, selector, signal),
      agents: (namespace, signal) => listAgents(cluster, namespace, signal),
      ask: (asked, bounds) => askAll(cluster, asked, bounds),
    },
  };
}

async function* askAll(cluster: UserCluster, asked: readonly Asked[], bounds: Bounds): AsyncGenerator<NodeAnswer> {
  const waiting = [...asked];
  const running = new Map<AgentPod, Promise<NodeAnswer>>();
  const start = (): void => {
    const next = bounds.signal.aborted ? undefined : waiting.shift();
    if (next !== undefined) running.set(next.agent, askOne(cluster, next, bounds));
  };
  for (let i = 0; i < bounds.atOnce; i += 1) start();
  while (running.size > 0) {
    const answer = await Promise.race(running.values());
    running.delete(answer.agent);
    start();
    yield answer;
  }
}

/** 500 reports with all their steps. */
const answerBytes = 64 << 20;
/** As many values as 64 MiB of reports have. */
const reportBounds: JsonBounds = { nodes: 8_000_000, depth: 256 };
/** A busy agent answers 429 with Retry-After; a shorter pause is of no use. */
const shortestPauseMs = 500;

async function askOne(cluster: UserCluster, { agent, question }: Asked, bounds: Bounds): Promise<NodeAnswer> {
  const { perNodeMs, clockMs } = bounds;
  const startMs = clockMs();
  const deadline = new AbortController();
  const over = (): void => deadline.abort();
  const timer = setTimeout(over, perNodeMs);
  bounds.signal.addEventListener('abort', over, { once: true });
  const { promise: late, resolve } = Promise.withResolvers<NodeAnswer['answered']>();
  deadline.signal.addEventListener('abort', () => resolve({ is: 'late', afterMs: clockMs() - startMs }), {
    once: true,
  });
  try {
    const at = { cluster, agent, port: bounds.port, signal: deadline.signal };
    const answered = await Promise.race([whenFree(at, question), late]);
    return { agent, ms: clockMs() - startMs, answered: deadline.signal.aborted ? await late : answered };
  } finally {
    clearTimeout(timer);
    bounds.signal.removeEventListener('abort', over);
    deadline.abort();
  }
}

interface At {
  readonly cluster: UserCluster;
  readonly agent: AgentPod;
  readonly port: number;
  readonly signal: AbortSignal;
}

/** Repeats the request while the agent is busy. */
async function whenFree(at: At, question: Question): Promise<NodeAnswer['answered']> {
  for (;;) {
    const answered = await once(at, question);
    if (answered.is !== 'busy') return answered;
    await delay(Math.max(answered.againMs, shortestPauseMs), at.signal);
    if (at.signal.aborted) return { is: 'away', why: 'as many checks as it allows were under way' };
  }
}

type Once = NodeAnswer['answered'] | { readonly is: 'busy'; readonly againMs: number };

async function once({ cluster, agent, port, signal }: At, question: Question): Promise<Once> {
  const { namespace, pod } = agent;
  const forwarded = await cluster.forward({ namespace, pod, port }, signal);
  if (forwarded.is !== 'forwarded') return forwarded;
  try {
    const exchange = { ...question, host: `127.0.0.1:${port}`, maxBytes: answerBytes, signal };
    const { status, retryAfterS, text } = await httpOver(forwarded.tunnel, exchange);
    if (status === 429) return { is: 'busy', againMs: (retryAfterS ?? 5) * 1000 };
    if (text === undefined) return { is: 'away', why: `its answer is longer than ${answerBytes} bytes` };
    return { is: 'answered', status, body: parseJson(text, reportBounds) };
  } catch (error) {
    return { is: 'away', why: whyBroken(error) };
  }
}

/** The kubelet's text where it could not connect; otherwise the error of the connection. */
function whyBroken(error: unknown): string {
  if (!(error instanceof Error)) return 'an unknown error';
  if (error instanceof TunnelError) return error.message;
  const code = codeOf(error);
  if (code === 'ECONNRESET') return 'the connection broke before the answer was whole';
  return code === '' ? error.name : code;
}
