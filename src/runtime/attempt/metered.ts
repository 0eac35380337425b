/** Registries that count what they serve. */
import { readRateLimit } from '#registry/http/rate-limit.ts';
import type { Answer } from '#registry/wire.ts';
import type { AttemptContext } from './context.ts';

/** Counts what it serves: Docker Hub by name on every route to it, others once they said so in a header. */
export function isMetered(context: AttemptContext, route: number): boolean {
  return !context.wire.manners.spend && countsPulls(context, route);
}

/** Whatever the user says about spending. */
export function countsPulls(context: AttemptContext, route: number): boolean {
  if (context.plan.image.registry === 'docker.io') return true;
  const authority = context.routes[route]?.authority ?? '';
  return /(^|\.)docker\.io(:\d+)?$/.test(authority) || context.wire.memory.isMetered(authority);
}

/** Of every answer, whatever its status: the next request must know. */
export function noteLimit(context: AttemptContext, route: number, answer: Answer): void {
  const limit = readRateLimit(answer.headers, '', context.wire.now());
  const authority = context.routes[route]?.authority;
  if (limit?.limit !== undefined && limit.scope === 'quota' && authority !== undefined)
    context.wire.memory.keepMetered(authority);
}
