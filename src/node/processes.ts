/**
 * Running programs of the node, as /proc below the host root shows them: their flags, environment and start. It needs the
 * host's process namespace; without it nothing is found, and that is no fault.
 */
import { posix } from 'node:path';
import { linkText, listDir, readBytes, readText, type HostRoot } from './host-root.ts';

export interface Running {
  readonly pid: number;
  readonly args: readonly string[];
  /** Absent where it may not be read. The first of equal names counts, as for getenv. */
  readonly env?: ReadonlyMap<string, string>;
  readonly cwd?: string;
  readonly startedMs?: number;
  /** Its start in clock ticks since the boot: with the pid it names one process, whatever is done to the clock. */
  readonly ticks?: string;
}

/** Linux's USER_HZ, the same on every architecture that Kubernetes runs on. */
const ticksPerSecond = 100;
const maxProcFile = 256 * 1024;

/**
 * The process of that name. Where several run, Docker's own containerd is passed over, and one that belongs to a bundled
 * distribution is preferred.
 */
export async function findRunning(root: HostRoot, comm: string): Promise<Running | undefined> {
  const listed = await listDir(root, '/proc');
  if (!listed.ok) return undefined;
  const found: Running[] = [];
  for (const { name } of listed.value) {
    if (!/^\d+$/.test(name)) continue;
    const processName = await readText(root, posix.join('/proc', name, 'comm'), maxProcFile);
    if (processName.ok && processName.value.trim() === comm) found.push(await readRunning(root, Number(name)));
  }
  found.sort((a, b) => rank(a) - rank(b) || a.pid - b.pid);
  return found[0];
}

function rank(running: Running): number {
  const config = flag(running.args, 'config', 'c') ?? '';
  if (config.includes('/docker/')) return 2;
  return config.includes('/rancher/') ? 0 : 1;
}

async function readRunning(root: HostRoot, pid: number): Promise<Running> {
  const at = (name: string): string => `/proc/${pid}/${name}`;
  const [cmdline, environ, cwd, start] = [
    await readText(root, at('cmdline'), maxProcFile),
    await readBytes(root, at('environ'), maxProcFile),
    await linkText(root, at('cwd')),
    await readStart(root, at('stat')),
  ];
  return {
    pid,
    args: cmdline.ok ? cmdline.value.split('\0').slice(0, -1) : [],
    ...(environ.ok ? { env: envOf(new TextDecoder().decode(environ.value).split('\0')) } : {}),
    ...(cwd.ok ? { cwd: cwd.value } : {}),
    ...start,
  };
}

/** Go's syscall.copyenv: a later duplicate is passed over. */
function envOf(pairs: readonly string[]): ReadonlyMap<string, string> {
  const env = new Map<string, string>();
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals);
    if (equals > 0 && !env.has(name)) env.set(name, pair.slice(equals + 1));
  }
  return env;
}

/** Field 22 of stat counts from boot, and /proc/stat says when that was. */
async function readStart(root: HostRoot, path: string): Promise<Pick<Running, 'startedMs' | 'ticks'>> {
  const [own, system] = [await readText(root, path, maxProcFile), await readText(root, '/proc/stat')];
  if (!own.ok || !system.ok) return {};
  // The second field is the name in parentheses, which may hold blanks and parentheses itself.
  const ticks = own.value.slice(own.value.lastIndexOf(')') + 2).split(' ')[19];
  const boot = /^btime (\d+)$/m.exec(system.value)?.[1];
  if (ticks === undefined || boot === undefined || !/^\d+$/.test(ticks)) return {};
  return { startedMs: (Number(boot) + Number(ticks) / ticksPerSecond) * 1000, ticks };
}

/** A flag of a program that takes `--name value`, `--name=value` and, with one dash or a letter, the same. Last one wins. */
export function flag(args: readonly string[], name: string, letter?: string): string | undefined {
  const names = [`--${name}`, `-${name}`, ...(letter === undefined ? [] : [`-${letter}`, `--${letter}`])];
  let value: string | undefined;
  for (const [index, arg] of args.entries()) {
    const equals = arg.indexOf('=');
    if (equals > 0 && names.includes(arg.slice(0, equals))) value = arg.slice(equals + 1);
    else if (names.includes(arg)) value = args[index + 1] ?? value;
  }
  return value;
}
