/** Foresight: what is not wrong yet. A rule reads what was seen and says what will be. */
import type { FaultCode } from '#report/fault.ts';

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
  /** Whether a pull of this node would fail, or only come later. `none`: it goes on, and something else is to know: other content, other nodes, an announcement. */
  readonly effect: 'fails' | 'delays' | 'none';
  /** Seconds until it would happen, 0: any moment now; absent where the time cannot be told. */
  readonly withinS?: number;
  /** What the time rests on, in a clause: `the last hour's consumption goes on`. */
  readonly assuming?: string;
  /** One sentence of facts. */
  readonly because: string;
  readonly remedy: string;
  /** ISO 8601. Since when it has been foretold without a break; absent where it was not before. */
  readonly since?: string;
  /** ISO 8601. Not seen just now, and held: when it was seen last (damp.ts). */
  readonly seen?: string;
}

/** Whether a pull that works now is at risk by it: delays and what could not be told are said, and change no verdict. */
export function threatens({ effect, likelihood }: Forecast): boolean {
  return effect === 'fails' && likelihood !== 'unknown';
}

/** What stops a pull before what delays it, both before what is only to know, and what could not be told last; then the sooner; then the surer. */
export function byUrgency(one: Forecast, other: Forecast): number {
  return keysOf(one).reduce((order, key, i) => order || key - (keysOf(other)[i] ?? 0), 0);
}

const weights: { readonly [E in Forecast['effect']]: number } = { fails: 0, delays: 1, none: 2 };

function keysOf({ likelihood, effect, withinS }: Forecast): readonly number[] {
  const weight = likelihood === 'unknown' ? 3 : weights[effect];
  return [weight, withinS ?? Number.MAX_SAFE_INTEGER, likelihoods.indexOf(likelihood)];
}
