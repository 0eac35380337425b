/**
 * `npm run bench -- catalog`: what `drypull catalog` costs on a cluster of 20,000 workloads and 1,000 nodes: the bundle as it
 * ships, in a process of its own, on an API server in another.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { bundle, env, flags } from './daemon.ts';
import type { Filled, Stored } from './serve-workloads.ts';

const workloads = 20_000;
const nodes = 1000;
const limitMs = 120_000;
const goals = { seconds: 2, mib: 150, kB: 900 };

export async function catalog(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'drypull-bench-catalog-'));
  const cluster = fork(join(import.meta.dirname, 'serve-workloads.ts'), [String(workloads), String(nodes)]);
  try {
    const filled = await word<Filled>(cluster);
    const config = join(directory, 'drypull.yaml');
    const kubeconfig = join(directory, 'kubeconfig');
    await writeFile(kubeconfig, kubeconfigOf(filled));
    await writeFile(config, JSON.stringify({ kubeconfig, cluster: 'on', catalogListen: '127.0.0.1:0' }));
    return await measured(await bundle(directory), config, { cluster, filled });
  } finally {
    cluster.disconnect();
    await rm(directory, { recursive: true });
  }
}

interface Line {
  readonly msg: string;
  readonly time: string;
  readonly distilMs: number;
  readonly ms: number;
  readonly demands: number;
  readonly chunks: number;
  readonly bytes: number;
}

async function measured(
  bundled: string,
  config: string,
  { cluster, filled }: { readonly cluster: ChildProcess; readonly filled: Filled },
): Promise<string> {
  const child = spawn(process.execPath, [...flags, bundled, 'catalog', '--config', config], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
  });
  const gone = once(child, 'exit');
  const signal = AbortSignal.timeout(limitMs);
  try {
    const lines = createInterface({ input: child.stdout, signal })[Symbol.asyncIterator]();
    const begun = await lineOf(lines, 'the catalog begins');
    const first = await lineOf(lines, 'the catalog is written');
    const after = await processOf(child.pid);
    const stored = await asked(cluster, 'count');
    const changed = await asked(cluster, 'change');
    const second = await lineOf(lines, 'the catalog is written');
    const later = await processOf(child.pid);
    const last = await asked(cluster, 'count');
    return shown({ filled, begun, first, second, after, later, stored, written: last.writes - changed.writes });
  } finally {
    child.kill();
    await gone;
  }
}

interface Found {
  readonly filled: Filled;
  readonly begun: Line;
  readonly first: Line;
  readonly second: Line;
  readonly after: Footprint;
  readonly later: Footprint;
  readonly stored: Stored;
  readonly written: number;
}

function shown({ filled, begun, first, second, after, later, stored, written }: Found): string {
  const total = (Date.parse(first.time) - Date.parse(begun.time)) / 1000;
  const largest = Math.max(...stored.sizes) / 1000;
  const peak = later.peakBytes / 1024 ** 2;
  const rows = [
    ['workloads', `${workloads.toLocaleString('en')}, ${(filled.bytes / 1e6).toFixed(0)} MB of JSON; ${nodes} nodes`],
    [
      'distilled to',
      `${first.demands.toLocaleString('en')} demands, ${(first.bytes / 1000).toFixed(0)} kB in ${first.chunks} ConfigMaps`,
    ],
    ['largest ConfigMap', `${largest.toFixed(0)} kB ${goal(largest <= goals.kB, `${goals.kB} kB`)}`],
    ['distilled in', `${first.distilMs} ms ${goal(first.distilMs <= goals.seconds * 1000, `${goals.seconds} s`)}`],
    ['written in', `${first.ms - first.distilMs} ms more`],
    [
      'start to first catalog',
      `${total.toFixed(1)} s: 400 lists of 50, a second of rest, distilling, writing; ${after.cpuSeconds.toFixed(1)} s of processor`,
    ],
    [
      'peak of resident memory',
      `${peak.toFixed(0)} MiB ${goal(peak <= goals.mib, `${goals.mib} MiB`)}; ${(later.bytes / 1024 ** 2).toFixed(0)} MiB later`,
    ],
    ['one workload changed', `${written} writes, distilled in ${second.distilMs} ms`],
  ];
  return `${rows.map(([what = '', is = '']) => `${what.padEnd(26)}${is}`).join('\n')}\n`;
}

function goal(isMet: boolean, text: string): string {
  return `(goal ${text}: ${isMet ? 'met' : 'MISSED'})`;
}

async function lineOf(lines: AsyncIterator<string>, message: string): Promise<Line> {
  for (;;) {
    const next = await lines.next();
    if (next.done === true) throw new Error('the catalog ended');
    const line = JSON.parse(next.value) as Line;
    if (line.msg === message) return line;
  }
}

function word<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (heard) => resolve(heard as T));
    child.once('exit', () => reject(new Error('the cluster ended')));
  });
}

function asked(cluster: ChildProcess, what: 'count' | 'change'): Promise<Stored> {
  const answer = word<Stored>(cluster);
  cluster.send(what);
  return answer;
}

interface Footprint {
  readonly bytes: number;
  readonly peakBytes: number;
  readonly cpuSeconds: number;
}

async function processOf(pid: number | undefined): Promise<Footprint> {
  const [status, stat] = await Promise.all(
    ['status', 'stat'].map((file) => readFile(`/proc/${pid ?? 0}/${file}`, 'utf8')),
  );
  const of = (name: string): number =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status ?? '')?.[1]) * 1024;
  // proc(5): utime and stime are the 14th and 15th, counted from before the name in parentheses; in hundredths of a second.
  const [user, system] = (stat ?? '')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return { bytes: of('VmRSS'), peakBytes: of('VmHWM'), cpuSeconds: ((user ?? NaN) + (system ?? NaN)) / 100 };
}

function kubeconfigOf({ server, token }: Filled): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}
