/** How long to wait before the next request to the API server. */

/** `grows` and `grows_far` double from failure to failure; a number is the server's Retry-After in milliseconds. */
export type Pause = 'none' | 'short' | 'grows' | 'grows_far' | number;

export interface Failures {
  readonly grows: number;
  readonly grows_far: number;
}

/**
 * Counted separately: a kube-apiserver that restarts refuses every request until its authorizer has read the roles (seen with 1.36;
 * kubernetes/kubernetes#121635), and that after an hour without an API server must not delay the next request.
 */
export const none: Failures = { grows: 0, grows_far: 0 };

/** Pauses double from 1 s. A missing right may be granted at any time; requests for it become rarer. */
const firstMs = 1000;
const mostMs = { short: firstMs, grows: 30_000, grows_far: 300_000 } as const;

export function afterFailure(failures: Failures, pause: Pause): Failures {
  if (pause === 'none' || pause === 'short') return failures;
  const kind = kindOf(pause);
  return { ...failures, [kind]: failures[kind] + 1 };
}

/** With full jitter. `random` is in [0, 1). */
export function pauseMs(pause: Exclude<Pause, 'none'>, failures: Failures, random: number): number {
  const doubled = firstMs * 2 ** Math.max(0, Math.min(failures[kindOf(pause)], 12) - 1);
  const spread = random * Math.min(doubled, mostMs[pause === 'short' ? 'short' : kindOf(pause)]);
  return typeof pause === 'number' ? pause + spread : spread;
}

function kindOf(pause: Pause): 'grows' | 'grows_far' {
  return pause === 'grows_far' ? 'grows_far' : 'grows';
}
