/**
 * Keeps what is left of this agent's share for each budget key, and decides which images may be rehearsed now. Time is an argument, and
 * images are ids: the agent and the simulation of a fleet use the same class. Pure.
 */
import { perMinuteOf } from './budgets.ts';
import { tagRestMs } from './cadence.ts';
import { isPrivateName } from './key.ts';
import { phaseOf } from './hash.ts';
import {
  affordableMs,
  affords,
  needsReservation,
  fullBucket,
  isUnused,
  roundMs,
  shareOf,
  spend,
  withReservation,
  type TokenBucket,
  type Share,
} from './share.ts';
import { Costs } from './costs.ts';

export interface Rule {
  /** The size of the fleet. */
  readonly agents: number;
  /** The budgets of the configuration, which replace the built-in ones. */
  readonly budgets: Readonly<Record<string, number>>;
  /** Reservations of scarce budget keys are shared with the fleet. */
  readonly isShared?: boolean;
}

/** An image that is due. */
export interface Asking {
  readonly id: string;
  /** Those that the rehearsal may need; more than one where a mirror did not have the image. The strictest decides. */
  readonly budgetKeys: readonly string[];
}

interface SetAside {
  readonly cost: number;
  /** For a slot taken during a rehearsal: when the slot before it was used. Restored where no request was sent. */
  readonly usedMs?: number;
}

const imagesKept = 20_000;

export class Pacer {
  readonly #node: string;
  #rule: Rule;
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #private = new Set<string>();
  readonly #costs = new Costs();
  /** The costs set aside for rehearsals under way, by image and budget key. */
  readonly #setAside = new Map<string, Map<string, SetAside>>();
  readonly #shares = new Map<string, Share>();
  readonly #perMinutes = new Map<string, number>();
  readonly #phases = new Map<string, number>();

  constructor(node: string, rule: Rule) {
    this.#node = node;
    this.#rule = rule;
  }

  rule(rule: Rule): void {
    const { agents, budgets, isShared } = this.#rule;
    if (rule.agents !== agents || rule.budgets !== budgets || rule.isShared !== isShared) this.#forgetShares();
    this.#rule = rule;
  }

  get agents(): number {
    return this.#rule.agents;
  }

  /** The host of this budget key is in a private network. */
  learnPrivate(budgetKey: string): void {
    if (this.#private.has(budgetKey) || this.#private.size >= imagesKept) return;
    this.#private.add(budgetKey);
    this.#forgetShares();
    this.#buckets.delete(budgetKey);
  }

  /** Whether the image may be rehearsed now. If so, its cost is set aside. */
  admits({ id, budgetKeys }: Asking, nowMs: number): boolean {
    this.#setAside.delete(id);
    const budgetKey = this.strictest(budgetKeys);
    if (budgetKey === undefined) return true;
    const share = this.#share(budgetKey);
    const cost = this.#costs.of(id, budgetKey);
    const bucket = this.#buckets.get(budgetKey) ?? fullBucket(share, nowMs);
    if (!affords(bucket, share, { nowMs, cost, phase: this.#phase(budgetKey) })) return false;
    this.#putAside(id, budgetKey, { cost, nowMs });
    return true;
  }

  /**
   * Whether a rehearsal under way may send requests under a further budget key. A rehearsal that was admitted under a key with rarer
   * slots may: it takes the next slot of this key in advance. So may one admitted under a key with equally rare slots, if the slot of
   * this round is unused. If the slots of this key are the rarer ones, it must be its slot now.
   */
  enters(id: string, budgetKey: string, nowMs: number): boolean {
    const aside = this.#setAside.get(id);
    if (aside?.has(budgetKey) === true) return true;
    const share = this.#share(budgetKey);
    const cost = this.#costs.of(id, budgetKey);
    const bucket = this.#buckets.get(budgetKey) ?? fullBucket(share, nowMs);
    const rarest = Math.max(0, ...[...(aside?.keys() ?? [])].map((other) => this.roundMs(other, 1)));
    const own = this.roundMs(budgetKey, 1);
    const mayContinue =
      rarest > own ||
      (rarest === own && isUnused(bucket, share, { nowMs, cost })) ||
      affords(bucket, share, { nowMs, cost, phase: this.#phase(budgetKey) });
    if (!mayContinue) return false;
    this.#putAside(id, budgetKey, { cost, nowMs, usedMs: bucket.usedMs });
    return true;
  }

  #putAside(id: string, budgetKey: string, { nowMs, ...what }: SetAside & { readonly nowMs: number }): void {
    const share = this.#share(budgetKey);
    this.#buckets.set(
      budgetKey,
      spend(this.#buckets.get(budgetKey) ?? fullBucket(share, nowMs), share, { nowMs, cost: what.cost }),
    );
    const aside = this.#setAside.get(id) ?? new Map<string, SetAside>();
    this.#setAside.set(id, aside.set(budgetKey, what));
  }

  /** Counts the requests that were sent, in place of the cost that was set aside. */
  settle(id: string, costs: ReadonlyMap<string, number>, nowMs: number): void {
    const asides = this.#setAside.get(id) ?? new Map<string, SetAside>();
    this.#setAside.delete(id);
    for (const budgetKey of new Set([...costs.keys(), ...asides.keys()])) {
      const share = this.#share(budgetKey);
      const [sent, aside] = [costs.get(budgetKey) ?? 0, asides.get(budgetKey)];
      const cost = sent - (aside?.cost ?? 0);
      const bucket = this.#buckets.get(budgetKey) ?? fullBucket(share, nowMs);
      const settled = cost === 0 ? bucket : spend(bucket, share, { nowMs, cost });
      const usedMs = sent === 0 && aside?.usedMs !== undefined ? aside.usedMs : settled.usedMs;
      this.#buckets.set(budgetKey, { ...settled, usedMs });
    }
    for (const higher of this.#costs.learn(id, costs)) this.#shares.delete(higher);
  }

  /** The requests that were sent are not known: the cost set aside stays spent. */
  abandon(id: string): void {
    this.#setAside.delete(id);
  }

  /** When the next image may be rehearsed under its strictest budget key. */
  nextMs(asking: Asking, nowMs: number): number {
    const budgetKey = this.strictest(asking.budgetKeys);
    if (budgetKey === undefined) return nowMs;
    const share = this.#share(budgetKey);
    // Wait for a full burst: otherwise each image would cause a pass of its own.
    const cost = share.is === 'bucket' ? share.burst : 1;
    const bucket = this.#buckets.get(budgetKey) ?? fullBucket(share, nowMs);
    return affordableMs(bucket, share, { nowMs, cost, phase: this.#phase(budgetKey) });
  }

  /** The reservation to request, if it is the slot to do so. */
  reservationDue(budgetKey: string, nowMs: number): { readonly perMinute: number; readonly cost: number } | undefined {
    const share = this.#share(budgetKey);
    const bucket = this.#buckets.get(budgetKey) ?? fullBucket(share, nowMs);
    if (!needsReservation(bucket, share, { nowMs, phase: this.#phase(budgetKey) })) return undefined;
    return { perMinute: this.#perMinute(budgetKey), cost: this.#costs.ofReservation(budgetKey) };
  }

  /** Records a reservation; undefined: none was available. */
  reserved(budgetKey: string, nowMs: number, reservedMs: number | undefined): void {
    this.#buckets.set(
      budgetKey,
      withReservation(this.#buckets.get(budgetKey) ?? fullBucket(this.#share(budgetKey), nowMs), nowMs, reservedMs),
    );
  }

  /** The shortest time for one rehearsal of each of `images` images. */
  roundMs(budgetKey: string, images: number): number {
    const share = this.#share(budgetKey);
    return roundMs(share, { images, cost: this.#costs.ofBudgetKey(budgetKey) });
  }

  /** The time between two requests to mirrors for each of `images` tags. */
  tagRestMs(budgetKey: string, images: number): number {
    const share = shareOf({ perMinute: this.#perMinute(budgetKey), agents: this.#rule.agents, cost: 1 });
    return tagRestMs(roundMs(share, { images, cost: 1 }));
  }

  /** The budget key whose slots are the rarest. */
  strictest(budgetKeys: readonly string[]): string | undefined {
    if (budgetKeys.length <= 1) return budgetKeys[0];
    const ranked = budgetKeys.map((budgetKey) => ({ budgetKey, betweenMs: this.roundMs(budgetKey, 1) }));
    return ranked.toSorted((a, b) => b.betweenMs - a.betweenMs)[0]?.budgetKey;
  }

  /** Forgets all images but these. */
  keep(ids: ReadonlySet<string>): void {
    this.#costs.keep(ids);
    this.#forgetShares();
  }

  #perMinute(budgetKey: string): number {
    const known = this.#perMinutes.get(budgetKey);
    if (known !== undefined) return known;
    const isPrivate = this.#private.has(budgetKey) || isPrivateName(budgetKey);
    const perMinute = perMinuteOf(budgetKey, { own: this.#rule.budgets, isPrivate });
    this.#perMinutes.set(budgetKey, perMinute);
    return perMinute;
  }

  #forgetShares(): void {
    this.#shares.clear();
    this.#perMinutes.clear();
  }

  #share(budgetKey: string): Share {
    const known = this.#shares.get(budgetKey);
    if (known !== undefined) return known;
    const share = shareOf({
      perMinute: this.#perMinute(budgetKey),
      agents: this.#rule.agents,
      cost: this.#costs.ofBudgetKey(budgetKey),
      ...(this.#rule.isShared === true ? { reservationCost: this.#costs.ofReservation(budgetKey) } : {}),
    });
    this.#shares.set(budgetKey, share);
    return share;
  }

  #phase(budgetKey: string): number {
    const known = this.#phases.get(budgetKey);
    if (known !== undefined) return known;
    const phase = phaseOf(`${this.#node} ${budgetKey}`);
    if (this.#phases.size < imagesKept) this.#phases.set(budgetKey, phase);
    return phase;
  }
}
