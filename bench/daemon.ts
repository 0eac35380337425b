/** drypull as it ships: one bundled file, run with the image's own flags (Dockerfile). Needs Linux's /proc. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { PullReport } from '#report/report.ts';
import { installed } from '../test/kit/installed.ts';
import type { Target } from './fields.ts';
import { referenceOf, runtime, type BenchNode } from './node.ts';

const run = promisify(execFile);
const project = join(import.meta.dirname, '..');
/**
 * An agent works for half a second every few minutes: it needs no optimising compilers (which touch ten MiB of Node's
 * binary), no threads beside its own (each with an arena of malloc's), and a small young generation.
 */
export const flags = [
  '--max-semi-space-size=1',
  '--max-old-space-size=128',
  '--no-opt',
  '--no-maglev',
  '--no-sparkplug',
  '--liftoff-only',
  '--single-threaded',
  '--optimize-for-size',
  '--memory-reducer-favors-memory',
  '--expose-gc',
];
export const env = { MALLOC_ARENA_MAX: '1' };
const patienceMs = 60_000;
const everyMs = 5_000;
/** Passes over which processor time is averaged. */
const passes = 3;
const defaultCadenceMs = 300_000;

export interface Daemon {
  readonly bundleBytes: number;
  /** When 200 images had their first verdict, and some passes later. */
  readonly residentBytes: { readonly first: number; readonly later: number; readonly peak: number };
  /** Of the resident memory, what no file backs: Node's own binary is 60 MiB, shared and reclaimable. */
  readonly privateBytes: number;
  readonly scrapeBytes: number;
  readonly cpuMsPerPass: number;
  /** At the default cadence. */
  readonly shareOfCore: number;
}

export interface FirstVerdict {
  readonly drypullMs: number;
  readonly skopeoMs?: number;
  /** Node doing nothing. */
  readonly nodeMs: number;
}

/** Makes the bundle and says where it is. */
export async function bundle(directory: string): Promise<string> {
  const path = join(directory, 'drypull.mjs');
  await run(process.execPath, ['bundle.js', 'src/main.ts', path], { cwd: project });
  return path;
}

/** One image, from nothing: the program's start, the connection, the pull's requests, the answer on stdout. */
export async function firstVerdict(bundled: string, node: BenchNode, target: Target): Promise<FirstVerdict> {
  const check = [bundled, 'check', referenceOf(target), '--host-root', node.root, '--runtime', runtime];
  const skopeo = installed('skopeo');
  const url = `docker://${target.loopback}/${target.repository}:${target.tag}`;
  const lonely = { SSL_CERT_FILE: node.caFile, HOME: '/nonexistent' };
  return {
    drypullMs: await timed(() => run(process.execPath, check)),
    ...(skopeo === undefined
      ? {}
      : { skopeoMs: await timed(() => run(skopeo, ['inspect', '--no-tags', url], { env: lonely })) }),
    nodeMs: await timed(() => run(process.execPath, ['-e', '0'])),
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

export interface DaemonWish {
  /** Beside those that every measured agent has. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** So many images must have the verdict that they can be pulled: an agent that sees nothing is cheap. */
  readonly pulls: number;
  readonly signal?: AbortSignal;
}

export async function daemon(
  bundled: string,
  node: BenchNode,
  { settings, pulls, signal = AbortSignal.timeout(patienceMs) }: DaemonWish,
): Promise<Daemon> {
  const config = await node.write(
    'agent.yaml',
    JSON.stringify({
      schedule: `${everyMs / 1000}s`,
      jitter: 0,
      listen: '127.0.0.1:0',
      checkListen: 'off',
      hostRoot: node.root,
      runtime,
      logLevel: 'error',
      ...settings,
    }),
  );
  const child = spawn(process.execPath, [...flags, bundled, 'agent', '--config', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env,
  });
  const gone = once(child, 'exit');
  try {
    const url = await pageOf(child.stderr, signal);
    await untilReady(url, signal);
    const first = await memoryOf(child.pid);
    const before = await cpuSeconds(url);
    await wait(passes * everyMs, undefined, { signal });
    const { text, seconds } = await cpuSeconds(url);
    const later = await memoryOf(child.pid);
    // Asked last: the answer is large.
    await mustPull(url, pulls, signal);
    const cpuMsPerPass = ((seconds - before.seconds) * 1000) / passes;
    return {
      bundleBytes: (await readFile(bundled)).length,
      residentBytes: { first: first.now, later: later.now, peak: later.peak },
      privateBytes: later.own,
      scrapeBytes: Buffer.byteLength(text),
      cpuMsPerPass,
      shareOfCore: cpuMsPerPass / defaultCadenceMs,
    };
  } finally {
    child.kill();
    await gone;
  }
}

async function pageOf(stderr: NodeJS.ReadableStream, signal: AbortSignal): Promise<string> {
  for await (const line of createInterface({ input: stderr, signal })) {
    const url = /the page of node .* is at (http:\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error('the agent ended before it said where its page is');
}

async function untilReady(url: string, signal: AbortSignal): Promise<void> {
  while ((await fetch(new URL('/readyz', url), { signal })).status !== 200) await wait(50);
}

async function mustPull(url: string, wanted: number, signal: AbortSignal): Promise<void> {
  const { reports } = (await (await fetch(new URL('/reports', url), { signal })).json()) as {
    readonly reports: readonly Pick<PullReport, 'verdict'>[];
  };
  const found = reports.filter(({ verdict }) => verdict.is === 'pulls').length;
  if (found !== wanted) throw new Error(`${found} of ${reports.length} images can be pulled, not ${wanted}`);
}

async function cpuSeconds(url: string): Promise<{ readonly text: string; readonly seconds: number }> {
  const text = await (await fetch(new URL('/metrics', url))).text();
  return { text, seconds: Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]) };
}

async function memoryOf(
  pid: number | undefined,
): Promise<{ readonly now: number; readonly own: number; readonly peak: number }> {
  const status = await readFile(`/proc/${pid ?? 0}/status`, 'utf8');
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  return { now: bytes('VmRSS'), own: bytes('RssAnon'), peak: bytes('VmHWM') };
}
