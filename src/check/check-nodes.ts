/**
 * `drypull check --nodes`: the check before a deployment, made by the agents of the nodes to which its Pods may be scheduled. Uses the
 * permissions of the caller. The result goes to stdout, progress and errors to stderr; the exit status is that of `drypull check`.
 */
import type { CheckedReport } from '#report/check-answer.ts';
import { everywhere, schedule, type Scheduling } from './scheduling.ts';
import { sampleNodes } from './sample-nodes.ts';
import type { Verdict } from '#report/verdict.ts';
import type { Status, Terminal } from './check.ts';
import { readDemands } from './demands.ts';
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

export interface Dependencies extends Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Between two rounds of --wait: doubled each time, up to the longest. */
const firstPauseMs = 2000;
const longestPauseMs = 30_000;

export async function checkNodes(request: NodesCheck, dependencies: Dependencies): Promise<Status> {
  const print = (line: string): void => void dependencies.stderr.write(`drypull: ${line}\n`);
  const given = await readDemands(request, dependencies.read, print);
  if (given === undefined) return 2;
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
  const demands = given.demands.map((demand, place) => ({ demand, placements: given.placements[place] ?? [] }));
  const scheduling = request.allNodes ? everywhere(found.nodes, demands) : schedule(found.nodes, demands);
  if (scheduling.nodes.size === 0) {
    print(
      `these Pods cannot be scheduled to any of ${found.nodes.length} nodes: ${scheduling.spared[0]?.because ?? 'there are none'}; --all-nodes checks every node all the same`,
    );
    return 2;
  }
  const { nodes, sample } = chosen(scheduling, request.allNodes, print);
  const questions = nodes.map((node) => ({
    node: node.name,
    agent: found.agents.get(node.name),
    demands: scheduling.nodes.get(node) ?? [],
  }));
  const results = await askUntil(fleet, questions, { request, dependencies, print });
  const reports = nodes.flatMap(({ name }) => results.get(name)?.reports ?? []);
  const answers: Answers = { cluster: fleet.name, nodes, results, reports, spared: scheduling.spared, sample };
  dependencies.stdout.write(fleetAnswer(request, answers, dependencies.stdout));
  for (const line of secretsHint(given.demands, reports, request.files)) print(line);
  dependencies.stderr.write(`${fleetSummary(reports)}\n`);
  if (dependencies.signal.aborted) return 130;
  const complete = results.size === questions.length && given.problems.length === 0;
  return statusOf(reports, { strict: request.strict, complete });
}

function chosen(
  scheduling: Scheduling<FleetNode>,
  isAll: boolean,
  print: (line: string) => void,
): { readonly nodes: readonly FleetNode[]; readonly sample: Answers['sample'] } {
  const candidates = [...scheduling.nodes.keys()];
  const { nodes, of, kinds } = sampleNodes(candidates);
  if (isAll || nodes.length === candidates.length) return { nodes: candidates, sample: undefined };
  print(
    `a sample of ${nodes.length} of ${of} nodes is checked, from each of ${kinds} kinds (architecture, zone, runtime, pool); --all-nodes checks every node`,
  );
  return { nodes, sample: { asked: nodes.length, of, kinds } };
}

interface Asking {
  readonly request: NodesCheck;
  readonly dependencies: Dependencies;
  readonly print: (line: string) => void;
}

/** Makes rounds until every image pulls or the time of --wait is over. Each round rehearses again the images that did not pull. */
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
      `${open.length} of ${questions.length} nodes do not pull every image: next attempt in ${Math.ceil(waitMs / 1000)} s`,
    );
    await dependencies.delay(waitMs, signal);
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

/** A later round has reports only on images that did not pull: the other reports stay. */
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
