/**
 * `drypull check --nodes`: the check before a deployment, put to the nodes on which its Pods may land. Asks the cluster with the
 * rights of whoever calls; stdout is the answer, stderr the conversation, and the exit status is that of one node's check.
 */
import type { CheckedReport } from '#report/check-answer.ts';
import { land, landEverywhere, type Landing } from './landing.ts';
import { sampleNodes } from './sample-nodes.ts';
import type { Verdict } from '#report/verdict.ts';
import type { Dependencies as CheckOutside, Status } from './check.ts';
import { askedFor } from './demands.ts';
import { statusOf } from './check.ts';
import type { Fleet, FleetNode } from '#kubernetes/port-forward/ask-agents.ts';
import { openFleet } from '#kubernetes/port-forward/ask-agents.ts';
import { type Answers, fleetAnswer } from './print-answers.ts';
import { findFleet } from './find-agents.ts';
import { askRound, type NodeQuestion, type NodeResult } from './ask-round.ts';
import type { NodesCheck } from '#commands/nodes-options.ts';
import { secretsHint } from './secrets-hint.ts';
import { fleetSummary, progress } from '#output/print.ts';
import { adviceFor } from '#report/advice/advice.ts';

export interface Dependencies extends Pick<
  CheckOutside,
  'stdout' | 'stderr' | 'read' | 'now' | 'elapsedMs' | 'ticking' | 'signal'
> {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends early where the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Between two rounds of --wait: doubled each time, up to the longest. */
const firstPauseMs = 2000;
const longestPauseMs = 30_000;

export async function checkNodes(request: NodesCheck, dependencies: Dependencies): Promise<Status> {
  const print = (line: string): void => void dependencies.stderr.write(`drypull: ${line}\n`);
  const asked = await askedFor(request, dependencies.read, print);
  if (asked === undefined) return 2;
  const opened = openFleet({ ...request.cluster, env: dependencies.env, clockMs: dependencies.elapsedMs });
  if (!opened.ok) {
    print(adviceFor(opened.fault, { requestedBy: [] }).cause);
    return 2;
  }
  const fleet = opened.value;
  const found = await findFleet(fleet, request, dependencies);
  if (!found.ok) {
    print(found.why);
    return 2;
  }
  const wanted = asked.demands.map((demand, place) => ({ demand, placements: asked.placements[place] ?? [] }));
  const landing = request.allNodes ? landEverywhere(found.nodes, wanted) : land(found.nodes, wanted);
  if (landing.nodes.size === 0) {
    print(`none of ${found.nodes.length} nodes takes these Pods: ${landing.spared[0]?.because ?? 'there are none'}`);
    return 2;
  }
  const { nodes, sample } = chosen(landing, request.allNodes, print);
  const questions = nodes.map((node) => ({
    node: node.name,
    agent: found.agents.get(node.name),
    demands: landing.nodes.get(node) ?? [],
  }));
  const results = await askUntil(fleet, questions, { request, dependencies, print });
  const reports = nodes.flatMap(({ name }) => results.get(name)?.reports ?? []);
  const answers: Answers = { cluster: fleet.name, nodes, results, reports, spared: landing.spared, sample };
  dependencies.stdout.write(fleetAnswer(request, answers, dependencies.stdout));
  for (const line of secretsHint(asked.demands, reports, request.files)) print(line);
  dependencies.stderr.write(`${fleetSummary(reports)}\n`);
  if (dependencies.signal.aborted) return 130;
  const complete = results.size === questions.length && asked.problems.length === 0;
  return statusOf(reports, { strict: request.strict, complete });
}

function chosen(
  landing: Landing<FleetNode>,
  isAll: boolean,
  print: (line: string) => void,
): { readonly nodes: readonly FleetNode[]; readonly sample: Answers['sample'] } {
  const candidates = [...landing.nodes.keys()];
  const { nodes, of, kinds } = sampleNodes(candidates);
  if (isAll || nodes.length === candidates.length) return { nodes: candidates, sample: undefined };
  print(
    `a sample of ${nodes.length} of ${of} nodes is asked, from each of ${kinds} kinds (architecture, zone, runtime, pool); --all-nodes asks them all`,
  );
  return { nodes, sample: { asked: nodes.length, of, kinds } };
}

interface Asking {
  readonly request: NodesCheck;
  readonly dependencies: Dependencies;
  readonly print: (line: string) => void;
}

/** Rounds until everything pulls or the time of --wait is up: what did not pull is asked again, and rehearsed anew. */
async function askUntil(
  fleet: Fleet,
  questions: readonly NodeQuestion[],
  asking: Asking,
): Promise<ReadonlyMap<string, NodeResult>> {
  const { request, dependencies, print } = asking;
  const { signal, elapsedMs } = dependencies;
  const endMs = elapsedMs() + request.waitMs;
  const results = new Map<string, NodeResult>();
  let open = questions;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    await oneRound(fleet, open, { ...asking, results });
    open = stillOpen(open, results);
    const leftMs = endMs - elapsedMs();
    if (open.length === 0 || leftMs <= 0 || signal.aborted) return results;
    const waitMs = Math.min(pauseMs, leftMs);
    print(
      `${open.length} of ${questions.length} nodes do not pull everything: asked again in ${Math.ceil(waitMs / 1000)} s`,
    );
    await dependencies.pause(waitMs, signal);
  }
}

async function oneRound(
  fleet: Fleet,
  questions: readonly NodeQuestion[],
  { request, dependencies, results }: Asking & { readonly results: Map<string, NodeResult> },
): Promise<void> {
  const { atOnce, perNodeMs, port } = request;
  const { signal, elapsedMs, now, stderr } = dependencies;
  const isAgain = results.size > 0;
  const startMs = elapsedMs();
  const shown = progress(stderr, {
    total: questions.length,
    elapsedMs: () => elapsedMs() - startMs,
    colour: stderr.colour,
    noun: 'node',
  });
  const stopTicking = dependencies.ticking(() => shown.tick());
  const bounds = { atOnce, perNodeMs, port, signal, clockMs: elapsedMs };
  const ask = { bounds, known: !request.fresh && !isAgain, brief: !request.verbose, now };
  try {
    for await (const result of askRound(fleet, questions, ask)) {
      const before = results.get(result.node)?.reports ?? [];
      results.set(result.node, { ...result, reports: merged(before, result.reports) });
      shown.done({ image: result.node, verdict: worstOf(result.reports) });
    }
  } finally {
    stopTicking();
    shown.stop();
  }
}

const pulls: Verdict = { is: 'pulls', confidence: { is: 'exact', because: [] } };

function worstOf(reports: readonly CheckedReport[]): Verdict {
  return reports.find(({ verdict }) => verdict.is === 'fails')?.verdict ?? pulls;
}

/** A later round is about what did not pull: the rest stands. */
function merged(before: readonly CheckedReport[], after: readonly CheckedReport[]): readonly CheckedReport[] {
  const keyOf = ({ image, policy, requestedBy }: CheckedReport): string => JSON.stringify([image, policy, requestedBy]);
  const newer = new Map(after.map((report) => [keyOf(report), report]));
  return before.length === 0 ? after : before.map((report) => newer.get(keyOf(report)) ?? report);
}

function stillOpen(
  questions: readonly NodeQuestion[],
  results: ReadonlyMap<string, NodeResult>,
): readonly NodeQuestion[] {
  return questions.flatMap((question) => {
    const reports = results.get(question.node)?.reports ?? [];
    const demands = question.demands.filter(({ demand }) => {
      const report = reports.find(
        ({ image, policy, requestedBy }) =>
          image === demand.written && policy === demand.policy && requestedBy === demand.requestedBy,
      );
      return report === undefined || report.verdict.is === 'fails' || report.verdict.is === 'unknown';
    });
    return demands.length === 0 ? [] : [{ ...question, demands }];
  });
}
