/** Registries that count the manifests they serve against a quota. */
import { readRateLimit } from '#registry/http/rate-limit.ts';
import type { Answer } from '#registry/wire.ts';
import type { AttemptContext } from './context.ts';

/** A GET of a manifest by this route would spend quota, and the user has not allowed that. */
export function isMetered(context: AttemptContext, route: number): boolean {
  return !context.wire.options.spend && countsPulls(context, route);
}

/** Docker Hub by name on every route to it, other registries once a header has shown a quota; whatever the options allow. */
export function countsPulls(context: AttemptContext, route: number): boolean {
  if (context.plan.image.registry === 'docker.io') return true;
  const authority = context.routes[route]?.authority ?? '';
  return /(^|\.)docker\.io(:\d+)?$/.test(authority) || context.wire.memory.isMetered(authority);
}

/** Call it for every answer, whatever its status: the next request depends on it. */
export function noteLimit(context: AttemptContext, route: number, answer: Answer): void {
  const limit = readRateLimit(answer.headers, '', context.wire.now());
  const authority = context.routes[route]?.authority;
  if (limit?.limit !== undefined && limit.scope === 'quota' && authority !== undefined)
    context.wire.memory.keepMetered(authority);
}
