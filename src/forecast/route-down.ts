/** A host of the plan failed and another one saved the pull: one failure away from none. */
import type { Forecast } from '#pull/forecast.ts';
import { rootOf, type Fault } from '#pull/fault.ts';
import type { Facts } from './foresee.ts';

export function routeDown({ plan, rehearsal }: Facts): readonly Forecast[] {
  const last = rehearsal.performances.at(-1);
  if (last?.ending.is !== 'pulled' || !plan.routes.ok || plan.routes.value.length < 2) return [];
  const down = new Map<number, Fault>();
  const up = new Set<number>();
  for (const { route, act, outcome } of last.exchanges) {
    if (act === 'token') continue;
    if (outcome.ok && outcome.value.status < 400) up.add(route);
    if (!outcome.ok) down.set(route, outcome.fault);
    else if (outcome.value.status >= 500)
      down.set(route, { code: 'api.unavailable', host: '', status: outcome.value.status, message: '' });
  }
  const left = plan.routes.value.length - down.size;
  return [...down].flatMap(([index, fault]): Forecast[] => {
    const route = plan.routes.ok ? plan.routes.value[index] : undefined;
    if (route === undefined || up.has(index)) return [];
    const cause = rootOf(fault).code;
    return [
      {
        rule: 'route-down',
        fault: cause,
        likelihood: 'possible',
        because: `${route.role} ${route.authority} fails (${cause}); ${left === 1 ? 'only one host is' : `${left} hosts are`} left`,
        remedy: `Mend ${route.authority} or take it out of ${route.because}.`,
      },
    ];
  });
}
