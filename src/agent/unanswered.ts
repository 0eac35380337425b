/** What is told of an image on a node that gave no answer: a report like any other, with the verdict unknown. */
import type { CheckedReport } from '#report/check-answer.ts';
import type { Fault } from '#report/fault.ts';
import { judgeUnplanned } from '#report/judge.ts';
import { bad } from '#report/outcome.ts';
import type { Advice } from '#report/report.ts';
import type { Demand } from '#node/view.ts';
import { adviceFor } from '#report/advice/advice.ts';

export function unanswered(
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

/** An agent's report under the names that whoever asked knows: the node's, and those of the workloads. */
export function restored(report: CheckedReport, demand: Demand, node: string): CheckedReport {
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
