/**
 * Keeps what is left of this agent's share for each lane, and says which images may be rehearsed now. It knows no clock, no wire
 * and no image but by name: the agent and the simulation of a fleet ask the same object.
 */
import { costBefore, perMinuteOf } from '#pull/budgets.ts';
import { tagRestMs } from '#pull/cadence.ts';
import { isPrivateName } from '#pull/lane.ts';
import { phaseOf } from '#pull/phase.ts';
import { affordableMs, affords, fullPurse, roundMs, shareOf, spend, type Purse, type Share } from '#pull/share.ts';

export interface Rule {
  /** Of the whole fleet. */
  readonly agents: number;
  /** What the operator allows instead of what is built in. */
  readonly budgets: Readonly<Record<string, number>>;
}

/** An image that is due. */
export interface Asking {
  readonly id: string;
  /** Whoever would be asked; more than one where a mirror did not have it. The strictest decides. */
  readonly lanes: readonly string[];
}

const imagesKept = 20_000;

export class Pacer {
  readonly #node: string;
  #rule: Rule;
  readonly #purses = new Map<string, Purse>();
  readonly #private = new Set<string>();
  /** What the last rehearsal of an image that asked anybody anything cost, by lane. */
  readonly #costs = new Map<string, ReadonlyMap<string, number>>();
  /** The dearest image of a lane. */
  readonly #dearest = new Map<string, number>();
  readonly #setAside = new Map<string, { readonly lane: string; readonly cost: number }>();
  readonly #shares = new Map<string, Share>();
  readonly #perMinutes = new Map<string, number>();
  readonly #phases = new Map<string, number>();

  constructor(node: string, rule: Rule) {
    this.#node = node;
    this.#rule = rule;
  }

  rule(rule: Rule): void {
    if (rule.agents !== this.#rule.agents || rule.budgets !== this.#rule.budgets) this.#forgetShares();
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
    const lane = this.strictest(lanes);
    if (lane === undefined) return true;
    const share = this.#share(lane);
    const cost = this.#costOf(id, lane);
    const purse = this.#purses.get(lane) ?? fullPurse(share, nowMs);
    if (!affords(purse, share, { nowMs, cost, phase: this.#phase(lane) })) return false;
    this.#purses.set(lane, spend(purse, share, { nowMs, cost }));
    this.#setAside.set(id, { lane, cost });
    return true;
  }

  /** What it really cost; nothing where nobody was asked anything. */
  settle(id: string, costs: ReadonlyMap<string, number>, nowMs: number): void {
    const aside = this.#setAside.get(id);
    this.#setAside.delete(id);
    for (const lane of new Set([...costs.keys(), ...(aside === undefined ? [] : [aside.lane])])) {
      const share = this.#share(lane);
      const cost = (costs.get(lane) ?? 0) - (aside?.lane === lane ? aside.cost : 0);
      if (cost === 0) continue;
      const purse = this.#purses.get(lane) ?? fullPurse(share, nowMs);
      this.#purses.set(lane, spend(purse, share, { nowMs, cost }));
    }
    if (costs.size > 0) this.#remember(id, costs);
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

  /** How long a round over so many images of a lane takes at best. */
  roundMs(lane: string, images: number): number {
    const share = this.#share(lane);
    return roundMs(share, { images, cost: this.#laneCost(lane) });
  }

  /** Between two questions to mirrors for each of so many tags of a lane. */
  tagRestMs(lane: string, images: number): number {
    const share = shareOf({ perMinute: this.#perMinute(lane), agents: this.#rule.agents, cost: 1 });
    return tagRestMs(roundMs(share, { images, cost: 1 }));
  }

  /** Of these, the lane with the smallest budget. */
  strictest(lanes: readonly string[]): string | undefined {
    if (lanes.length <= 1) return lanes[0];
    const ranked = lanes.map((lane) => ({ lane, perMinute: this.#perMinute(lane) }));
    return ranked.toSorted((a, b) => a.perMinute - b.perMinute)[0]?.lane;
  }

  /** Images that nobody asks for any more are forgotten. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#costs.keys()) if (!ids.has(id)) this.#costs.delete(id);
    this.#dearest.clear();
    this.#forgetShares();
    for (const costs of this.#costs.values()) this.#noteDearest(costs);
  }

  #remember(id: string, costs: ReadonlyMap<string, number>): void {
    if (this.#costs.size < imagesKept || this.#costs.has(id)) this.#costs.set(id, costs);
    this.#noteDearest(costs);
  }

  #noteDearest(costs: ReadonlyMap<string, number>): void {
    for (const [lane, cost] of costs) {
      if (cost <= (this.#dearest.get(lane) ?? 0)) continue;
      this.#dearest.set(lane, cost);
      this.#shares.delete(lane);
    }
  }

  #costOf(id: string, lane: string): number {
    return this.#costs.get(id)?.get(lane) ?? this.#dearest.get(lane) ?? costBefore(lane);
  }

  /** In steps of two: small differences between agents and days shift nobody's moments. */
  #laneCost(lane: string): number {
    const before = costBefore(lane);
    const doublings = Math.max(0, Math.ceil(Math.log2((this.#dearest.get(lane) ?? 0) / before)));
    return before * 2 ** doublings;
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
      cost: this.#laneCost(lane),
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
