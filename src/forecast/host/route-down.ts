/** A host of the plan failed and another one saved the pull: one failure away from none, where it is the last. */
import type { ImageFacts } from '#forecast/facts.ts';
import { rootOf, type Fault } from '#report/fault.ts';
import { downSinceMs } from '#forecast/history/tries.ts';
import { minuteText } from '#report/time-text.ts';
import { valueAt } from '#data/value-at.ts';
import type { Prediction, ImageRule } from '#forecast/rule.ts';

export const routeDown: ImageRule = { name: 'route-down', evaluate };

function evaluate({ plan, rehearsal, history }: ImageFacts): readonly Prediction[] {
  const last = rehearsal.attempts.at(-1);
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
  return [...down].flatMap(([index, fault]): Prediction[] => {
    const route = plan.routes.ok ? plan.routes.value[index] : undefined;
    if (route === undefined || up.has(index)) return [];
    const cause = rootOf(fault).code;
    const known = valueAt(history.hosts, route.host)?.requests;
    const sinceMs = known === undefined ? undefined : downSinceMs(known);
    const since = sinceMs === undefined ? '' : ` since ${minuteText(sinceMs)}`;
    return [
      {
        about: route.authority,
        fault: cause,
        likelihood: 'possible',
        effect: 'fails',
        because: `${route.role} ${route.authority} fails${since} (${cause}); ${left === 1 ? 'only one host is' : `${left} hosts are`} left`,
        remedy: `Mend ${route.authority} or take it out of ${route.because}.`,
      },
    ];
  });
}
