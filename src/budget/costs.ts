/** What rehearsals cost: requests of an image by lane, and of the dearest image of each. */
import { costBefore } from './budgets.ts';

const imagesKept = 20_000;

export class Costs {
  /** Of the last rehearsal of an image that asked anybody anything. */
  readonly #costs = new Map<string, ReadonlyMap<string, number>>();
  readonly #dearest = new Map<string, number>();

  /** Lanes in which nothing was as dear before. */
  learn(id: string, costs: ReadonlyMap<string, number>): readonly string[] {
    if (costs.size === 0) return [];
    if (this.#costs.size < imagesKept || this.#costs.has(id)) this.#costs.set(id, costs);
    return this.#note(costs);
  }

  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#costs.keys()) if (!ids.has(id)) this.#costs.delete(id);
    this.#dearest.clear();
    for (const costs of this.#costs.values()) this.#note(costs);
  }

  of(id: string, budgetKey: string): number {
    return this.#costs.get(id)?.get(budgetKey) ?? this.#dearest.get(budgetKey) ?? costBefore(budgetKey);
  }

  /** In steps of two: small differences between agents and days shift nobody's moments. */
  ofBudgetKey(budgetKey: string): number {
    const before = costBefore(budgetKey);
    const doublings = Math.max(0, Math.ceil(Math.log2((this.#dearest.get(budgetKey) ?? 0) / before)));
    return before * 2 ** doublings;
  }

  /** What failed early, or was known already, was cheap: the next one need not be. */
  ofTurn(budgetKey: string): number {
    return Math.max(costBefore(budgetKey), this.#dearest.get(budgetKey) ?? 0);
  }

  #note(costs: ReadonlyMap<string, number>): readonly string[] {
    const dearer = [...costs].filter(([budgetKey, cost]) => cost > (this.#dearest.get(budgetKey) ?? 0));
    for (const [budgetKey, cost] of dearer) this.#dearest.set(budgetKey, cost);
    return dearer.map(([budgetKey]) => budgetKey);
  }
}
