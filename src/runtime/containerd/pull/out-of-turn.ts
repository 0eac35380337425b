/**
 * The gate in front of each route: one that leads into another lane than the image was let into, as the origin behind a mirror that
 * failed does, is entered only where that lane's share allows it. A host whose door is shut costs nobody anything: it is tried.
 */
import { budgetKeyOf } from '#budget/key.ts';
import type { Route } from '#runtime/plan.ts';
import type { Sending } from './hop.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import { trouble, type Trouble } from '#runtime/attempt/trouble.ts';

/** What lies elsewhere has no lane. */
export async function outOfBudget(
  context: AttemptContext,
  { at: route, elsewhere }: Pick<Sending, 'at' | 'elsewhere'>,
): Promise<Trouble | undefined> {
  if (elsewhere !== undefined) return undefined;
  const budgetKey = budgetKeyOf(context.plan.image.registry, route);
  if (context.mayEnter === undefined || context.mayEnter(budgetKey) || !(await opens(context, route))) return undefined;
  return trouble({ code: 'agent.over_budget', registry: budgetKey }, '');
}

async function opens(
  { wire, signal }: AttemptContext,
  { scheme, authority, tls, dialTimeoutMs, httpsFirst }: Route,
): Promise<boolean> {
  const text = `${scheme}://${authority}`;
  // What does not open by HTTPS may be asked in plain HTTP.
  if (httpsFirst || !URL.canParse(text)) return true;
  const known = wire.targets.get(text);
  if (known !== undefined) return known;
  const probing = wire.connections
    .probe({ url: new URL(text), tls, dialTimeoutMs, signal })
    .then(({ outcome }) => outcome.ok);
  wire.targets.set(text, probing);
  return probing;
}
