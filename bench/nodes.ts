/**
 * `npm run bench -- nodes [--json]`: the time to ask 500 simulated nodes about 50 images, once from what the agents know and once
 * anew, and the requests that reached the API server and the registries. The API server and the agents run in a process of their
 * own; drypull's command line in another, as a pipeline starts it. Talks to loopback only.
 */
import { execFile, fork } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kubeconfigOf } from '../test/kit/fleet-world.ts';
import { scratch } from '../test/kit/program.ts';
import type { Counted, Served } from './serve-nodes.ts';

const run = promisify(execFile);
export const nodes = 500;
export const images = 50;
const goalMs = 10_000;

export interface NodesFigure {
  readonly what: string;
  readonly ms: number;
  readonly reports: number;
  /** Requests that reached the API server, by what they were. */
  readonly apiServer: Readonly<Record<string, number>>;
  /** Rehearsals, each of which is at least one request to a registry. */
  readonly rehearsals: number;
  /** Processor time: drypull's own, and that of the simulated API server and agents, which a cluster has elsewhere. */
  readonly cpuS: { readonly drypull: number; readonly simulation: number };
}

export async function benchNodes(json: boolean): Promise<string> {
  const child = fork(join(import.meta.dirname, 'serve-nodes.ts'), [String(nodes)], { stdio: 'inherit' });
  const heard = <T>(): Promise<T> =>
    new Promise((resolve) => child.once('message', (message) => resolve(message as T)));
  const { url } = await heard<Served>();
  const directory = await scratch('bench-nodes');
  const figures: NodesFigure[] = [];
  try {
    const kubeconfig = join(directory, 'kubeconfig');
    await writeFile(kubeconfig, kubeconfigOf(url));
    const names = Array.from({ length: images }, (_, index) => `registry.example.com/shop/part-${index}:1`);
    for (const [what, text] of [
      ['rehearsed anew (--fresh)', ['--fresh']],
      ['from what the agents know', []],
      ['a sample, from what they know', 'sample'],
    ] as const) {
      const all = text === 'sample' ? ['--nodes'] : ['--all-nodes', ...text];
      const main = join(import.meta.dirname, '../src/main.ts');
      const startMs = performance.now();
      const args = [main, 'check', ...all, ...names, '--kubeconfig', kubeconfig, '-o', 'json'];
      const timed = ['-c', 'TIMEFORMAT="cpu %U %S"; time "$@"', 'bash', process.execPath, ...args];
      const { stdout, stderr } = await run('bash', timed, { env: {}, maxBuffer: 1 << 30 });
      const ms = performance.now() - startMs;
      const { reports } = JSON.parse(stdout) as { readonly reports: readonly unknown[] };
      const counted = heard<Counted>();
      child.send('count');
      const { apiServer, rehearsals, cpuS: simulation } = await counted;
      const [, user = '0', system = '0'] = /cpu (\S+) (\S+)/.exec(stderr) ?? [];
      const cpuS = { drypull: Number(user) + Number(system), simulation };
      figures.push({ what, ms, reports: reports.length, apiServer, rehearsals, cpuS });
    }
  } finally {
    child.kill();
    await rm(directory, { recursive: true, force: true });
  }
  return json ? `${JSON.stringify(figures, null, 2)}\n` : textOf(figures);
}

function textOf(figures: readonly NodesFigure[]): string {
  const lines = figures.map(({ what, ms, reports, apiServer, rehearsals, cpuS }) => {
    const calls = Object.entries(apiServer).map(([call, count]) => `${count} × ${call}`);
    const cpu = `processor ${cpuS.drypull.toFixed(1)} s drypull, ${cpuS.simulation.toFixed(1)} s simulation`;
    return `${what}: ${(ms / 1000).toFixed(1)} s (${cpu}), ${reports} reports, ${rehearsals} rehearsals; API server: ${calls.join(', ')}`;
  });
  const worst = Math.max(...figures.map(({ ms }) => ms));
  const goal = `goal: under ${goalMs / 1000} s; ${worst < goalMs ? 'kept' : 'missed'}`;
  return [`${nodes} nodes, ${images} images`, ...lines, goal, ''].join('\n');
}
