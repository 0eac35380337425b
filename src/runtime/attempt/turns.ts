/**
 * One asker at a time presents a login that nobody has seen work: a wrong password that ten images share would else be
 * presented ten times before the first refusal is back, and accounts are locked for less.
 */
import type { AttemptContext } from './context.ts';

export class LoginLocks {
  readonly #scene: AttemptContext;
  readonly #held = new Map<string, () => void>();

  constructor(context: AttemptContext) {
    this.#scene = context;
  }

  /** Waits until nobody else is about to learn what this login is worth at this place. */
  async take(login: string, place: string): Promise<void> {
    const { memory, proving } = this.#scene.wire;
    const key = `${login}@${place}`;
    while (!this.#held.has(key) && !memory.isProven(login, place) && !this.#scene.signal.aborted) {
      const ahead = proving.get(key);
      if (ahead === undefined) {
        this.#begin(key);
        return;
      }
      await this.#whicheverFirst(ahead);
    }
  }

  end(): void {
    for (const release of this.#held.values()) release();
    this.#held.clear();
  }

  #begin(key: string): void {
    const { proving } = this.#scene.wire;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    proving.set(key, promise);
    this.#held.set(key, () => {
      proving.delete(key);
      resolve(undefined);
    });
  }

  async #whicheverFirst(ahead: Promise<unknown>): Promise<void> {
    const { signal } = this.#scene;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => resolve(undefined);
    signal.addEventListener('abort', wake);
    await Promise.race([ahead, promise]);
    signal.removeEventListener('abort', wake);
  }
}
