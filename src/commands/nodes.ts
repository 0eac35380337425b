/**
 * `drypull nodes`: the state of every node, from GET /node of its agent, through the API server's port-forward. Exit status: 0 every
 * node can pull, 1 at least one cannot, 2 at least one is unknown.
 */
import { Command, Option } from 'commander';
import type { ProcessContext } from './context.ts';
import { type AgentPod, type Fleet, openFleet } from '#kubernetes/port-forward/ask-agents.ts';
import { findFleet, type FoundFleet } from '#check/find-agents.ts';
import { whyNot } from '#check/ask-round.ts';
import { addFleetOptions, type FleetQuery, fleetQueryOf, type FleetOptions } from './nodes-options.ts';
import { readOwnOptions } from './parse-options.ts';
import { columnsOf, nodesTable, readNodeLine, type NodeLine } from '#output/print.ts';
import { adviceFor } from '#report/advice/advice.ts';

interface Options extends FleetOptions {
  readonly selector: string;
  readonly output: 'table' | 'json';
}

export async function run(context: ProcessContext): Promise<number> {
  const command = new Command('drypull nodes')
    .description(
      'Ask the agent of every node whether its node can pull. Exit status: 0 all can, 1 one cannot, 2 one is unknown.',
    )
    .option('-l, --selector <SELECTOR>', 'only Nodes with these labels: pool=gpu', '')
    .addOption(new Option('-o, --output <FORMAT>', 'the output format').choices(['table', 'json']).default('table'));
  addFleetOptions(command);
  const status = readOwnOptions(command, context);
  if (status !== undefined) return status;
  const options = command.opts<Options>();
  const query = { ...fleetQueryOf(options), selector: options.selector };
  const opened = openFleet({ ...query.cluster, env: context.env, clockMs: context.clockMs });
  const failed = (why: string): number => {
    context.stderr.write(`drypull: ${why}\n`);
    return 2;
  };
  if (!opened.ok) return failed(adviceFor(opened.fault, { requestedBy: [] }).cause);
  const found = await findFleet(opened.value, query, context);
  if (!found.ok) return failed(found.why);
  const lines = await askNodes(opened.value, found, { query, context });
  context.stdout.write(answer(lines, { output: options.output, cluster: opened.value.name, stdout: context.stdout }));
  return lines.some(({ is }) => is === 'not_ready') ? 1 : lines.some(({ is }) => is === 'unknown') ? 2 : 0;
}

async function askNodes(
  fleet: Fleet,
  { nodes, agents }: FoundFleet,
  { query, context }: { readonly query: FleetQuery; readonly context: ProcessContext },
): Promise<readonly NodeLine[]> {
  const lines = new Map<string, NodeLine>();
  const running: AgentPod[] = [];
  for (const { name } of nodes) {
    const agent = agents.get(name);
    if (agent === undefined) lines.set(name, unknown(name, 'no agent of drypull runs there'));
    else if (agent.waiting !== '') lines.set(name, unknown(name, `its agent does not run (${agent.waiting})`));
    else running.push(agent);
  }
  const question = { method: 'GET', path: '/node' } as const;
  const { atOnce, perNodeMs, port } = query;
  const bounds = { atOnce, perNodeMs, port, signal: context.signal, clockMs: context.clockMs };
  for await (const { agent, answered } of fleet.ask(
    running.map((agent) => ({ agent, question })),
    bounds,
  )) {
    const read =
      answered.is === 'answered' && answered.status === 200 ? readNodeLine(agent.node, answered.body) : undefined;
    lines.set(agent.node, read ?? unknown(agent.node, whyNot(answered)));
  }
  return nodes.flatMap(({ name }) => lines.get(name) ?? []);
}

function unknown(node: string, because: string): NodeLine {
  return { node, is: 'unknown', because };
}

function answer(
  lines: readonly NodeLine[],
  { output, cluster, stdout }: { output: Options['output']; cluster: string; stdout: NodeJS.WriteStream },
): string {
  if (output === 'json') return `${JSON.stringify({ version: 1, cluster, nodes: lines }, undefined, 2)}\n`;
  return `${nodesTable(lines, { width: stdout.isTTY ? columnsOf(stdout) : Infinity })}\n`;
}
