/**
 * The catalog in chunks that fit a ConfigMap, each named after its content: a chunk is never rewritten, and a change of one workload
 * makes one new chunk and leaves the others as they are. The hash of an entry's key alone decides its chunk.
 */
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Entry } from './text.ts';

export interface Chunk {
  /** The name of its ConfigMap: `drypull-catalog-3f2a…`. */
  readonly name: string;
  /** Compressed; absent where a chunk of this name exists. */
  readonly data?: Uint8Array;
}

/** A ConfigMap holds 1 MiB. */
const mostStored = 900_000;
/** A reader holds this much at one time. */
const mostChars = 2_000_000;
/** Small enough that one change costs little (gzip leaves a twentieth), and large enough to keep the number of chunks low. */
const usualChars = 500_000;
/** Below this mean the number of chunks is halved. */
const fewChars = 150_000;
const mostChunks = 4096;

interface ExistingChunks {
  /** The number of chunks; it stays while it fits. */
  readonly count: number;
  /** Whether a chunk of this name exists. */
  readonly isKnown: (name: string) => boolean;
}

const nothing: ExistingChunks = { count: 1, isKnown: () => false };

/** The number of buckets is a power of two; buckets without entries are left out. */
export function chunksOf(
  entries: readonly Entry[],
  { count: before, isKnown }: ExistingChunks = nothing,
): readonly Chunk[] {
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  let count = powerOfTwo(Math.max(before, total / usualChars));
  while (count > 1 && total / count < fewChars) count /= 2;
  for (;;) {
    const chunks = cut(entries, count, isKnown);
    if (chunks !== undefined) return chunks;
    count *= 2;
  }
}

/** Undefined: a chunk would be too long. */
function cut(
  entries: readonly Entry[],
  count: number,
  isKnown: ExistingChunks['isKnown'],
): readonly Chunk[] | undefined {
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

/** Three bytes for each character. */
const mostBytes = 3 * mostChars;

/** Undefined: the data is not the chunk of that name. It is truncated, overwritten, or a decompression bomb. */
export function unpacked(name: string, data: Uint8Array): string | undefined {
  try {
    const text = gunzipSync(data, { maxOutputLength: mostBytes }).toString('utf8');
    return nameOf(text) === name ? text : undefined;
  } catch {
    return undefined;
  }
}
