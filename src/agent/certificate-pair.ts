/** The certificate of the open listener and its key: two files, read together and again when one of them changes. */
import { readInput } from '#node/read-input.ts';
import { watchFile, type WatchOptions } from '#node/watch-file.ts';
import type { Pair } from './collaborators.ts';

interface PairFiles {
  readonly cert: string;
  readonly key: string;
}

const pemBytes = 1 << 20;

/** The reason names the file, and nothing of its content. */
export async function readPair({ cert, key }: PairFiles): Promise<Pair> {
  const [one, other] = await Promise.all([readInput(cert, pemBytes), readInput(key, pemBytes)]);
  if (!one.ok) return { ok: false, why: `listenTlsCert ${cert} cannot be read: ${one.why}` };
  if (!other.ok) return { ok: false, why: `listenTlsKey ${key} cannot be read: ${other.why}` };
  return { ok: true, pems: { cert: one.text, key: other.text } };
}

/**
 * Each reading of the pair that differs from `first` and from the reading before it. When the two files are replaced one after the
 * other, a reading between them gives a pair that does not match: the listener refuses it, and the next reading replaces it.
 */
export async function* pairChanges(files: PairFiles, first: Pair, options: WatchOptions): AsyncGenerator<Pair> {
  // One SIGHUP makes the loop read both files.
  const watches = [watchFile(files.cert, options), watchFile(files.key, { ...options, onNudge: () => undefined })];
  const pending = watches.map((watch) => watch.next());
  let known = first;
  for (;;) {
    const pair = await readPair(files);
    if (!isSame(pair, known)) {
      known = pair;
      yield pair;
    }
    const [which, change] = await Promise.race(pending.map(async (next, index) => [index, await next] as const));
    const watch = watches[which];
    if (change.done === true || watch === undefined) return;
    pending[which] = watch.next();
  }
}

function isSame(one: Pair, other: Pair): boolean {
  if (!one.ok || !other.ok) return !one.ok && !other.ok && one.why === other.why;
  return one.pems.cert === other.pems.cert && one.pems.key === other.pems.key;
}
