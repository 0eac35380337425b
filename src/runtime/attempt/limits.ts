/** Hosts, and logins at hosts, that said "too many": nothing on this node asks them again before the time has come. Bounded. */
import { backOffMs } from '#budget/back-off.ts';
import type { FaultOf } from '#report/fault.ts';

type Limited = FaultOf<'api.rate_limited'>;

interface Limit {
  readonly fault: Limited;
  readonly untilMs: number;
  /** In a row. */
  readonly strikes: number;
}

const most = 1_000;

export class Limits {
  readonly #limits = new Map<string, Limit>();
  readonly #random: () => number;

  constructor(random: () => number = () => 0) {
    this.#random = random;
  }

  /** What this place said, while it still holds. `nowMs` only grows. */
  at(place: string, nowMs: number): Limited | undefined {
    const limit = this.#limits.get(place);
    return limit !== undefined && nowMs < limit.untilMs ? limit.fault : undefined;
  }

  /** Several that ask at once hear the same word: it is one strike. */
  keep(place: string, fault: Limited, nowMs: number): void {
    const before = this.#limits.get(place);
    if (before !== undefined && nowMs < before.untilMs) return;
    const strikes = (before?.strikes ?? 0) + 1;
    const untilMs = nowMs + backOffMs(fault.limit, { strikes, dice: this.#random() });
    this.#limits.delete(place);
    this.#limits.set(place, { fault, untilMs, strikes });
    for (const oldest of this.#limits.keys()) {
      if (this.#limits.size <= most) return;
      this.#limits.delete(oldest);
    }
  }

  /** It served somebody again. */
  lift(place: string, nowMs: number): void {
    const limit = this.#limits.get(place);
    if (limit !== undefined && nowMs >= limit.untilMs) this.#limits.delete(place);
  }
}
