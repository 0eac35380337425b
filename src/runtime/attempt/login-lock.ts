/**
 * Presents a login that has never worked in one attempt at a time. Ten images that share a wrong password would otherwise present it ten
 * times before the first refusal is back, and fewer failures than that lock an account.
 */
import type { AttemptContext } from './context.ts';

export class LoginLocks {
  readonly #context: AttemptContext;
  readonly #held = new Map<string, () => void>();

  constructor(context: AttemptContext) {
    this.#context = context;
  }

  /** Waits until no other attempt is presenting this login at this place for the first time. */
  async take(login: string, place: string): Promise<void> {
    const { memory, pass } = this.#context.wire;
    const key = `${login}@${place}`;
    while (!this.#held.has(key) && !memory.isProven(login, place) && !this.#context.signal.aborted) {
      const ahead = pass.unproven.get(key);
      if (ahead === undefined) {
        this.#hold(key);
        return;
      }
      await this.#settledOrAborted(ahead);
    }
  }

  releaseAll(): void {
    for (const release of this.#held.values()) release();
    this.#held.clear();
  }

  #hold(key: string): void {
    const { unproven } = this.#context.wire.pass;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    unproven.set(key, promise);
    this.#held.set(key, () => {
      unproven.delete(key);
      resolve(undefined);
    });
  }

  async #settledOrAborted(ahead: Promise<unknown>): Promise<void> {
    const { signal } = this.#context;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const onAbort = (): void => resolve(undefined);
    signal.addEventListener('abort', onAbort);
    await Promise.race([ahead, promise]);
    signal.removeEventListener('abort', onAbort);
  }
}
