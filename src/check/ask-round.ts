/** One round of questions to many nodes: each node is asked about its own images, and every one of them gets a report. */
import type { CheckedReport } from '#report/check-answer.ts';
import type { PlacedDemand } from './landing.ts';
import { readCheckAnswer } from '#report/read-check-answer.ts';
import type { AgentPod, Bounds, Fleet, NodeAnswer } from '#kubernetes/port-forward/ask-agents.ts';
import { placeOf, streamOf } from '#kubernetes/manifests/write-manifests.ts';
import { restored, unanswered } from '#agent/unanswered.ts';

export interface NodeQuestion {
  readonly node: string;
  /** Absent: none runs there. */
  readonly agent: AgentPod | undefined;
  readonly demands: readonly PlacedDemand[];
}

export interface RoundAsk {
  readonly bounds: Bounds;
  /** From what the agents know, where that is fresh. */
  readonly known: boolean;
  /** Without the steps. */
  readonly brief: boolean;
  readonly now: () => Date;
}

export interface NodeResult {
  readonly node: string;
  readonly isAnswered: boolean;
  /** Of a node that gave no answer. */
  readonly why?: string;
  readonly ms: number;
  /** One for each demand. */
  readonly reports: readonly CheckedReport[];
}

/** In the order in which the nodes answer. */
export async function* askRound(
  fleet: Fleet,
  questions: readonly NodeQuestion[],
  ask: RoundAsk,
): AsyncGenerator<NodeResult> {
  const byAgent = new Map<AgentPod, NodeQuestion>();
  for (const question of questions) {
    const { agent } = question;
    if (agent === undefined) yield silent(question, { why: 'no agent of drypull runs there', ms: 0, now: ask.now() });
    else if (agent.waiting !== '')
      yield silent(question, { why: `its agent does not run (${agent.waiting})`, ms: 0, now: ask.now() });
    else byAgent.set(agent, question);
  }
  const path = `/check?known=${ask.known ? 1 : 0}&brief=${ask.brief ? 1 : 0}`;
  const streams = new Map<string, string>();
  const asked = [...byAgent].map(([agent, { demands }]) => {
    const key = demands.map(({ demand }) => demandKey(demand)).join('\n');
    const body = streams.get(key) ?? streamOf(demands.map(({ demand }) => demand));
    streams.set(key, body);
    return { agent, question: { method: 'POST', path, body } as const };
  });
  for await (const answer of fleet.ask(asked, ask.bounds)) {
    const question = byAgent.get(answer.agent);
    if (question !== undefined) yield resultOf(question, answer, ask.now());
  }
}

/** Most nodes are asked about the same images: their question is written once. */
function demandKey({ written, policy, secrets }: PlacedDemand['demand']): string {
  return JSON.stringify([written, policy, secrets.map(({ namespace, name, state }) => [namespace, name, state.is])]);
}

function resultOf(question: NodeQuestion, answer: NodeAnswer, now: Date): NodeResult {
  const { answered, ms } = answer;
  const reports = answered.is === 'answered' && answered.status === 200 ? readCheckAnswer(answered.body) : undefined;
  if (reports === undefined) return silent(question, { why: whyNot(answered), ms, now });
  const { node, demands } = question;
  const byPlace = new Map(reports.map((report) => [placeOf(report.requestedBy), report]));
  const all = demands.map(({ demand }, place) => {
    const report = byPlace.get(place);
    const why = 'its answer says nothing about this image';
    return report === undefined ? unanswered(demand, { node, why, now }) : restored(report, demand, node);
  });
  return { node, isAnswered: true, ms, reports: all };
}

function silent(
  { node, demands }: NodeQuestion,
  at: { readonly why: string; readonly ms: number; readonly now: Date },
): NodeResult {
  const { why, ms, now } = at;
  const reports = demands.map(({ demand }) => unanswered(demand, { node, why, now }));
  return { node, isAnswered: false, why, ms, reports };
}

export function whyNot(answered: NodeAnswer['answered']): string {
  switch (answered.is) {
    case 'late':
      return `nothing came within ${Math.round(answered.afterMs / 100) / 10} s`;
    case 'away':
      return answered.why;
    case 'refused':
      return answered.status === 403
        ? 'the API server does not let you forward a port to it (get and create on pods/portforward)'
        : `the API server refuses the port-forward: HTTP ${answered.status} ${answered.reason} ${answered.message}`.trimEnd();
    case 'answered':
      return answered.status === 200
        ? 'its answer is none that this version of drypull can read'
        : `it answers HTTP ${answered.status}${errorOf(answered.body)}`;
  }
}

function errorOf(body: unknown): string {
  if (typeof body !== 'object' || body === null || !('error' in body)) return '';
  return typeof body.error === 'string' ? `: ${body.error.slice(0, 200)}` : '';
}
