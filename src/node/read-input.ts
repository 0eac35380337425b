/**
 * Door: a file that the user names on the command line, whole, as text. Not the node's: no host root applies. Bounded, for
 * /dev/zero is a file too.
 */
import { open } from 'node:fs/promises';

export type Input = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory: name the files in it',
  ENOTDIR: 'a part of its path is no directory',
  ELOOP: 'its symbolic links go round in a circle',
};

export async function readInput(path: string, limitBytes: number): Promise<Input> {
  try {
    await using file = await open(path);
    const parts: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      const { bytesRead, buffer } = await file.read(new Uint8Array(1 << 20));
      if (bytesRead === 0) break;
      size += bytesRead;
      if (size > limitBytes) return { ok: false, why: `it is longer than ${Math.floor(limitBytes / 1_000_000)} MB` };
      parts.push(buffer.subarray(0, bytesRead));
    }
    return { ok: true, text: Buffer.concat(parts).toString('utf8') };
  } catch (error) {
    return { ok: false, why: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return reasons[code] ?? `it cannot be read (${code || 'unknown error'})`;
}
