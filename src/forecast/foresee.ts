/** door: runs every rule over what one rehearsal saw. A rule that throws becomes one forecast of ours, and the rest go on. */
import type { Forecast } from '#pull/forecast.ts';
import type { PullPlan } from '#pull/plan.ts';
import type { Rehearsal } from '#pull/rehearsal.ts';
import { addressDown } from './address-down.ts';
import { certificateExpires } from './certificate-expires.ts';
import { clockSkews } from './clock-skews.ts';
import { nameServerDown } from './name-server-down.ts';
import { rateLimitNears } from './rate-limit-nears.ts';
import { routeDown } from './route-down.ts';

export interface Facts {
  readonly plan: PullPlan;
  readonly rehearsal: Rehearsal;
  readonly now: Date;
}

export type Rule = (facts: Facts) => readonly Forecast[];

export const rules: Readonly<Record<string, Rule>> = {
  'certificate-expires': certificateExpires,
  'rate-limit-nears': rateLimitNears,
  'route-down': routeDown,
  'address-down': addressDown,
  'name-server-down': nameServerDown,
  'clock-skews': clockSkews,
};

export function foresee(facts: Facts): readonly Forecast[] {
  return Object.entries(rules).flatMap(([rule, apply]) => {
    try {
      return apply(facts);
    } catch (error) {
      const what = error instanceof Error ? error.name : 'unknown';
      return [
        {
          rule,
          fault: 'agent.bug' as const,
          likelihood: 'possible' as const,
          because: `the rule itself failed (${what})`,
          remedy: 'Report this to the drypull project.',
        },
      ];
    }
  });
}
