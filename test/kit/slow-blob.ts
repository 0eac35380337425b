/** A registry whose layers take their time by a clock of the test's own: nobody sleeps, and what is measured is exact. */
import { setImmediate as turn } from 'node:timers/promises';
import { first, type Script } from './visit.ts';

export class VirtualClock {
  #ms = 0;
  #reads = 0;

  readonly read = (): number => {
    this.#reads += 1;
    return this.#ms;
  };

  advance(ms: number): void {
    this.#ms += ms;
  }

  /** Until somebody has looked at it again. */
  async looked(): Promise<void> {
    const before = this.#reads;
    while (this.#reads === before) await turn();
  }
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
    response.writeHead(range === null ? 200 : 206, {
      'content-length': String(part.length),
      ...(range === null ? {} : { 'content-range': `bytes 0-${part.length - 1}/${size}` }),
    });
    response.flushHeaders();
    await clock.looked();
    clock.advance((part.length / bytesPerS) * 1000);
    response.end(part);
    return 'done';
  };
}
