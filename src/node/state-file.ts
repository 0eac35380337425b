/** Door: one small file of our own, read once at the start and replaced whole. The only file that is ever written. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '#data/error-code.ts';

export type FileOutcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

const mostBytes = 16 << 20;
const name = 'past.json';

/** Undefined: there is none yet. */
export async function readStateFile(dir: string): Promise<FileOutcome<string | undefined>> {
  const path = join(dir, name);
  try {
    const found = await stat(path);
    // A FIFO would block the read for ever.
    if (!found.isFile()) return { ok: false, why: `${path} is not a file` };
    const { size } = found;
    if (size > mostBytes) return { ok: false, why: `${path} is larger than ${mostBytes} bytes` };
    return { ok: true, value: await readFile(path, 'utf8') };
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? { ok: true, value: undefined } : failed(error, path);
  }
}

/** Whoever reads meanwhile, or after a crash, sees the old text or the new one, never a part. */
export async function writeStateFile(dir: string, text: string): Promise<FileOutcome<undefined>> {
  const path = join(dir, name);
  const draft = `${path}.${randomUUID()}`;
  try {
    await mkdir(dir, { recursive: true });
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    return { ok: true, value: undefined };
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    return failed(error, path);
  }
}

function failed(error: unknown, path: string): { readonly ok: false; readonly why: string } {
  return { ok: false, why: `${path}: ${codeOf(error) || 'unreadable'}` };
}
