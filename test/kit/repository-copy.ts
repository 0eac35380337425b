/** A copy of this repository without its history, in which scripts may write: what git would commit, and a link to node_modules. */
import { execFileSync } from 'node:child_process';
import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { scratch } from './program.ts';

export const repository = join(import.meta.dirname, '../..');

/** The commit that a copy claims to be, for scripts/build-info.ts. */
export const copyInfo = {
  DRYPULL_COMMIT: '0123456789abcdef0123456789abcdef01234567',
  SOURCE_DATE_EPOCH: '1772366400',
} as const;

export async function repositoryCopy(): Promise<string> {
  const copy = await scratch('repository');
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
    encoding: 'utf8',
  });
  for (const path of listed.split('\0').filter(Boolean))
    await cp(join(repository, path), join(copy, path), { verbatimSymlinks: true }).catch((error: unknown) => {
      // A file that was removed and is not committed yet.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    });
  await symlink(join(repository, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}
