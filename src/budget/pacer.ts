/**
 * Keeps what is left of this agent's share for each lane, and says which images may be rehearsed now. It knows no clock, no wire
 * and no image but by name: the agent and the simulation of a fleet ask the same object.
 */
import { perMinuteOf } from './budgets.ts';
import { tagRestMs } from './cadence.ts';
import { isPrivateName } from './key.ts';
import { phaseOf } from './phase.ts';
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
  /** Of the whole fleet. */
  readonly agents: number;
  /** What the operator allows instead of what is built in. */
  readonly budgets: Readonly<Record<string, number>>;
  /** Turns of scarce lanes can be booked with all others. */
  readonly together?: boolean;
}

/** An image that is due. */
export interface Asking {
  readonly id: string;
  /** Whoever would be asked; more than one where a mirror did not have it. The strictest decides. */
  readonly budgetKeys: readonly string[];
}

interface SetAside {
  readonly cost: number;
  /** Taken on the way: the moment comes back where nobody was asked after all. This is when one was used before. */
  readonly usedMs?: number;
}

const imagesKept = 20_000;

export class Pacer {
  readonly #node: string;
  #rule: Rule;
  readonly #purses = new Map<string, TokenBucket>();
  readonly #private = new Set<string>();
  readonly #costs = new Costs();
  /** For images that are under way: in which lanes how much. */
  readonly #setAside = new Map<string, Map<string, SetAside>>();
  readonly #shares = new Map<string, Share>();
  readonly #perMinutes = new Map<string, number>();
  readonly #phases = new Map<string, number>();

  constructor(node: string, rule: Rule) {
    this.#node = node;
    this.#rule = rule;
  }

  rule(rule: Rule): void {
    const { agents, budgets, together } = this.#rule;
    if (rule.agents !== agents || rule.budgets !== budgets || rule.together !== together) this.#forgetShares();
    this.#rule = rule;
  }

  get agents(): number {
    return this.#rule.agents;
  }

  /** This lane's host is in a private network. */
  learnPrivate(budgetKey: string): void {
    if (this.#private.has(budgetKey) || this.#private.size >= imagesKept) return;
    this.#private.add(budgetKey);
    this.#forgetShares();
    this.#purses.delete(budgetKey);
  }

  /** May it go now? What it will cost is set aside. */
  admits({ id, budgetKeys }: Asking, nowMs: number): boolean {
    this.#setAside.delete(id);
    const budgetKey = this.strictest(budgetKeys);
    if (budgetKey === undefined) return true;
    const share = this.#share(budgetKey);
    const cost = this.#costs.of(id, budgetKey);
    const bucket = this.#purses.get(budgetKey) ?? fullBucket(share, nowMs);
    if (!affords(bucket, share, { nowMs, cost, phase: this.#phase(budgetKey) })) return false;
    this.#putAside(id, budgetKey, { cost, nowMs });
    return true;
  }

  /**
   * An image that is under way is about to be asked for in this lane. Whom a rarer turn than this lane's let in may go on: it takes
   * the lane's next moment beforehand, as it does after one that is as rare, where this round's was not taken yet. Where turns
   * here are the rarer ones, now must be the moment of one.
   */
  enters(id: string, budgetKey: string, nowMs: number): boolean {
    const aside = this.#setAside.get(id);
    if (aside?.has(budgetKey) === true) return true;
    const share = this.#share(budgetKey);
    const cost = this.#costs.of(id, budgetKey);
    const bucket = this.#purses.get(budgetKey) ?? fullBucket(share, nowMs);
    const rarest = Math.max(0, ...[...(aside?.keys() ?? [])].map((other) => this.roundMs(other, 1)));
    const between = this.roundMs(budgetKey, 1);
    const mayGoOn =
      rarest > between ||
      (rarest === between && isUnused(bucket, share, { nowMs, cost })) ||
      affords(bucket, share, { nowMs, cost, phase: this.#phase(budgetKey) });
    if (!mayGoOn) return false;
    this.#putAside(id, budgetKey, { cost, nowMs, usedMs: bucket.usedMs });
    return true;
  }

  #putAside(id: string, budgetKey: string, { nowMs, ...what }: SetAside & { readonly nowMs: number }): void {
    const share = this.#share(budgetKey);
    this.#purses.set(
      budgetKey,
      spend(this.#purses.get(budgetKey) ?? fullBucket(share, nowMs), share, { nowMs, cost: what.cost }),
    );
    const aside = this.#setAside.get(id) ?? new Map<string, SetAside>();
    this.#setAside.set(id, aside.set(budgetKey, what));
  }

  /** What it really cost; nothing where nobody was asked anything. */
  settle(id: string, costs: ReadonlyMap<string, number>, nowMs: number): void {
    const asides = this.#setAside.get(id) ?? new Map<string, SetAside>();
    this.#setAside.delete(id);
    for (const budgetKey of new Set([...costs.keys(), ...asides.keys()])) {
      const share = this.#share(budgetKey);
      const [sent, aside] = [costs.get(budgetKey) ?? 0, asides.get(budgetKey)];
      const cost = sent - (aside?.cost ?? 0);
      const bucket = this.#purses.get(budgetKey) ?? fullBucket(share, nowMs);
      const settled = cost === 0 ? bucket : spend(bucket, share, { nowMs, cost });
      const usedMs = sent === 0 && aside?.usedMs !== undefined ? aside.usedMs : settled.usedMs;
      this.#purses.set(budgetKey, { ...settled, usedMs });
    }
    for (const dearer of this.#costs.learn(id, costs)) this.#shares.delete(dearer);
  }

  /** What came of it is not known: what was set aside stays spent. */
  abandon(id: string): void {
    this.#setAside.delete(id);
  }

  /** When one more image of this lane may go. */
  nextMs(asking: Asking, nowMs: number): number {
    const budgetKey = this.strictest(asking.budgetKeys);
    if (budgetKey === undefined) return nowMs;
    const share = this.#share(budgetKey);
    // A whole share at once, rather than image by image.
    const cost = share.is === 'bucket' ? share.burst : 1;
    const bucket = this.#purses.get(budgetKey) ?? fullBucket(share, nowMs);
    return affordableMs(bucket, share, { nowMs, cost, phase: this.#phase(budgetKey) });
  }

  /** What to book a turn for, where now is the moment to do so. */
  reservationDue(budgetKey: string, nowMs: number): { readonly perMinute: number; readonly cost: number } | undefined {
    const share = this.#share(budgetKey);
    const bucket = this.#purses.get(budgetKey) ?? fullBucket(share, nowMs);
    if (!needsReservation(bucket, share, { nowMs, phase: this.#phase(budgetKey) })) return undefined;
    return { perMinute: this.#perMinute(budgetKey), cost: this.#costs.ofTurn(budgetKey) };
  }

  /** The turn that was booked; undefined: there was none. */
  booked(budgetKey: string, nowMs: number, reservedMs: number | undefined): void {
    this.#purses.set(
      budgetKey,
      withReservation(this.#purses.get(budgetKey) ?? fullBucket(this.#share(budgetKey), nowMs), nowMs, reservedMs),
    );
  }

  /** How long a round over so many images of a lane takes at best. */
  roundMs(budgetKey: string, images: number): number {
    const share = this.#share(budgetKey);
    return roundMs(share, { images, cost: this.#costs.ofBudgetKey(budgetKey) });
  }

  /** Between two questions to mirrors for each of so many tags of a lane. */
  tagRestMs(budgetKey: string, images: number): number {
    const share = shareOf({ perMinute: this.#perMinute(budgetKey), agents: this.#rule.agents, cost: 1 });
    return tagRestMs(roundMs(share, { images, cost: 1 }));
  }

  /** Of these, the lane whose turns are the rarest. */
  strictest(budgetKeys: readonly string[]): string | undefined {
    if (budgetKeys.length <= 1) return budgetKeys[0];
    const ranked = budgetKeys.map((budgetKey) => ({ budgetKey, betweenMs: this.roundMs(budgetKey, 1) }));
    return ranked.toSorted((a, b) => b.betweenMs - a.betweenMs)[0]?.budgetKey;
  }

  /** Images that nobody asks for any more are forgotten. */
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
      ...(this.#rule.together === true ? { reservationCost: this.#costs.ofTurn(budgetKey) } : {}),
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
