/** The requests that rehearsals cost: by image and budget key, and of the most expensive image of each budget key. Pure. */
import { costBefore } from './budgets.ts';

const imagesKept = 20_000;

export class Costs {
  /** Of the last rehearsal of each image that sent requests. */
  readonly #costs = new Map<string, ReadonlyMap<string, number>>();
  readonly #highest = new Map<string, number>();

  /** Returns the budget keys whose highest cost grew. */
  learn(id: string, costs: ReadonlyMap<string, number>): readonly string[] {
    if (costs.size === 0) return [];
    if (this.#costs.size < imagesKept || this.#costs.has(id)) this.#costs.set(id, costs);
    return this.#note(costs);
  }

  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#costs.keys()) if (!ids.has(id)) this.#costs.delete(id);
    this.#highest.clear();
    for (const costs of this.#costs.values()) this.#note(costs);
  }

  of(id: string, budgetKey: string): number {
    return this.#costs.get(id)?.get(budgetKey) ?? this.#highest.get(budgetKey) ?? costBefore(budgetKey);
  }

  /** In steps of two, so that small differences between agents and days do not move their slots. */
  ofBudgetKey(budgetKey: string): number {
    const before = costBefore(budgetKey);
    const doublings = Math.max(0, Math.ceil(Math.log2((this.#highest.get(budgetKey) ?? 0) / before)));
    return before * 2 ** doublings;
  }

  /** The most that the next image may cost: those that failed early, or were known already, were cheap. */
  ofReservation(budgetKey: string): number {
    return Math.max(costBefore(budgetKey), this.#highest.get(budgetKey) ?? 0);
  }

  #note(costs: ReadonlyMap<string, number>): readonly string[] {
    const higher = [...costs].filter(([budgetKey, cost]) => cost > (this.#highest.get(budgetKey) ?? 0));
    for (const [budgetKey, cost] of higher) this.#highest.set(budgetKey, cost);
    return higher.map(([budgetKey]) => budgetKey);
  }
}
