/** The answer: would the kubelet get this image? */
import type { Fault } from './fault.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Stage } from './rehearsal.ts';

export type Verdict = (
  | { readonly is: 'pulls' }
  | { readonly is: 'at_risk'; readonly forecasts: readonly Forecast[] }
  | { readonly is: 'fails'; readonly fault: Fault; readonly stage: Stage }
  | { readonly is: 'unknown'; readonly fault: Fault; readonly stage: Stage }
) & { readonly confidence: Confidence };

export const verdicts = ['pulls', 'at_risk', 'fails', 'unknown'] as const;

/** How sure the verdict is: exact (every input was read and is live), exact once the runtime restarts, or approximate. */
export interface Confidence {
  readonly is: 'exact' | 'exact-if-restarted' | 'approximate';
  readonly because: readonly string[];
}
