/** A file system of a known size at a place of a node root, to be filled. Needs root. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** So many bytes more are taken. */
  readonly fill: (bytes: number) => Promise<void>;
  /** So many files more, of no bytes. */
  readonly litter: (files: number) => Promise<void>;
}

export interface DiskWish {
  readonly bytes: number;
  readonly inodes?: number;
}

export async function smallDisk(path: string, { bytes, inodes = 10_000 }: DiskWish): Promise<SmallDisk> {
  await mkdir(path, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes},nr_inodes=${inodes},mode=0755`, 'tmpfs', path]);
  let files = 0;
  const write = async (content: Uint8Array): Promise<void> => {
    files += 1;
    await writeFile(join(path, `filler-${files}`), content);
  };
  return {
    path,
    fill: (more) => write(new Uint8Array(more)),
    litter: async (more) => {
      for (let i = 0; i < more; i += 1) await write(new Uint8Array());
    },
    // Lazily: a daemon that was just killed may still be letting go of it.
    [Symbol.asyncDispose]: async () => {
      await run('umount', ['--lazy', path]);
    },
  };
}
