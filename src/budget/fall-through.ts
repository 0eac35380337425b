/**
 * Images whose rehearsal ended before a host behind the one that failed, because its turn had not come. They wait for that turn; in
 * between they are tried again as far as the hosts before it go, ever more seldom, lest nobody notices that those are well again.
 */
import { stayedOutMs } from './back-off.ts';
import type { PullReport } from '#report/report.ts';

interface Held {
  /** Lanes that would have been asked next. */
  readonly budgetKeys: ReadonlySet<string>;
  /** In a row. */
  readonly times: number;
  readonly untilMs: number;
}

export class FallThrough {
  readonly #held = new Map<string, Held>();

  /** It was rehearsed, and that ended before this lane or, where none is named, by itself. */
  note(id: string, budgetKey: string | undefined, at: { readonly nowMs: number; readonly cadenceMs: number }): void {
    const before = this.#held.get(id);
    this.#held.delete(id);
    if (budgetKey === undefined) return;
    const times = (before?.times ?? 0) + 1;
    const budgetKeys = new Set([...(before?.budgetKeys ?? []), budgetKey]);
    this.#held.set(id, { budgetKeys, times, untilMs: at.nowMs + stayedOutMs(times, at.cadenceMs) });
  }

  /** Beside those that its last report tells of. */
  budgetKeys(id: string): readonly string[] {
    return [...(this.#held.get(id)?.budgetKeys ?? [])];
  }

  /** When the hosts before may be tried again; 0 where none has failed that way. */
  untilMs(id: string): number {
    return this.#held.get(id)?.untilMs ?? 0;
  }

  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#held.keys()) if (!ids.has(id)) this.#held.delete(id);
  }
}

/** The lane that a rehearsal ended before, where it did. */
export function endedBefore({ verdict }: PullReport): string | undefined {
  return verdict.is === 'unknown' && verdict.fault.code === 'agent.over_budget' ? verdict.fault.registry : undefined;
}
