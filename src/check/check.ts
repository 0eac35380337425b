/**
 * `drypull check`: rehearses the pulls of the given images or manifests once, prints the result and returns the exit status. The
 * result goes to stdout, progress and errors to stderr.
 */
import type { PullReport } from '#report/report.ts';
import type { NodeView } from '#node/view.ts';
import { readDemands, type Read } from './demands.ts';
import type { CheckRequest, NodeRequest } from '#commands/command-line.ts';
import { columnsOf, document, junit, progress, publicNode, story, summary, table } from '#output/print.ts';
import type { ProgressStream } from '#output/print.ts';
import { adviceFor } from '#report/advice/advice.ts';
import type { Demand } from '#kubelet/demand.ts';

/** What the rehearsal may do, and for how long. */
export interface Bounds {
  readonly verify: boolean;
  readonly spend: boolean;
  /** For one image. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly now: () => Date;
  readonly elapsedMs: () => number;
}

export interface Stream extends ProgressStream {
  readonly colour: boolean;
}

/** The terminal, the files and the clock of a check. */
export interface Terminal {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly read: Read;
  readonly now: () => Date;
  readonly elapsedMs: () => number;
  /** Calls `tick` ten times a second, until the returned function is called. */
  readonly ticking: (tick: () => void) => () => void;
  readonly signal: AbortSignal;
}

export interface Dependencies extends Terminal {
  readonly readNode: (request: NodeRequest & { readonly now: Date }) => Promise<NodeView>;
  /** One report for each demand, in any order; fewer after the signal is aborted. */
  readonly assessAll: (view: NodeView, demands: readonly Demand[], bounds: Bounds) => AsyncIterable<PullReport>;
}

export type Status = 0 | 1 | 2 | 130;

export async function check(request: CheckRequest, dependencies: Dependencies): Promise<Status> {
  const print = (line: string): void => void dependencies.stderr.write(`drypull: ${line}\n`);
  const given = await readDemands(request, dependencies.read, print);
  if (given === undefined) return 2;
  const view = await dependencies.readNode({ ...request.node, now: dependencies.now() });
  const warnings = view.warnings
    .slice(0, 20)
    .map((fault) => `${fault.code}: ${adviceFor(fault, { requestedBy: [] }).cause}`);
  for (const line of warnings) print(line);
  const reports = await rehearse(view, given.demands, { request, dependencies });
  dependencies.stdout.write(answer(request, view, { reports, stdout: dependencies.stdout }));
  const missing = given.demands.length - reports.length;
  if (missing > 0)
    print(
      `${dependencies.signal.aborted ? 'interrupted: ' : ''}${missing} of ${given.demands.length} images were not rehearsed`,
    );
  dependencies.stderr.write(`${summary(view.name, reports)}\n`);
  if (dependencies.signal.aborted) return 130;
  return statusOf(reports, { strict: request.strict, complete: missing === 0 && given.problems.length === 0 });
}

/** 1 before 2 before 0: an image that fails outweighs an unknown verdict. */
export function statusOf(
  reports: readonly PullReport[],
  { strict, complete }: { readonly strict: boolean; readonly complete: boolean },
): 0 | 1 | 2 {
  const some = (is: PullReport['verdict']['is']): boolean => reports.some(({ verdict }) => verdict.is === is);
  if (some('fails') || (strict && some('at_risk'))) return 1;
  return some('unknown') || !complete ? 2 : 0;
}

async function rehearse(
  view: NodeView,
  demands: readonly Demand[],
  { request, dependencies }: { readonly request: CheckRequest; readonly dependencies: Dependencies },
): Promise<readonly PullReport[]> {
  const { stderr, now, signal } = dependencies;
  const startMs = dependencies.elapsedMs();
  const elapsedMs = (): number => dependencies.elapsedMs() - startMs;
  const shown = progress(stderr, { total: demands.length, elapsedMs, colour: stderr.colour });
  const stopTicking = dependencies.ticking(() => shown.tick());
  const reports: PullReport[] = [];
  const { verify, spend, timeoutMs } = request;
  try {
    for await (const report of dependencies.assessAll(view, demands, {
      verify,
      spend,
      timeoutMs,
      signal,
      now,
      elapsedMs,
    })) {
      reports.push(report);
      shown.done(report);
    }
  } finally {
    stopTicking();
    shown.stop();
  }
  return inOrder(reports, demands);
}

/** Sorts reports, which arrive as they are ready, into the order of the demands. */
function inOrder(reports: readonly PullReport[], demands: readonly Demand[]): readonly PullReport[] {
  const places = new Map(
    demands.map(({ written, policy, requestedBy }, place) => [JSON.stringify([written, policy, requestedBy]), place]),
  );
  const placeOf = ({ image, policy, requestedBy }: PullReport): number =>
    places.get(JSON.stringify([image, policy, requestedBy])) ?? demands.length;
  return reports.toSorted((a, b) => placeOf(a) - placeOf(b));
}

function answer(
  { output, verbose, strict }: CheckRequest,
  view: NodeView,
  { reports, stdout }: { readonly reports: readonly PullReport[]; readonly stdout: Stream },
): string {
  const { colour } = stdout;
  switch (output) {
    case 'json':
      return `${JSON.stringify(document(publicNode(view), reports), undefined, 2)}\n`;
    case 'junit':
      return junit(reports, { atRiskFails: strict });
    case 'table': {
      const width = stdout.isTTY === true ? columnsOf(stdout) : Infinity;
      const stories = verbose ? reports.map((report) => `${story(report, { colour })}\n\n`) : [];
      const lines = table(reports, { width, colour });
      return stories.join('') + (lines === '' ? '' : `${lines}\n`);
    }
  }
}
