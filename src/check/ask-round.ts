/** One round of requests to the agents of many nodes: each agent checks the images of its node, and every image gets a report. */
import type { CheckedReport } from '#report/check-answer.ts';
import type { PlacedDemand } from './scheduling.ts';
import { readCheckAnswer } from '#report/read-check-answer.ts';
import type { AgentPod, Bounds, Fleet, NodeAnswer } from '#kubernetes/port-forward/ask-agents.ts';
import { placeOf, streamOf } from '#kubernetes/manifests/write-manifests.ts';
import type { Demand } from '#kubelet/demand.ts';
import { adviceFor } from '#report/advice/advice.ts';
import type { Fault } from '#report/fault.ts';
import { judgeUnplanned } from '#report/judge.ts';
import { bad } from '#report/outcome.ts';
import type { Advice } from '#report/report.ts';

export interface NodeQuestion {
  readonly node: string;
  /** Absent: no agent runs there. */
  readonly agent: AgentPod | undefined;
  readonly demands: readonly PlacedDemand[];
}

interface RoundAsk {
  readonly bounds: Bounds;
  /** The agents may answer with known reports, where those are fresh. */
  readonly known: boolean;
  /** Reports without their steps. */
  readonly brief: boolean;
  readonly now: () => Date;
}

export interface NodeResult {
  readonly node: string;
  readonly isAnswered: boolean;
  /** Why the node gave no answer. */
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
    if (agent === undefined)
      yield withoutAnswer(question, { why: 'no agent of drypull runs there', ms: 0, now: ask.now() });
    else if (agent.waiting !== '')
      yield withoutAnswer(question, { why: `its agent does not run (${agent.waiting})`, ms: 0, now: ask.now() });
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

/** Most nodes check the same images: their request is written once. */
function demandKey({ written, policy, secrets }: PlacedDemand['demand']): string {
  return JSON.stringify([written, policy, secrets.map(({ namespace, name, state }) => [namespace, name, state.is])]);
}

function resultOf(question: NodeQuestion, answer: NodeAnswer, now: Date): NodeResult {
  const { answered, ms } = answer;
  const reports = answered.is === 'answered' && answered.status === 200 ? readCheckAnswer(answered.body) : undefined;
  if (reports === undefined) return withoutAnswer(question, { why: whyNot(answered), ms, now });
  const { node, demands } = question;
  const byPlace = new Map(reports.map((report) => [placeOf(report.requestedBy), report]));
  const all = demands.map(({ demand }, place) => {
    const report = byPlace.get(place);
    const why = 'its answer has no report on this image';
    return report === undefined ? unanswered(demand, { node, why, now }) : restored(report, demand, node);
  });
  return { node, isAnswered: true, ms, reports: all };
}

function withoutAnswer(
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
        ? 'this version of drypull cannot read its answer'
        : `it answers HTTP ${answered.status}${errorOf(answered.body)}`;
  }
}

function errorOf(body: unknown): string {
  if (typeof body !== 'object' || body === null || !('error' in body)) return '';
  return typeof body.error === 'string' ? `: ${body.error.slice(0, 200)}` : '';
}

/** The report on an image of a node that gave no answer: its verdict is unknown. */
function unanswered(
  demand: Demand,
  at: { readonly node: string; readonly why: string; readonly now: Date },
): CheckedReport {
  const fault: Fault = { code: 'agent.unreachable', node: at.node, why: at.why };
  return {
    version: 1,
    node: at.node,
    at: at.now.toISOString(),
    ms: 0,
    image: demand.written,
    ...namesOf(demand),
    policy: demand.policy,
    requestedBy: demand.requestedBy,
    verdict: judgeUnplanned(bad(fault)),
    advice: adviceOn(fault, demand),
    forecasts: [],
    attempts: [],
    evidence: [],
    warnings: [],
    ageMs: 0,
  };
}

/** An agent's report with the names of the request: the node's, and those of the workloads. */
function restored(report: CheckedReport, demand: Demand, node: string): CheckedReport {
  const { verdict } = report;
  const advice = 'fault' in verdict ? { advice: adviceOn(verdict.fault, demand) } : {};
  return { ...report, node, image: demand.written, requestedBy: demand.requestedBy, ...advice };
}

function adviceOn(fault: Fault, demand: Demand): Advice {
  return adviceFor(fault, { image: demand.written, requestedBy: demand.requestedBy, ...namesOf(demand) });
}

function namesOf({ image }: Demand): { readonly reference?: string; readonly registry?: string } {
  return image.ok ? { reference: image.value.runtime, registry: image.value.registry } : {};
}
