/** What images cost when they were rehearsed last, lane by lane, and what one that was not is likely to cost. */
import { costBefore } from '#pull/budgets.ts';

const imagesKept = 20_000;

export class ImageCosts {
  /** Of the last rehearsal that asked anybody anything, by lane. */
  readonly #costs = new Map<string, ReadonlyMap<string, number>>();
  /** The dearest image of a lane. */
  readonly #dearest = new Map<string, number>();

  of(id: string, lane: string): number {
    return this.#costs.get(id)?.get(lane) ?? this.dearestOf(lane);
  }

  dearestOf(lane: string): number {
    return this.#dearest.get(lane) ?? costBefore(lane);
  }

  /** In steps of two: small differences between agents and days shift nobody's moments. */
  ofLane(lane: string): number {
    const before = costBefore(lane);
    const doublings = Math.max(0, Math.ceil(Math.log2((this.#dearest.get(lane) ?? 0) / before)));
    return before * 2 ** doublings;
  }

  /** The lanes of which it is the dearest image so far. */
  remember(id: string, costs: ReadonlyMap<string, number>): readonly string[] {
    if (this.#costs.size < imagesKept || this.#costs.has(id)) this.#costs.set(id, costs);
    return this.#noteDearest(costs);
  }

  /** Images that nobody asks for any more are forgotten. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#costs.keys()) if (!ids.has(id)) this.#costs.delete(id);
    this.#dearest.clear();
    for (const costs of this.#costs.values()) this.#noteDearest(costs);
  }

  #noteDearest(costs: ReadonlyMap<string, number>): readonly string[] {
    const dearer = [...costs].filter(([lane, cost]) => cost > (this.#dearest.get(lane) ?? 0));
    for (const [lane, cost] of dearer) this.#dearest.set(lane, cost);
    return dearer.map(([lane]) => lane);
  }
}
