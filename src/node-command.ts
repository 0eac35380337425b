/**
 * `drypull node`: asks this node's agent whether the node may pull, for node-problem-detector's custom plugins and for people.
 * Exit status 0 it may, 1 it may not, 2 nobody knows.
 */
import { Command, CommanderError } from 'commander';
import type { Surroundings } from './main.ts';

/** Below node-problem-detector's own default limit of 5 s. */
const limitMs = 4000;

export async function run(around: Surroundings): Promise<number> {
  const command = new Command('drypull node')
    .description(
      'Ask the agent on this node whether the node may pull. Exit status: 0 it may, 1 it may not, 2 unknown.',
    )
    .option('--agent <URL>', 'where the agent listens', 'http://127.0.0.1:9467')
    .exitOverride()
    .configureOutput({ writeOut: (text) => around.stdout.write(text), writeErr: (text) => around.stderr.write(text) });
  try {
    command.parse([...around.args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
  const { agent } = command.opts<{ readonly agent: string }>();
  const answer = await ask(agent);
  around.stdout.write(`${answer.line}\n`);
  return answer.status;
}

async function ask(agent: string): Promise<{ readonly status: 0 | 1 | 2; readonly line: string }> {
  try {
    const answer = await fetch(new URL('/node', agent), { signal: AbortSignal.timeout(limitMs) });
    const json: unknown = await answer.json();
    const is = typeof json === 'object' && json !== null && 'is' in json ? json.is : undefined;
    const summary =
      typeof json === 'object' && json !== null && 'because' in json && typeof json.because === 'string'
        ? json.because
        : '';
    if (is === 'unknown')
      return { status: 2, line: summary === '' ? 'nobody knows yet whether this node can pull' : summary };
    if (answer.status === 200) return { status: 0, line: summary === '' ? 'this node can pull' : summary };
    return {
      status: answer.status === 503 ? 1 : 2,
      line: summary === '' ? `the agent answers ${answer.status}` : summary,
    };
  } catch {
    return { status: 2, line: `no agent answers at ${agent}` };
  }
}
