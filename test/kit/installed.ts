/** Programs that some tests need: where one is missing its tests are left out with one loud line, and in CI that is a failure. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Whether `program` is installed. Meant for `test.runIf(needs('promtool'))`. */
export function needs(program: string): boolean {
  const found = (process.env['PATH'] ?? '').split(delimiter).some((folder) => isRunnable(join(folder, program)));
  if (found) return true;
  const line = `${program} is not installed: tests that need it are left out (test/servers.sh installs it on Debian)`;
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
