/** Foresight: what is not wrong yet. A rule reads what was seen and says what will be. */
import type { FaultCode } from './fault.ts';

/** `unknown`: the rule applies here, and what it needs was not seen. */
export const likelihoods = ['certain', 'likely', 'possible', 'unknown'] as const;
export type Likelihood = (typeof likelihoods)[number];

export interface Forecast {
  readonly rule: string;
  /** What the trouble sits in: a host, a secret, a file system, an account. The same trouble of many images has the same. */
  readonly about: string;
  /** The fault that the kubelet would meet. */
  readonly fault: FaultCode;
  readonly likelihood: Likelihood;
  /** Whether a pull would fail, or only come later. */
  readonly effect: 'fails' | 'delays';
  /** Seconds until it would happen, 0: any moment now; absent where the time cannot be told. */
  readonly withinS?: number;
  /** What the time rests on, in a clause: `the last hour's consumption goes on`. */
  readonly assuming?: string;
  /** One sentence of facts. */
  readonly because: string;
  readonly remedy: string;
}

/** Whether a pull that works now is at risk by it: delays and what could not be told are said, and change no verdict. */
export function threatens({ effect, likelihood }: Forecast): boolean {
  return effect === 'fails' && likelihood !== 'unknown';
}

/** What stops a pull before what delays it, and both before what could not be told; then the sooner; then the surer. */
export function byUrgency(one: Forecast, other: Forecast): number {
  return keysOf(one).reduce((order, key, i) => order || key - (keysOf(other)[i] ?? 0), 0);
}

function keysOf({ likelihood, effect, withinS }: Forecast): readonly number[] {
  const weight = likelihood === 'unknown' ? 2 : effect === 'delays' ? 1 : 0;
  return [weight, withinS ?? Number.MAX_SAFE_INTEGER, likelihoods.indexOf(likelihood)];
}
