/**
 * The catalog cut into chunks that fit a ConfigMap, each named after its content: a chunk is never rewritten, and a change
 * of one workload makes one new chunk and leaves the others as they are. An entry's key alone says in which chunk it goes.
 */
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Entry } from './text.ts';

export interface Chunk {
  /** Of its ConfigMap: `drypull-catalog-3f2a…`. */
  readonly name: string;
  /** Compressed; absent where it is known. */
  readonly data?: Uint8Array;
}

/** A ConfigMap holds 1 MiB. */
const mostStored = 900_000;
/** What a reader has to hold at one time. */
const mostChars = 2_000_000;
/** Small enough that one change costs little (gzip leaves a twentieth of it), and large enough that the chunks are few. */
const usualChars = 500_000;
/** Below this mean, half as many chunks are enough. */
const fewChars = 150_000;
const mostChunks = 4096;

export interface Standing {
  /** How many chunks there are: kept while it does. */
  readonly count: number;
  /** What is known by its name need not be made again. */
  readonly isKnown: (name: string) => boolean;
}

const nothing: Standing = { count: 1, isKnown: () => false };

/** There are as many buckets as a power of two; those without entries are left out. */
export function chunksOf(entries: readonly Entry[], { count: before, isKnown }: Standing = nothing): readonly Chunk[] {
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  let count = powerOfTwo(Math.max(before, total / usualChars));
  while (count > 1 && total / count < fewChars) count /= 2;
  for (;;) {
    const chunks = cut(entries, count, isKnown);
    if (chunks !== undefined) return chunks;
    count *= 2;
  }
}

/** Undefined where a chunk would be too long. */
function cut(entries: readonly Entry[], count: number, isKnown: Standing['isKnown']): readonly Chunk[] | undefined {
  const buckets = Map.groupBy(entries, ({ hash }) => hash % count);
  const chunks: Chunk[] = [];
  for (const bucket of buckets.values()) {
    const text = bucket
      .map((entry) => entry.line())
      .sort()
      .join('\n');
    if (text.length > mostChars && count < mostChunks) return undefined;
    const name = nameOf(text);
    const data = isKnown(name) ? undefined : gzipSync(text, { level: 6 });
    if ((data?.length ?? 0) > mostStored && count < mostChunks) return undefined;
    chunks.push({ name, ...(data === undefined ? {} : { data }) });
  }
  return chunks.sort((one, other) => (one.name < other.name ? -1 : 1));
}

function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, Math.min(count, mostChunks))));
}

export const chunkPrefix = 'drypull-catalog-';

function nameOf(text: string): string {
  return `${chunkPrefix}${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
}

/** No chunk of ours is longer: three bytes a letter. */
const mostBytes = 3 * mostChars;

/** Undefined where it is not the chunk of that name: cut off, written over, or made to burst. */
export function unpacked(name: string, data: Uint8Array): string | undefined {
  try {
    const text = gunzipSync(data, { maxOutputLength: mostBytes }).toString('utf8');
    return nameOf(text) === name ? text : undefined;
  } catch {
    return undefined;
  }
}
