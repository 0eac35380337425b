/** Hosts, and logins at hosts, that answered 429: this agent sends them nothing until the limit ends. Bounded. */
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

  /** The limit of this place, while it holds. `nowMs` only grows. */
  at(place: string, nowMs: number): Limited | undefined {
    const limit = this.#limits.get(place);
    return limit !== undefined && nowMs < limit.untilMs ? limit.fault : undefined;
  }

  /** Requests that are in flight together get the same limit: it is one strike. */
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

  /** The place served a request again. */
  lift(place: string, nowMs: number): void {
    const limit = this.#limits.get(place);
    if (limit !== undefined && nowMs >= limit.untilMs) this.#limits.delete(place);
  }
}
