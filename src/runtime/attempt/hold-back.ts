/** Requests that are not sent, to protect the node's quota at a registry or the fleet's budget for it. */
import { budgetKeyOf } from '#budget/key.ts';
import type { Route } from '#runtime/plan.ts';
import type { AttemptContext } from './context.ts';
import { isMetered } from './metered.ts';
import type { Request, Withheld } from './request.ts';

/** Every request for a manifest passes here: a registry that counts pulls counts each GET of a manifest. */
export function spendsQuota(
  context: AttemptContext,
  request: Pick<Request, 'method' | 'object' | 'route' | 'at'>,
): Withheld | undefined {
  const { method, object, route, at } = request;
  if (method === 'HEAD' || !object.startsWith('manifests/') || !isMetered(context, route)) return undefined;
  const what = 'only a GET of the manifest could tell';
  return { is: 'withheld', fault: { code: 'agent.spends_quota', host: at.authority, what } };
}

/**
 * A route of another budget key, such as the origin behind a mirror that failed, gets a request only where that budget allows it. A host
 * that accepts no connection costs its registry nothing: it is tried.
 */
export async function overBudget(
  context: AttemptContext,
  { at, foreignUrl }: Pick<Request, 'at' | 'foreignUrl'>,
): Promise<Withheld | undefined> {
  if (foreignUrl !== undefined || context.mayRequest === undefined) return undefined;
  const budgetKey = budgetKeyOf(context.plan.image.registry, at);
  if (context.mayRequest(budgetKey) || !(await isReachable(context, at))) return undefined;
  return { is: 'withheld', fault: { code: 'agent.over_budget', registry: budgetKey } };
}

async function isReachable({ wire, signal }: AttemptContext, route: Route): Promise<boolean> {
  const { scheme, authority, tls, dialTimeoutMs, httpsFirst } = route;
  const origin = `${scheme}://${authority}`;
  // What does not open by HTTPS may be requested in plain HTTP.
  if (httpsFirst || !URL.canParse(origin)) return true;
  const known = wire.pass.reachable.get(origin);
  if (known !== undefined) return known;
  const probing = wire.connections
    .probe({ url: new URL(origin), tls, dialTimeoutMs, signal })
    .then(({ outcome }) => outcome.ok);
  wire.pass.reachable.set(origin, probing);
  return probing;
}
