/**
 * The catalog cut into chunks that fit a ConfigMap, each named after its content: a chunk is never rewritten, and a change
 * of one workload makes one new chunk and leaves the others as they are. An entry's key alone says in which chunk it goes.
 */
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { hashOf } from '#pull/rendezvous.ts';
import type { Entry } from './catalog-text.ts';

export interface Chunk {
  /** Of its ConfigMap: `drypull-catalog-3f2a…`. */
  readonly name: string;
  readonly text: string;
}

/**
 * A ConfigMap holds 1 MiB and is to have at most 900 kB. Text of this length cannot come out longer than that, whatever it is
 * and however little gzip makes of it.
 */
const mostChars = 250_000;
/** Below this mean, half as many chunks are enough. */
const fewChars = 50_000;
const mostChunks = 4096;

/** `before`: how many chunks there were (a power of two), which is kept while it does. Chunks without entries are left out. */
export function chunksOf(entries: readonly Entry[], before = 1): readonly Chunk[] {
  const total = entries.reduce((sum, { line }) => sum + line.length + 1, 0);
  let count = powerOfTwo(before);
  while (count > 1 && total / count < fewChars) count /= 2;
  let texts = textsOf(entries, count);
  while (count < mostChunks && texts.some((text) => text.length > mostChars)) texts = textsOf(entries, (count *= 2));
  return texts.filter((text) => text !== '').map((text) => ({ name: nameOf(text), text }));
}

function textsOf(entries: readonly Entry[], count: number): readonly string[] {
  const lines = Array.from({ length: count }, (): string[] => []);
  for (const { key, line } of entries) lines[hashOf(key) % count]?.push(line);
  return lines.map((chunk) => chunk.sort().join('\n'));
}

function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, Math.min(count, mostChunks))));
}

export const chunkPrefix = 'drypull-catalog-';

function nameOf(text: string): string {
  return `${chunkPrefix}${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
}

export function packed(text: string): Buffer {
  return gzipSync(text, { level: 6 });
}

/** No chunk of ours is longer; four bytes a letter. */
const mostBytes = 4 * 1024 * 1024;

/** Undefined where it is not the chunk of that name: cut off, written over, or made to burst. */
export function unpacked(name: string, data: Uint8Array): string | undefined {
  try {
    const text = gunzipSync(data, { maxOutputLength: mostBytes }).toString('utf8');
    return nameOf(text) === name ? text : undefined;
  } catch {
    return undefined;
  }
}
