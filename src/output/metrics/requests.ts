/** What the agent's own manners come to: what it asked of whom, what that cost, and how far its fleet is stretched. */
import type { Registry } from 'prom-client';
import { Counter, Gauge } from 'prom-client';
import type { NameCap } from './gauges.ts';

/** Of one lane: a registry, or a mirror. */
interface Spending {
  readonly budgetKey: string;
  readonly requests: Readonly<Record<string, number>>;
  readonly pulls: number;
  readonly rateLimits: number;
}

export interface PaceSource {
  /** What was asked so far; only grows. */
  readonly spent: () => readonly Spending[];
  readonly pace: () => {
    readonly agents: number;
    readonly cadences: readonly { readonly budgetKey: string; readonly cadenceMs: number }[];
  };
}

export function addPace(registry: Registry, { spent, pace }: PaceSource, names: NameCap): void {
  registry.registerMetric(
    new Counter({
      name: 'drypull_requests_total',
      help: 'HTTP requests that were sent, by the registry or mirror in whose name and by kind: head, get_manifest, get_blob, token, ping.',
      labelNames: ['registry', 'kind'],
      registers: [],
      collect() {
        this.reset();
        for (const { budgetKey, requests } of spent()) {
          for (const [kind, count] of Object.entries(requests)) this.inc({ registry: names(budgetKey), kind }, count);
        }
      },
    }),
  );
  perBudgetKey(registry, names, {
    name: 'drypull_pulls_spent_total',
    help: 'Requests that cost quota of a registry that counts pulls. 0: drypull spends none.',
    read: () => spent().map(({ budgetKey, pulls }) => [budgetKey, pulls]),
  });
  perBudgetKey(registry, names, {
    name: 'drypull_self_inflicted_rate_limits_total',
    help: "Answers 429 that drypull's own requests met.",
    read: () => spent().map(({ budgetKey, rateLimits }) => [budgetKey, rateLimits]),
  });
  registry.registerMetric(
    new Gauge({
      name: 'drypull_fleet_agents',
      help: 'Agents that share the budgets of registries, as far as this one knows.',
      registers: [],
      collect() {
        this.set(pace().agents);
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'drypull_cadence_seconds',
      help: 'How long it takes at best to ask a registry for each of its images on this node once: the schedule, or longer where the budget of the fleet stretches it.',
      labelNames: ['registry'],
      registers: [],
      collect() {
        this.reset();
        const longest = new Map<string, number>();
        for (const { budgetKey, cadenceMs } of pace().cadences) {
          longest.set(names(budgetKey), Math.max(cadenceMs, longest.get(names(budgetKey)) ?? 0));
        }
        for (const [name, ms] of longest) this.set({ registry: name }, ms / 1000);
      },
    }),
  );
}

function perBudgetKey(
  registry: Registry,
  names: NameCap,
  counter: {
    readonly name: string;
    readonly help: string;
    readonly read: () => readonly (readonly [budgetKey: string, count: number])[];
  },
): void {
  registry.registerMetric(
    new Counter({
      name: counter.name,
      help: counter.help,
      labelNames: ['registry'],
      registers: [],
      collect() {
        this.reset();
        for (const [budgetKey, count] of counter.read()) this.inc({ registry: names(budgetKey) }, count);
      },
    }),
  );
}
