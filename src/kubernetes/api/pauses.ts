/** How long to wait before the API server is asked again. Pure. */

/** `grows` and `grows_far` double from failure to failure; a number is what the server asked for. */
export type Pause = 'none' | 'short' | 'grows' | 'grows_far' | number;

export interface Failures {
  readonly grows: number;
  readonly grows_far: number;
}

/**
 * Counted apart: a kube-apiserver that comes back refuses everybody until its authorizer has read the roles (seen with 1.36;
 * kubernetes/kubernetes#121635), and having been away for an hour is no reason to be asked late.
 */
export const none: Failures = { grows: 0, grows_far: 0 };

/** Pauses double from 1 s; a refused right may be granted any moment, but is not asked for for ever at the same pace. */
const firstMs = 1000;
const mostMs = { short: firstMs, grows: 30_000, grows_far: 300_000 } as const;

export function afterFailure(failures: Failures, pause: Pause): Failures {
  if (pause === 'none' || pause === 'short') return failures;
  const kind = kindOf(pause);
  return { ...failures, [kind]: failures[kind] + 1 };
}

/** With full jitter. `dice` in [0, 1). */
export function pauseMs(pause: Exclude<Pause, 'none'>, failures: Failures, dice: number): number {
  const doubled = firstMs * 2 ** Math.max(0, Math.min(failures[kindOf(pause)], 12) - 1);
  const spread = dice * Math.min(doubled, mostMs[pause === 'short' ? 'short' : kindOf(pause)]);
  return typeof pause === 'number' ? pause + spread : spread;
}

function kindOf(pause: Pause): 'grows' | 'grows_far' {
  return pause === 'grows_far' ? 'grows_far' : 'grows';
}
