#!/usr/bin/env node
/** The front door: words of the command line, environment, signals, streams, exit status. Nothing else knows the process. */
import type { Dependencies } from '#check/check.ts';
import { readCommandLine, wantsColour } from '#commands/command-line.ts';
import type { CheckRequest } from '#commands/command-line.ts';
import { delay } from '#agent/delay.ts';
import type { NodesCheck } from '#commands/nodes-options.ts';

/** What the commands that read their own options get. */
export interface ProcessContext {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Aborted by SIGINT and SIGTERM; a second signal ends the process at once. */
  readonly signal: AbortSignal;
  /** Hands out what SIGHUP is to call. */
  readonly onHangUp: (call: () => void) => void;
  readonly version: string;
  readonly now: () => Date;
  /** Milliseconds that only grow. */
  readonly clockMs: () => number;
  readonly random: () => number;
  /** Gives back what is not used any more, where Node lets us (--expose-gc); nothing else. */
  readonly tidy?: () => void;
  readonly vitals: () => { readonly cpuSeconds: number; readonly residentBytes: number; readonly startedAtS: number };
}

/** Images rehearsed at one time. */
const imagesAtOnce = 16;
/** Of a file or standard input: more is no manifest. */
const inputBytes = 64 << 20;

async function main(): Promise<number> {
  const { default: own } = await import('../package.json', { with: { type: 'json' } });
  const wanted = readCommandLine(argumentsAs(process.argv), own.version);
  if (wanted.run === 'nothing') {
    await Promise.all([print(process.stdout, wanted.stdout), print(process.stderr, wanted.stderr)]);
    return wanted.status;
  }
  const signal = onSignals();
  if (wanted.run === 'check') return runCheck(wanted.request, signal);
  if (wanted.run === 'check nodes') return runCheckNodes(wanted.request, signal);
  const { stdout, stderr, env } = process;
  const around: ProcessContext = {
    args: wanted.args,
    env,
    stdout,
    stderr,
    signal,
    version: own.version,
    onHangUp: (call) => process.on('SIGHUP', call),
    now: () => new Date(),
    clockMs: () => performance.now(),
    random: Math.random,
    vitals,
    ...tidying(),
  };
  switch (wanted.run) {
    case 'agent':
      return (await import('#commands/agent.ts')).run(around);
    case 'catalog':
      return (await import('#commands/catalog.ts')).run(around);
    case 'config':
      return (await import('#commands/config.ts')).run(around);
    case 'node':
      return (await import('#commands/node.ts')).run(around);
    case 'nodes':
      return (await import('#commands/nodes.ts')).run(around);
    case 'completion':
      return (await import('#commands/completion.ts')).run(around);
  }
}

/** kubectl asks a program of this name what could follow (kubectl pkg/cmd/plugin.go, since 1.26). */
function argumentsAs([, program = '', ...arguments_]: readonly string[]): readonly string[] {
  return program.endsWith('kubectl_complete-drypull') ? ['completion', 'kubectl', ...arguments_] : arguments_;
}

/** Node's own collector, whole and at once. */
function tidying(): Pick<ProcessContext, 'tidy'> {
  const { gc } = globalThis;
  return gc === undefined
    ? {}
    : {
        tidy: () => {
          gc();
        },
      };
}

function vitals(): ReturnType<ProcessContext['vitals']> {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    startedAtS: (Date.now() - process.uptime() * 1000) / 1000,
  };
}

async function runCheck(request: CheckRequest, signal: AbortSignal): Promise<number> {
  const [{ check }, { readNode, hostRootAt }, { Rehearser }, { connectionsPerRegistry, manners }] = await Promise.all([
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
    ...conversation(request, signal),
    readNode,
    assessAll: (view, demands, { verify, spend, timeoutMs, signal: until }) => {
      const own = { ...manners, verify, spend, deadlineMs: timeoutMs };
      const pass = {
        manners: own,
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
  const status = await checkNodes(request, { ...conversation(request, signal), env, pause: delay });
  await Promise.all([flushed(stdout), flushed(stderr)]);
  return status;
}

/** What every check has to do with the terminal and the clock. */
function conversation(
  { colour }: { readonly colour: boolean },
  signal: AbortSignal,
): Pick<Dependencies, 'stdout' | 'stderr' | 'read' | 'now' | 'elapsedMs' | 'ticking' | 'signal'> {
  const { env, stdout, stderr } = process;
  const streamOf = (stream: NodeJS.WriteStream): Dependencies['stdout'] => ({
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

async function readFile(path: string): ReturnType<Dependencies['read']> {
  const { readInput } = await import('#node/read-input.ts');
  return readInput(path, inputBytes);
}

async function readStdin(): ReturnType<Dependencies['read']> {
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

/** The first signal asks to come to an end; after that the system's own answer is back. */
function onSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort(name));
  return controller.signal;
}

async function print(stream: NodeJS.WriteStream, text: string): Promise<void> {
  stream.write(text);
  await flushed(stream);
}

/** Once everything written has left, since the process ends afterwards; or once the reader has gone: `drypull check … | head`. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write('', (error) => (error && !isGone(error) ? reject(error) : resolve()));
  });
}

function isGone(error: Error): boolean {
  return 'code' in error && error.code === 'EPIPE';
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: Error) => {
    if (!isGone(error)) throw error;
  });
}

// Open connections must not keep the process: what was asked has been answered.
process.exit(await main());
