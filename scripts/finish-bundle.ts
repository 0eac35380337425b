/** What a bundle holds besides its code: the launcher, the names that kubectl looks for, and the licences of its packages. */
import { chmod, copyFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { licenseTexts, type Metafile } from './bundled.ts';

/** kubectl finds its plugins, and their completion, by name on the PATH. */
const links = ['drypull', 'kubectl-drypull', 'kubectl_complete-drypull'];

export async function finishBundle(metafile: Metafile, directory: string): Promise<void> {
  await writeFile(join(directory, 'LICENSES.txt'), await licenseTexts(metafile, process.cwd()));
  const launcher = join(directory, 'drypull.mjs');
  await copyFile('launcher.js', launcher);
  await chmod(launcher, 0o755);
  for (const name of links) {
    await rm(join(directory, name), { force: true });
    await symlink('drypull.mjs', join(directory, name));
  }
}
