/** `drypull node --explain`: what was found on this node and where, and what could not be seen. Exit status 2 where there is no node. */
import { explain } from '#node/explanation.ts';
import { readConfig, problemText } from './agent.ts';
import { wantsColour } from './command-line.ts';
import { readView } from '#rehearsal/read-view.ts';
import type { ProcessContext } from './context.ts';
import { hostRootAt } from '#rehearsal/read-node.ts';
import { columnsOf, explanationText } from '#output/print.ts';

export interface ExplainOptions {
  readonly output: 'text' | 'json';
  readonly config?: string;
  readonly hostRoot?: string;
  readonly runtime?: string;
  readonly color: boolean;
}

/** What people read in a mail or an issue. */
const usualColumns = 80;
const mostColumns = 100;

export async function explainNode(options: ExplainOptions, around: ProcessContext): Promise<0 | 2> {
  const { env, stdout, stderr } = around;
  const given = {
    ...(options.hostRoot === undefined ? {} : { DRYPULL_HOST_ROOT: undefined }),
    ...(options.runtime === undefined ? {} : { DRYPULL_RUNTIME: options.runtime }),
  };
  const read = await readConfig(options.config ?? env['DRYPULL_CONFIG'], { ...env, ...given });
  if (!read.ok) {
    stderr.write(problemText(read.problems));
    return 2;
  }
  const root = await hostRootAt(options.hostRoot ?? read.config.hostRoot);
  if (!root.ok) {
    stderr.write(`drypull: --host-root: ${root.why}\n`);
    return 2;
  }
  const view = await readView({ ...read.config, hostRoot: root.hostRoot }, { now: around.now() });
  const found = explain(view);
  if (options.output === 'json') {
    stdout.write(`${JSON.stringify(found, undefined, 2)}\n`);
    return 0;
  }
  const width = stdout.isTTY ? Math.min(mostColumns, columnsOf(stdout)) : usualColumns;
  stdout.write(explanationText(found, { width, colour: wantsColour(options.color, env, stdout) }));
  return 0;
}
