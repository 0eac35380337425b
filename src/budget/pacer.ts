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
  asksForTurn,
  fullPurse,
  isUnused,
  roundMs,
  shareOf,
  spend,
  withTurn,
  type Purse,
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
  readonly lanes: readonly string[];
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
  readonly #purses = new Map<string, Purse>();
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
  learnPrivate(lane: string): void {
    if (this.#private.has(lane) || this.#private.size >= imagesKept) return;
    this.#private.add(lane);
    this.#forgetShares();
    this.#purses.delete(lane);
  }

  /** May it go now? What it will cost is set aside. */
  admits({ id, lanes }: Asking, nowMs: number): boolean {
    this.#setAside.delete(id);
    const lane = this.strictest(lanes);
    if (lane === undefined) return true;
    const share = this.#share(lane);
    const cost = this.#costs.of(id, lane);
    const purse = this.#purses.get(lane) ?? fullPurse(share, nowMs);
    if (!affords(purse, share, { nowMs, cost, phase: this.#phase(lane) })) return false;
    this.#putAside(id, lane, { cost, nowMs });
    return true;
  }

  /**
   * An image that is under way is about to be asked for in this lane. Whom a rarer turn than this lane's let in may go on: it takes
   * the lane's next moment beforehand, as it does after one that is as rare, where this round's was not taken yet. Where turns
   * here are the rarer ones, now must be the moment of one.
   */
  enters(id: string, lane: string, nowMs: number): boolean {
    const aside = this.#setAside.get(id);
    if (aside?.has(lane) === true) return true;
    const share = this.#share(lane);
    const cost = this.#costs.of(id, lane);
    const purse = this.#purses.get(lane) ?? fullPurse(share, nowMs);
    const rarest = Math.max(0, ...[...(aside?.keys() ?? [])].map((other) => this.roundMs(other, 1)));
    const between = this.roundMs(lane, 1);
    const mayGoOn =
      rarest > between ||
      (rarest === between && isUnused(purse, share, { nowMs, cost })) ||
      affords(purse, share, { nowMs, cost, phase: this.#phase(lane) });
    if (!mayGoOn) return false;
    this.#putAside(id, lane, { cost, nowMs, usedMs: purse.usedMs });
    return true;
  }

  #putAside(id: string, lane: string, { nowMs, ...what }: SetAside & { readonly nowMs: number }): void {
    const share = this.#share(lane);
    this.#purses.set(lane, spend(this.#purses.get(lane) ?? fullPurse(share, nowMs), share, { nowMs, cost: what.cost }));
    const aside = this.#setAside.get(id) ?? new Map<string, SetAside>();
    this.#setAside.set(id, aside.set(lane, what));
  }

  /** What it really cost; nothing where nobody was asked anything. */
  settle(id: string, costs: ReadonlyMap<string, number>, nowMs: number): void {
    const asides = this.#setAside.get(id) ?? new Map<string, SetAside>();
    this.#setAside.delete(id);
    for (const lane of new Set([...costs.keys(), ...asides.keys()])) {
      const share = this.#share(lane);
      const [sent, aside] = [costs.get(lane) ?? 0, asides.get(lane)];
      const cost = sent - (aside?.cost ?? 0);
      const purse = this.#purses.get(lane) ?? fullPurse(share, nowMs);
      const settled = cost === 0 ? purse : spend(purse, share, { nowMs, cost });
      const usedMs = sent === 0 && aside?.usedMs !== undefined ? aside.usedMs : settled.usedMs;
      this.#purses.set(lane, { ...settled, usedMs });
    }
    for (const dearer of this.#costs.learn(id, costs)) this.#shares.delete(dearer);
  }

  /** What came of it is not known: what was set aside stays spent. */
  abandon(id: string): void {
    this.#setAside.delete(id);
  }

  /** When one more image of this lane may go. */
  nextMs(asking: Asking, nowMs: number): number {
    const lane = this.strictest(asking.lanes);
    if (lane === undefined) return nowMs;
    const share = this.#share(lane);
    // A whole share at once, rather than image by image.
    const cost = share.is === 'bucket' ? share.burst : 1;
    const purse = this.#purses.get(lane) ?? fullPurse(share, nowMs);
    return affordableMs(purse, share, { nowMs, cost, phase: this.#phase(lane) });
  }

  /** What to book a turn for, where now is the moment to do so. */
  turnToBook(lane: string, nowMs: number): { readonly perMinute: number; readonly cost: number } | undefined {
    const share = this.#share(lane);
    const purse = this.#purses.get(lane) ?? fullPurse(share, nowMs);
    if (!asksForTurn(purse, share, { nowMs, phase: this.#phase(lane) })) return undefined;
    return { perMinute: this.#perMinute(lane), cost: this.#costs.ofTurn(lane) };
  }

  /** The turn that was booked; undefined: there was none. */
  booked(lane: string, nowMs: number, turnMs: number | undefined): void {
    this.#purses.set(lane, withTurn(this.#purses.get(lane) ?? fullPurse(this.#share(lane), nowMs), nowMs, turnMs));
  }

  /** How long a round over so many images of a lane takes at best. */
  roundMs(lane: string, images: number): number {
    const share = this.#share(lane);
    return roundMs(share, { images, cost: this.#costs.ofLane(lane) });
  }

  /** Between two questions to mirrors for each of so many tags of a lane. */
  tagRestMs(lane: string, images: number): number {
    const share = shareOf({ perMinute: this.#perMinute(lane), agents: this.#rule.agents, cost: 1 });
    return tagRestMs(roundMs(share, { images, cost: 1 }));
  }

  /** Of these, the lane whose turns are the rarest. */
  strictest(lanes: readonly string[]): string | undefined {
    if (lanes.length <= 1) return lanes[0];
    const ranked = lanes.map((lane) => ({ lane, betweenMs: this.roundMs(lane, 1) }));
    return ranked.toSorted((a, b) => b.betweenMs - a.betweenMs)[0]?.lane;
  }

  /** Images that nobody asks for any more are forgotten. */
  keep(ids: ReadonlySet<string>): void {
    this.#costs.keep(ids);
    this.#forgetShares();
  }

  #perMinute(lane: string): number {
    const known = this.#perMinutes.get(lane);
    if (known !== undefined) return known;
    const isPrivate = this.#private.has(lane) || isPrivateName(lane);
    const perMinute = perMinuteOf(lane, { own: this.#rule.budgets, isPrivate });
    this.#perMinutes.set(lane, perMinute);
    return perMinute;
  }

  #forgetShares(): void {
    this.#shares.clear();
    this.#perMinutes.clear();
  }

  #share(lane: string): Share {
    const known = this.#shares.get(lane);
    if (known !== undefined) return known;
    const share = shareOf({
      perMinute: this.#perMinute(lane),
      agents: this.#rule.agents,
      cost: this.#costs.ofLane(lane),
      ...(this.#rule.together === true ? { turnCost: this.#costs.ofTurn(lane) } : {}),
    });
    this.#shares.set(lane, share);
    return share;
  }

  #phase(lane: string): number {
    const known = this.#phases.get(lane);
    if (known !== undefined) return known;
    const phase = phaseOf(`${this.#node} ${lane}`);
    if (this.#phases.size < imagesKept) this.#phases.set(lane, phase);
    return phase;
  }
}
