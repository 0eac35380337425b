/** A registry whose layers take their time by a clock of the test's own: nobody sleeps, and what is measured is exact. */
import { setImmediate as turn } from 'node:timers/promises';
import { first, type Script } from './visit.ts';

export class VirtualClock {
  #ms = 0;
  #reads = 0;
  readonly #tickers = new Set<Ticker>();

  readonly read = (): number => {
    this.#reads += 1;
    return this.#ms;
  };

  /** What is due on the way happens at its own time. */
  advance(ms: number): void {
    const endMs = this.#ms + ms;
    for (;;) {
      const next = [...this.#tickers].toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined || next.dueMs > endMs) break;
      this.#ms = next.dueMs;
      next.dueMs += next.everyMs;
      next.tick();
    }
    this.#ms = endMs;
  }

  /** Ends when what it returns is called. */
  every(everyMs: number, tick: () => void): () => void {
    const ticker = { everyMs, tick, dueMs: this.#ms + everyMs };
    this.#tickers.add(ticker);
    return () => void this.#tickers.delete(ticker);
  }

  /** Until somebody has looked at it again, or nobody will. */
  async looked(isOver: () => boolean = () => false): Promise<void> {
    const before = this.#reads;
    while (this.#reads === before && !isOver()) await turn();
  }
}

interface Ticker {
  readonly everyMs: number;
  readonly tick: () => void;
  dueMs: number;
}

export interface Slowness {
  readonly bytesPerS: number;
  /** Before the headers. */
  readonly silentMs?: number;
}

/** Blobs of more than `from` bytes come at this speed; the client must be on the same clock. */
export function comesSlowly(clock: VirtualClock, { bytesPerS, silentMs = 0 }: Slowness, from = 60 * 1024): Script {
  return async ({ found, seen, kind, response }) => {
    if (kind !== 'blob' || found === undefined || found.bytes.length <= from) return undefined;
    const range = /^bytes=0-(\d+)$/.exec(first(seen, 'range') ?? '');
    const size = found.bytes.length;
    const part = found.bytes.subarray(0, range === null ? size : Number(range[1]) + 1);
    clock.advance(silentMs);
    // Whoever gives up does so a moment later, on a socket.
    let isGone = false;
    response.once('close', () => (isGone = true));
    response.writeHead(range === null ? 200 : 206, {
      'content-length': String(part.length),
      ...(range === null ? {} : { 'content-range': `bytes 0-${part.length - 1}/${size}` }),
    });
    response.flushHeaders();
    await clock.looked(() => isGone);
    clock.advance((part.length / bytesPerS) * 1000);
    response.end(part);
    return 'done';
  };
}
