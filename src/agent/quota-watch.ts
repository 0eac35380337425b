/** When pull quotas are sampled: after each pass, and each minute between passes. One round of samples at a time. */
import type { Log } from '#output/log.ts';

/** How often it is checked which samples are due; they are due less often (budget/quota-pace.ts). */
const tickMs = 60_000;

export class QuotaWatch {
  readonly #take: () => Promise<void>;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  /** `take`: takes the samples that are due. */
  constructor(take: () => Promise<void>, log: Log) {
    this.#take = take;
    this.#log = log;
  }

  /** Begins a round now, unless one is under way. */
  sample(): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    clearTimeout(this.#timer);
    return (this.#running ??= this.#sample());
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #sample(): Promise<void> {
    try {
      await this.#take();
    } catch (error) {
      this.#log.error({ error }, 'cannot sample pull quotas');
    } finally {
      this.#running = undefined;
      if (!this.#isStopped) this.#timer = setTimeout(() => void this.sample(), tickMs);
    }
  }
}
