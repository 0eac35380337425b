/**
 * How many HTTP requests a minute a whole fleet may send to a registry, and the reason. A registry counts addresses or accounts, not
 * nodes, and the kubelets' own pulls have priority: each number is a small part of the registry's known limit. Pure.
 */
import { valueAt } from '#data/value-at.ts';
import { budgets } from './registries.ts';

/** Challenge, token, HEAD, index, manifest, image config and some layers. */
const usualCost = 12;

/**
 * The assumed cost of an image before the first rehearsal at that registry. The cost is never less afterwards: agents that learned it
 * at different times would have different slots, and no longer be spread evenly.
 */
export function costBefore(registry: string): number {
  return budgets.find((budget) => budget.registry === registry)?.cost ?? usualCost;
}

/** The budget of a registry: the configuration before the built-in number, the narrower name before the wider. */
export function perMinuteOf(
  registry: string,
  { own, isPrivate }: { readonly own: Readonly<Record<string, number>>; readonly isPrivate: boolean },
): number {
  const host = registry.replace(/:\d+$/, '').toLowerCase();
  const find = (name: string): number | undefined =>
    valueAt(own, name) ?? budgets.find((budget) => budget.registry === name)?.perMinute;
  const labels = host.split('.');
  const wider = labels.slice(1).map((_, i) => `*.${labels.slice(i + 1).join('.')}`);
  for (const name of [registry, host, ...wider]) {
    const found = find(name);
    if (found !== undefined) return found;
  }
  return find(isPrivate ? 'private' : '*') ?? 1;
}
