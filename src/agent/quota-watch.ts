/** When quotas are looked at: after each pass, and by a timer of its own while a quota runs out. One look at a time. */
import type { Log } from '#output/log.ts';

export interface QuotaWatching {
  /** Makes the looks that are due, and remembers them. */
  readonly readView: () => Promise<void>;
  readonly log: Log;
}

/** Which looks are due is asked this often; the looks themselves are rarer (pull/quota-pace.ts). */
const tickMs = 60_000;

export class QuotaWatch {
  readonly #watching: QuotaWatching;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isOver = false;

  constructor(watching: QuotaWatching) {
    this.#watching = watching;
  }

  /** Now, unless a look is under way; and again a while after it. */
  readView(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    clearTimeout(this.#timer);
    return (this.#running ??= this.#read());
  }

  /** What runs ends by the signal that it was given. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  async #read(): Promise<void> {
    const { readView, log } = this.#watching;
    try {
      await readView();
    } catch (error) {
      log.error({ error }, 'a look at the quotas broke');
    } finally {
      this.#running = undefined;
      if (!this.#isOver) this.#timer = setTimeout(() => void this.readView(), tickMs);
    }
  }
}
