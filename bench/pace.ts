/** The bounds that all contestants are held to: drypull's own. */
import { connectionsPerRegistry } from '#rehearsal/open-wire.ts';

/** Images at one time, as `drypull check` has them (src/main.ts). */
export const atOnce = 16;
export const perRegistry = connectionsPerRegistry;

/** Some at one time, in order. */
export async function each<T>(items: readonly T[], most: number, work: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = items.values();
  const walk = async (): Promise<void> => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: most }, walk));
}
