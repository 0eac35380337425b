/**
 * Says what a file holds each time it comes to hold something else. The directory is watched, not the file: editors and
 * Kubernetes' ConfigMap volumes put a new file in the old one's place (the kubelet swaps the link `..data`). A slow look beside
 * it serves file systems that tell nothing. A file that is gone is undefined, not a fault: it may be back in a moment.
 */
import { watch } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface WatchOptions {
  readonly signal: AbortSignal;
  /** Quiet for so long, it is read: a swap is several events. */
  readonly settleMs?: number;
  /** A look without any event. */
  readonly pollMs?: number;
  /** Hands out a function that has the file read and told at once, changed or not (SIGHUP). */
  readonly onNudge?: (nudge: () => void) => void;
}

const largestBytes = 1024 * 1024;

export async function* watchFile(path: string, options: WatchOptions): AsyncGenerator<string | undefined> {
  const { signal, settleMs = 250, pollMs = 30_000, onNudge } = options;
  const bell = new Bell(signal);
  onNudge?.(() => bell.ring('nudge'));
  const watcher = watchFolder(dirname(path), () => bell.ring('event'));
  const poll = setInterval(() => bell.ring('look'), pollMs);
  try {
    let known = await readBounded(path);
    for (;;) {
      const why = await bell.rung();
      if (why === undefined) return;
      if (why === 'event') await bell.quiet(settleMs);
      const text = await readBounded(path);
      if (text === known && why !== 'nudge') continue;
      known = text;
      yield text;
    }
  } finally {
    clearInterval(poll);
    watcher?.close();
  }
}

function watchFolder(folder: string, changed: () => void): { readonly close: () => void } | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, changed);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    // No such folder, or no watches left on this machine: the slow look remains.
    return undefined;
  }
}

/** The file's text up to a bound; one character more than the bound says that there is more. */
export async function readBounded(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(largestBytes + 1), 0, largestBytes + 1, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return undefined;
  }
}

type Ring = 'event' | 'look' | 'nudge';

/** Remembers that it was rung while nobody listened; the most urgent ring counts. */
class Bell {
  readonly #signal: AbortSignal;
  #pending: Ring | undefined;
  #wake: () => void = () => undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  ring(why: Ring): void {
    if (why === 'nudge' || this.#pending === undefined) this.#pending = why;
    this.#wake();
  }

  /** Undefined: it is over. */
  async rung(): Promise<Ring | undefined> {
    while (this.#pending === undefined && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const why = this.#signal.aborted ? undefined : this.#pending;
    this.#pending = undefined;
    return why;
  }

  /** Returns when no event came for so long, at most ten times as long. */
  async quiet(ms: number): Promise<void> {
    for (let round = 0; round < 10 && !this.#signal.aborted; round += 1) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.#signal.removeEventListener('abort', done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        this.#signal.addEventListener('abort', done, { once: true });
      });
      if (this.#pending !== 'event') return;
      this.#pending = undefined;
    }
  }
}
