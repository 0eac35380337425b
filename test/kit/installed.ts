/** Which of the machine's programs a test may use: found, or said in one loud line. With CI=true a skip is a failure. */
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Where test/tools.sh unpacks programs; the versions are written there and here. */
const tools = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'drypull/tools');
const kubernetes = join(tools, 'kubernetes-2.2.2');

/** The oldest Node.js that package.json supports, if test/tools.sh has unpacked it. */
export const oldestNode = [join(tools, 'node-22.19.0/bin/node')].find(isRunnable);

/** The program's path, looked for among the unpacked tools, in PATH and where Debian puts daemons. */
export function installed(program: string): string | undefined {
  const folders = [kubernetes, ...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, program)).find(isRunnable);
}

/** True when every program is there. Meant for `describe.runIf(needs(['squid']))`; `root` stands for being root. */
export function needs(programs: readonly string[]): boolean {
  const missing = programs.filter((program) => program !== 'root' && installed(program) === undefined);
  if (programs.includes('root') && process.getuid?.() !== 0) missing.push('root');
  if (missing.length === 0) return true;
  const line = `left out for want of ${missing.join(', ')} (as root on Debian, test/servers.sh installs what tests need)`;
  if (process.env['CI'] === 'true') throw new Error(line);
  process.stderr.write(`\n!!! ${line}\n`);
  return false;
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
