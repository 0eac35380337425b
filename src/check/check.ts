/**
 * The check before a deployment: for the images or manifests named, rehearse once, print, and give an exit status. Gets its
 * outside as an argument; stdout is the answer, stderr the conversation.
 */
import type { PullReport } from '#report/report.ts';
import type { Demand, NodeView } from '#node/view.ts';
import { askedFor, type Read } from './demands.ts';
import type { CheckRequest, NodeRequest } from '#commands/command-line.ts';
import { columnsOf, document, junit, progress, publicNode, story, summary, table } from '#output/print.ts';
import type { ProgressStream } from '#output/print.ts';
import { adviceFor } from '#report/advice/advice.ts';

/** How far the rehearsal may go, and until when. */
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

export interface Dependencies {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly read: Read;
  readonly readNode: (ask: NodeRequest & { readonly now: Date }) => Promise<NodeView>;
  /** One report for each demand, in any order; fewer once the signal is aborted. */
  readonly assessAll: (view: NodeView, demands: readonly Demand[], bounds: Bounds) => AsyncIterable<PullReport>;
  readonly now: () => Date;
  readonly elapsedMs: () => number;
  /** Calls back a few times a second, until the function that it returns is called. */
  readonly ticking: (tick: () => void) => () => void;
  readonly signal: AbortSignal;
}

export type Status = 0 | 1 | 2 | 130;

export async function check(request: CheckRequest, dependencies: Dependencies): Promise<Status> {
  const print = (line: string): void => void dependencies.stderr.write(`drypull: ${line}\n`);
  const asked = await askedFor(request, dependencies.read, print);
  if (asked === undefined) return 2;
  const view = await dependencies.readNode({ ...request.node, now: dependencies.now() });
  const warnings = view.warnings
    .slice(0, 20)
    .map((fault) => `${fault.code}: ${adviceFor(fault, { requestedBy: [] }).cause}`);
  for (const line of warnings) print(line);
  const reports = await rehearse(view, asked.demands, { request, dependencies });
  dependencies.stdout.write(answer(request, view, { reports, stdout: dependencies.stdout }));
  const missing = asked.demands.length - reports.length;
  if (missing > 0)
    print(
      `${dependencies.signal.aborted ? 'interrupted: ' : ''}${missing} of ${asked.demands.length} images were not rehearsed`,
    );
  dependencies.stderr.write(`${summary(view.name, reports)}\n`);
  if (dependencies.signal.aborted) return 130;
  return statusOf(reports, { strict: request.strict, complete: missing === 0 && asked.problems.length === 0 });
}

/** 1 over 2 over 0: an image that is known to fail outweighs what could not be told. */
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

/** Reports arrive as they are done; people read them in the order in which they asked. */
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
