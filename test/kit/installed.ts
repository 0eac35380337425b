/** Which of the machine's programs a test may use: found in PATH, or said in one loud line. With CI=true a skip is a failure. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export function installed(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** True when every program is there. Use: `describe.runIf(needs(['kubectl']))`. */
export function needs(programs: readonly string[]): boolean {
  const missing = programs.filter((program) => !installed(program));
  if (missing.length === 0) return true;
  const said = `SKIPPED, not installed: ${missing.join(', ')} (test/servers.sh installs them on Debian)`;
  if (process.env['CI'] === 'true') throw new Error(said);
  process.stderr.write(`${said}\n`);
  return false;
}
