/** What a host is to one pull, and who would stand in for it. */
import { hostOf } from '#forecast/history/hosts.ts';
import type { PullPlan } from '#runtime/plan.ts';
import type { Exchange, Rehearsal, TlsFacts } from '#report/rehearsal.ts';

/** Other hosts of the plan that the runtime would go on to where this one fails; empty for a token service or a CDN. */
export function othersThan(plan: PullPlan, host: string): readonly string[] {
  const routes = plan.routes.ok ? plan.routes.value : [];
  if (!routes.some((route) => route.host === host)) return [];
  const others = routes.filter((route) => route.host !== host && route.mayPull && route.mayResolve);
  return [...new Set(others.map((route) => route.host))];
}

/** `; other.test would stand in`, or nothing. */
export function standIns(others: readonly string[]): string {
  return others.length === 0 ? '' : `; ${others.join(', ')} would stand in`;
}

export function exchangesOf({ attempts }: Rehearsal): readonly Exchange[] {
  return attempts.flatMap(({ exchanges }) => exchanges);
}

/** Every certificate that was shown and could be read, also by addresses that the pull did not use. */
export function certificatesIn(rehearsal: Rehearsal): readonly { readonly host: string; readonly tls: TlsFacts }[] {
  const steps = exchangesOf(rehearsal).flatMap((exchange) => exchange.steps);
  const shown = steps.flatMap((step) =>
    step.step === 'tls' && step.outcome.ok ? [{ host: step.target, tls: step.outcome.value }] : [],
  );
  const judged = rehearsal.evidence.flatMap(({ of, host, outcome }) =>
    of === 'address' && outcome.ok && outcome.value.tls !== undefined ? [{ host, tls: outcome.value.tls }] : [],
  );
  return [...shown, ...judged];
}

/** Hosts that this pull asked, by name. */
export function hostsAsked(rehearsal: Rehearsal): ReadonlySet<string> {
  return new Set(exchangesOf(rehearsal).map(({ url }) => hostOf(url)));
}
