/**
 * The gate in front of each route: one that leads into another lane than the image was let into, as the origin behind a mirror that
 * failed does, is entered only where that lane's share allows it. A host whose door is shut costs nobody anything: it is tried.
 */
import { laneOf } from '#budget/key.ts';
import type { Route } from '#runtime/plan.ts';
import type { Sending } from './hop.ts';
import type { Scene } from '#runtime/attempt/context.ts';
import { trouble, type Trouble } from '#runtime/attempt/trouble.ts';

/** What lies elsewhere has no lane. */
export async function outOfTurn(
  scene: Scene,
  { at: route, elsewhere }: Pick<Sending, 'at' | 'elsewhere'>,
): Promise<Trouble | undefined> {
  if (elsewhere !== undefined) return undefined;
  const lane = laneOf(scene.plan.image.registry, route);
  if (scene.mayEnter === undefined || scene.mayEnter(lane) || !(await opens(scene, route))) return undefined;
  return trouble({ code: 'agent.over_budget', registry: lane }, '');
}

async function opens(
  { wire, signal }: Scene,
  { scheme, authority, tls, dialTimeoutMs, httpsFirst }: Route,
): Promise<boolean> {
  const text = `${scheme}://${authority}`;
  // What does not open by HTTPS may be asked in plain HTTP.
  if (httpsFirst || !URL.canParse(text)) return true;
  const known = wire.doors.get(text);
  if (known !== undefined) return known;
  const knocking = wire.connections
    .knock({ url: new URL(text), tls, dialTimeoutMs, signal })
    .then(({ outcome }) => outcome.ok);
  wire.doors.set(text, knocking);
  return knocking;
}
