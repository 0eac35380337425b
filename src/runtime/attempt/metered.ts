/** Registries that count what they serve. */
import { readRateLimit } from '#registry/http/rate-limit.ts';
import type { Answer } from '#registry/wire.ts';
import type { Scene } from './context.ts';

/** Counts what it serves: Docker Hub by name on every route to it, others once they said so in a header. */
export function isMetered(scene: Scene, route: number): boolean {
  return !scene.wire.manners.spend && countsPulls(scene, route);
}

/** Whatever the user says about spending. */
export function countsPulls(scene: Scene, route: number): boolean {
  if (scene.plan.image.registry === 'docker.io') return true;
  const authority = scene.routes[route]?.authority ?? '';
  return /(^|\.)docker\.io(:\d+)?$/.test(authority) || scene.wire.memory.isMetered(authority);
}

/** Of every answer, whatever its status: the next request must know. */
export function noteLimit(scene: Scene, route: number, answer: Answer): void {
  const limit = readRateLimit(answer.headers, '', scene.wire.now());
  const authority = scene.routes[route]?.authority;
  if (limit?.limit !== undefined && limit.scope === 'quota' && authority !== undefined)
    scene.wire.memory.keepMetered(authority);
}
