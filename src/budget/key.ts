/**
 * Lanes: whose budget a request is counted in. A registry is one lane whatever its hosts are called and wherever it redirects to;
 * a mirror is one of its own, for it may have another owner.
 */
import { parseAddress } from '#go/ip.ts';
import type { Outcome } from '#report/outcome.ts';
import { isInward } from '#registry/http/token-realm.ts';
import type { Exchange } from '#report/rehearsal.ts';
import type { PublicRoute, PullReport } from '#report/report.ts';

/** `docker.io`, `mirror.corp.example:5000`. */
export function budgetKeyOf(
  registry: string,
  route: { readonly role: PublicRoute['role']; readonly authority: string },
): string {
  const name = (route.role === 'mirror' ? route.authority : registry).toLowerCase();
  return /(^|\.)docker\.io(:443)?$/.test(name) ? 'docker.io' : name;
}

/** A name that only a private network can resolve, or an address in one. */
export function isPrivateName(budgetKey: string): boolean {
  const host = budgetKey.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (isInward(host)) return true;
  if (parseAddress(host) !== undefined) return false;
  return !host.includes('.') || /\.(local|internal|lan|home\.arpa|svc|test)$/.test(host);
}

/** What one rehearsal asked of whom: requests that were sent, by lane. */
export function costsOf({ registry, plan, attempts, evidence }: PullReport): ReadonlyMap<string, number> {
  const costs = new Map<string, number>();
  for (const { asked = {} } of evidence)
    for (const [budgetKey, count] of Object.entries(asked)) costs.set(budgetKey, (costs.get(budgetKey) ?? 0) + count);
  if (registry === undefined || plan === undefined) return costs;
  for (const exchange of attempts.flatMap(({ exchanges }) => exchanges)) {
    const route = plan.routes[exchange.route];
    if (route === undefined || !wasSent(exchange) || isElsewhere(exchange, route)) continue;
    const budgetKey = budgetKeyOf(registry, { role: route.role, authority: authorityOf(route.url) });
    costs.set(budgetKey, (costs.get(budgetKey) ?? 0) + 1);
  }
  return costs;
}

/** A blob host that the registry redirects to bears it, not the registry. */
function isElsewhere({ act, url }: Exchange, route: PublicRoute): boolean {
  if (act !== 'config' && act !== 'layer') return false;
  return authorityOf(url).toLowerCase() !== authorityOf(route.url).toLowerCase();
}

/** Lanes whose host turned out to be in a private network. */
export function privateBudgetKeys({ registry, plan, attempts }: PullReport): ReadonlySet<string> {
  const found = new Set<string>();
  if (registry === undefined || plan === undefined) return found;
  for (const exchange of attempts.flatMap(({ exchanges }) => exchanges)) {
    const route = plan.routes[exchange.route];
    if (route === undefined) continue;
    const authority = authorityOf(route.url);
    const host = `${authority.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')}:`;
    const near = exchange.steps.some(
      (step) =>
        step.step === 'tcp' && step.outcome.ok && step.target.startsWith(host) && isInward(step.outcome.value.address),
    );
    if (near) found.add(budgetKeyOf(registry, { role: route.role, authority }));
  }
  return found;
}

/** False where no connection could be opened: nobody was asked anything. */
export function wasSent({ steps, outcome }: Pick<Exchange, 'steps'> & { readonly outcome: Outcome<unknown> }): boolean {
  if (outcome.ok) return true;
  if (steps.length > 0) return steps.every((step) => step.outcome.ok);
  return !/^(dns|tcp|tls|proxy|agent)\./.test(outcome.fault.code);
}

function authorityOf(url: string): string {
  return /^[a-z]+:\/\/([^/]*)/i.exec(url)?.[1] ?? url;
}
