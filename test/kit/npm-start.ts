/** The agent as a user starts it: `npm start` as a process of its own, in a group of its own, killed whole afterwards. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

const project = join(import.meta.dirname, '../..');

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface NpmStart extends AsyncDisposable {
  /** Everything it has said on stdout and stderr. */
  readonly logged: () => string;
  readonly ended: Promise<Ended>;
  /** To npm, as a supervisor would send it. */
  readonly signal: (name: NodeJS.Signals) => void;
  /** To the agent below npm, which alone knows SIGHUP. */
  readonly hangUp: () => void;
  /** Whether any process of the group is left. */
  readonly lives: () => boolean;
}

/** `home` is a directory for what npm keeps; nothing else of this process's environment reaches the agent. */
export async function npmStart(args: readonly string[], home: string): Promise<NpmStart> {
  await mkdir(home, { recursive: true });
  const env = { PATH: process.env['PATH'] ?? '', HOME: home, npm_config_update_notifier: 'false' };
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
  const child = spawn('npm', ['start', '--', ...args], { cwd: project, env, stdio, detached: true });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (status, signal) => resolve({ status, signal }));
    child.once('error', () => resolve({ status: null, signal: null }));
  });
  const kill = (): void => void toGroup(child.pid, 'SIGKILL');
  process.once('exit', kill);
  const close = async (): Promise<void> => {
    kill();
    await ended;
    process.off('exit', kill);
  };
  return {
    logged: () => Buffer.concat(chunks).toString(),
    ended,
    signal: (name) => void child.kill(name),
    hangUp: () => void process.kill(childOf(child.pid), 'SIGHUP'),
    lives: () => toGroup(child.pid, 0),
    [Symbol.asyncDispose]: close,
  };
}

/** False when there is no such process any more. */
function toGroup(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  try {
    return pid !== undefined && process.kill(-pid, signal);
  } catch {
    return false;
  }
}

function childOf(pid: number | undefined): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}
