/**
 * `drypull nodes`: the fleet at a glance, from what each node's agent says of its node in numbers, asked at its loopback listener
 * through the API server's port-forward. Exit status 0 every node may pull, 1 one may not, 2 of one nobody knows.
 */
import { Command, Option } from 'commander';
import type { ProcessContext } from '#main.ts';
import { type AgentPod, type Fleet, openFleet } from '#kubernetes/port-forward/ask-agents.ts';
import { findFleet, type FoundFleet } from '#check/find-agents.ts';
import { whyNot } from '#check/ask-round.ts';
import { addFleetOptions, type FleetAsk, fleetAskOf, type FleetOptions } from './nodes-options.ts';
import { readOwnOptions } from './parse-options.ts';
import { columnsOf, nodesTable, readNodeLine, type NodeLine } from '#output/print.ts';
import { adviceFor } from '#report/advice/advice.ts';

interface Options extends FleetOptions {
  readonly selector: string;
  readonly output: 'table' | 'json';
}

export async function run(around: ProcessContext): Promise<number> {
  const command = new Command('drypull nodes')
    .description('Ask every node whether it may pull. Exit status: 0 all may, 1 one may not, 2 of one nobody knows.')
    .option('-l, --selector <SELECTOR>', 'only Nodes with these labels: pool=gpu', '')
    .addOption(new Option('-o, --output <FORMAT>', 'how to answer').choices(['table', 'json']).default('table'));
  addFleetOptions(command);
  const status = readOwnOptions(command, around);
  if (status !== undefined) return status;
  const options = command.opts<Options>();
  const ask = { ...fleetAskOf(options), selector: options.selector };
  const opened = openFleet({ ...ask.cluster, env: around.env, clockMs: around.clockMs });
  const failed = (why: string): number => {
    around.stderr.write(`drypull: ${why}\n`);
    return 2;
  };
  if (!opened.ok) return failed(adviceFor(opened.fault, { requestedBy: [] }).cause);
  const found = await findFleet(opened.value, ask, around);
  if (!found.ok) return failed(found.why);
  const lines = await askNodes(opened.value, found, { ask, around });
  around.stdout.write(answer(lines, { output: options.output, cluster: opened.value.name, stdout: around.stdout }));
  return lines.some(({ is }) => is === 'not_ready') ? 1 : lines.some(({ is }) => is === 'unknown') ? 2 : 0;
}

async function askNodes(
  fleet: Fleet,
  { nodes, agents }: FoundFleet,
  { ask, around }: { readonly ask: FleetAsk; readonly around: ProcessContext },
): Promise<readonly NodeLine[]> {
  const lines = new Map<string, NodeLine>();
  const asked: AgentPod[] = [];
  for (const { name } of nodes) {
    const agent = agents.get(name);
    if (agent === undefined) lines.set(name, unknown(name, 'no agent of drypull runs there'));
    else if (agent.waiting !== '') lines.set(name, unknown(name, `its agent does not run (${agent.waiting})`));
    else asked.push(agent);
  }
  const question = { method: 'GET', path: '/node' } as const;
  const { atOnce, perNodeMs, port } = ask;
  const bounds = { atOnce, perNodeMs, port, signal: around.signal, clockMs: around.clockMs };
  for await (const { agent, answered } of fleet.ask(
    asked.map((agent) => ({ agent, question })),
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
