#!/usr/bin/env node
/** The process: arguments, environment, signals, streams, exit status. No other file uses `process`. */
import type { Dependencies, Terminal } from '#check/check.ts';
import { readCommandLine, wantsColour } from '#commands/command-line.ts';
import type { CheckRequest } from '#commands/command-line.ts';
import type { ProcessContext } from '#commands/context.ts';
import { delay } from '#timing.ts';
import type { NodesCheck } from '#commands/nodes-options.ts';
import { versionText } from '#commands/version.ts';

/** `check` rehearses this many images at one time. */
const imagesAtOnce = 16;
/** For a file or standard input: nothing longer is a manifest. */
const inputBytes = 64 << 20;

async function main(): Promise<number> {
  const { default: own } = await import('../package.json', { with: { type: 'json' } });
  const program = programName(process.argv);
  const parsed = readCommandLine(argumentsOf(process.argv), versionText(own.version), program);
  if (parsed.run === 'nothing') {
    await Promise.all([print(process.stdout, parsed.stdout), print(process.stderr, parsed.stderr)]);
    return parsed.status;
  }
  const signal = onSignals();
  if (parsed.run === 'check') return runCheck(parsed.request, signal);
  if (parsed.run === 'check nodes') return runCheckNodes(parsed.request, signal);
  const context = contextOf(parsed.args, signal, own.version);
  switch (parsed.run) {
    case 'agent':
      return (await import('#commands/agent.ts')).run(context);
    case 'catalog':
      return (await import('#commands/catalog.ts')).run(context);
    case 'config':
      return (await import('#commands/config.ts')).run(context);
    case 'node':
      return (await import('#commands/node.ts')).run(context);
    case 'nodes':
      return (await import('#commands/nodes.ts')).run(context);
    case 'completion':
      return (await import('#commands/completion.ts')).run(context);
  }
}

function contextOf(args: readonly string[], signal: AbortSignal, version: string): ProcessContext {
  const { stdout, stderr, env } = process;
  const { gc } = globalThis;
  return {
    program: programName(process.argv),
    args,
    env,
    stdout,
    stderr,
    signal,
    version,
    onHangUp: (listener) => process.on('SIGHUP', listener),
    now: () => new Date(),
    clockMs: () => performance.now(),
    random: Math.random,
    usage: { vitals, ...(gc === undefined ? {} : { collectGarbage }) },
  };
}

/** All of the heap, at once; only with --expose-gc. */
function collectGarbage(): void {
  globalThis.gc?.();
}

/** kubectl runs a program of this name for shell completion (kubectl pkg/cmd/plugin.go, since 1.26). */
function argumentsOf([, program = '', ...given]: readonly string[]): readonly string[] {
  return program.endsWith('kubectl_complete-drypull') ? ['completion', 'kubectl', ...given] : given;
}

/** kubectl finds its plugins by this name on the PATH, and its users know drypull by it. */
function programName([, program = '']: readonly string[]): string {
  return program.endsWith('kubectl-drypull') ? 'kubectl drypull' : 'drypull';
}

function vitals(): ReturnType<ProcessContext['usage']['vitals']> {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    startedAtS: (Date.now() - process.uptime() * 1000) / 1000,
  };
}

async function runCheck(request: CheckRequest, signal: AbortSignal): Promise<number> {
  const [{ check }, { readNode, hostRootAt }, { Rehearser }, { connectionsPerRegistry, defaultOptions }] =
    await Promise.all([
      import('#check/check.ts'),
      import('#rehearsal/read-node.ts'),
      import('#rehearsal/rehearser.ts'),
      import('#rehearsal/open-wire.ts'),
    ]);
  const { env, stdout, stderr } = process;
  const root = await hostRootAt(request.node.hostRoot);
  if (!root.ok) {
    await print(stderr, `drypull: --host-root: ${root.why}\n`);
    return 2;
  }
  const { hostRoot } = root;
  const now = (): Date => new Date();
  const clockMs = (): number => performance.now();
  const rehearser = new Rehearser({ hostRoot, env, now, clockMs });
  const dependencies: Dependencies = {
    ...terminal(request, signal),
    readNode,
    assessAll: (view, demands, { verify, spend, timeoutMs, signal: until }) => {
      const pass = {
        options: { ...defaultOptions, verify, spend, deadlineMs: timeoutMs },
        atOnce: imagesAtOnce,
        perRegistry: connectionsPerRegistry,
        meteredRegistries: [],
        signal: until,
      };
      return rehearser.rehearse(view, demands, pass);
    },
  };
  const status = await check({ ...request, node: { ...request.node, hostRoot } }, dependencies);
  await Promise.all([flushed(stdout), flushed(stderr)]);
  return status;
}

async function runCheckNodes(request: NodesCheck, signal: AbortSignal): Promise<number> {
  const { checkNodes } = await import('#check/check-nodes.ts');
  const { env, stdout, stderr } = process;
  const status = await checkNodes(request, { ...terminal(request, signal), env, delay });
  await Promise.all([flushed(stdout), flushed(stderr)]);
  return status;
}

/** The terminal and the clock of a check. */
function terminal({ colour }: { readonly colour: boolean }, signal: AbortSignal): Terminal {
  const { env, stdout, stderr } = process;
  const streamOf = (stream: NodeJS.WriteStream): Terminal['stdout'] => ({
    isTTY: stream.isTTY,
    columns: stream.columns,
    colour: wantsColour(colour, env, stream),
    write: (text) => stream.write(text),
  });
  return {
    stdout: streamOf(stdout),
    stderr: streamOf(stderr),
    read: (path) => (path === '-' ? readStdin() : readFile(path)),
    now: () => new Date(),
    elapsedMs: () => performance.now(),
    ticking: (tick) => {
      const timer = setInterval(tick, 100);
      return () => clearInterval(timer);
    },
    signal,
  };
}

async function readFile(path: string): ReturnType<Terminal['read']> {
  const { readInput } = await import('#node/read-input.ts');
  return readInput(path, inputBytes);
}

async function readStdin(): ReturnType<Terminal['read']> {
  if (process.stdin.isTTY) process.stderr.write('drypull: reading manifests from the terminal; end with Ctrl-D\n');
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of process.stdin.setEncoding('utf8')) {
    const bytes = Buffer.from(String(part));
    size += bytes.length;
    if (size > inputBytes) return { ok: false, why: `it is longer than ${Math.floor(inputBytes / 1_000_000)} MB` };
    parts.push(bytes);
  }
  return { ok: true, text: Buffer.concat(parts).toString('utf8') };
}

/** The first signal aborts; a second one has the system's default effect. */
function onSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort(name));
  return controller.signal;
}

async function print(stream: NodeJS.WriteStream, text: string): Promise<void> {
  stream.write(text);
  await flushed(stream);
}

/** Resolves when everything is written, or the reader is gone (`drypull check … | head`). The process ends afterwards. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write('', (error) => (error && !isBrokenPipe(error) ? reject(error) : resolve()));
  });
}

function isBrokenPipe(error: Error): boolean {
  return 'code' in error && error.code === 'EPIPE';
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: Error) => {
    if (!isBrokenPipe(error)) throw error;
  });
}

// Open connections must not keep the process alive.
process.exit(await main());
