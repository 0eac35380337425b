/** Other people's servers as children of a test: started in a temporary directory, awaited by asking, and killed afterwards. */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

export interface ProgramWish {
  readonly command: string;
  readonly args: readonly string[];
  /** Besides PATH, which is all that is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /** Asked until it says yes. */
  readonly ready: () => Promise<boolean>;
  /** Deleted after the program's end. */
  readonly directory: string;
  /** Default: 20 s. */
  readonly patienceMs?: number;
}

export interface Program extends AsyncDisposable {
  /** Everything it has said on stdout and stderr. */
  readonly logged: () => string;
  readonly close: () => Promise<void>;
}

const patienceMs = 20_000;

/** Resolves when the program is ready; rejects with its own words when it ends before, or never is. */
export async function start(request: ProgramWish): Promise<Program> {
  const child = spawn(request.command, request.args, {
    cwd: request.directory,
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, ...request.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const logged = (): string => Buffer.concat(chunks).toString();
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const life = new AbortController();
  void ended.then(() => life.abort());
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const close = async (): Promise<void> => {
    kill();
    await ended;
    process.off('exit', kill);
    await rm(request.directory, { recursive: true, force: true });
  };
  const deadline = performance.now() + (request.patienceMs ?? patienceMs);
  while (!(await request.ready())) {
    if (life.signal.aborted || performance.now() > deadline) {
      await close();
      throw new Error(`${request.command} did not become ready:\n${logged().slice(-4000)}`);
    }
    await wait(20);
  }
  return { logged, close, [Symbol.asyncDispose]: close };
}

/** A directory of its own, which daemons that give up root may write to as well. */
export async function scratch(name: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `${name}-`));
  await chmod(directory, 0o777);
  return directory;
}

/** Whether somebody listens: a port of 127.0.0.1, or the path of a socket. */
export async function listens(at: number | string): Promise<boolean> {
  const socket = typeof at === 'number' ? connect(at, '127.0.0.1') : connect(at);
  const heard = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  socket.destroy();
  return heard;
}

/**
 * A port of 127.0.0.1 where nobody listens now. Not one that the system hands out for port 0 or to a connection's own end: such
 * a one may be taken again before the server that it is meant for has started, or while that server is away.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 30_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
