/** The certificate and the key of the open listener: read from their files, and read again when one of them changes. */
import { readInput } from '#node/read-input.ts';
import { watchFile, type WatchOptions } from '#node/watch-file.ts';
import type { Pems } from '#output/http/open-listener.ts';

export interface PairFiles {
  readonly cert: string;
  readonly key: string;
}

export type Pair = { readonly ok: true; readonly pems: Pems } | { readonly ok: false; readonly why: string };

const pemBytes = 1 << 20;

/** The reason names the file, and nothing that is in it. */
export async function readPair({ cert, key }: PairFiles): Promise<Pair> {
  const [one, other] = await Promise.all([readInput(cert, pemBytes), readInput(key, pemBytes)]);
  if (!one.ok) return { ok: false, why: `listenTlsCert ${cert} cannot be read: ${one.why}` };
  if (!other.ok) return { ok: false, why: `listenTlsKey ${key} cannot be read: ${other.why}` };
  return { ok: true, pems: { cert: one.text, key: other.text } };
}

/**
 * Each reading of a pair that is another one than `first` and than the one before. Two files that are replaced one after the other
 * may be seen half-way: such a pair does not match and is refused by whoever takes it, and the next reading mends it.
 */
export async function* pairChanges(files: PairFiles, first: Pair, options: WatchOptions): AsyncGenerator<Pair> {
  // One nudge has both read.
  const watches = [watchFile(files.cert, options), watchFile(files.key, { ...options, onNudge: () => undefined })];
  const rings = watches.map((watch) => watch.next());
  let known = first;
  for (;;) {
    const pair = await readPair(files);
    if (!isSame(pair, known)) {
      known = pair;
      yield pair;
    }
    const [which, rung] = await Promise.race(rings.map(async (ring, index) => [index, await ring] as const));
    const watch = watches[which];
    if (rung.done === true || watch === undefined) return;
    rings[which] = watch.next();
  }
}

function isSame(one: Pair, other: Pair): boolean {
  if (!one.ok || !other.ok) return !one.ok && !other.ok && one.why === other.why;
  return one.pems.cert === other.pems.cert && one.pems.key === other.pems.key;
}
