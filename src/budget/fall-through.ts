/**
 * Images whose first hosts failed and whose share allowed no request to the next host. They wait for their share of it. Until then
 * their first hosts are tried again, less and less often, so that a recovery is noticed. Pure.
 */
import { heldMs } from './back-off.ts';
import type { PullReport } from '#report/report.ts';

interface Held {
  /** The budget keys of the hosts that would have been next. */
  readonly budgetKeys: ReadonlySet<string>;
  /** Consecutive times. */
  readonly times: number;
  readonly untilMs: number;
}

export class FallThrough {
  readonly #held = new Map<string, Held>();

  /** Records the end of a rehearsal: before a request under this budget key or, if undefined, by itself. */
  note(id: string, budgetKey: string | undefined, at: { readonly nowMs: number; readonly cadenceMs: number }): void {
    const before = this.#held.get(id);
    this.#held.delete(id);
    if (budgetKey === undefined) return;
    const times = (before?.times ?? 0) + 1;
    const budgetKeys = new Set([...(before?.budgetKeys ?? []), budgetKey]);
    this.#held.set(id, { budgetKeys, times, untilMs: at.nowMs + heldMs(times, at.cadenceMs) });
  }

  /** The budget keys that the image may need besides those of its last report. */
  budgetKeys(id: string): readonly string[] {
    return [...(this.#held.get(id)?.budgetKeys ?? [])];
  }

  /** When the first hosts may be tried again; 0: at any time. */
  untilMs(id: string): number {
    return this.#held.get(id)?.untilMs ?? 0;
  }

  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#held.keys()) if (!ids.has(id)) this.#held.delete(id);
  }
}

/** The budget key for which the share allowed no request; undefined: the rehearsal ended by itself. */
export function endedBefore({ verdict }: PullReport): string | undefined {
  return verdict.is === 'unknown' && verdict.fault.code === 'agent.over_budget' ? verdict.fault.registry : undefined;
}
