/** A rule of foresight: a name, when it cannot tell, and what it foretells from facts alone. */
import type { FaultCode } from '#report/fault.ts';
import type { ImageFacts, NodeFacts } from './facts.ts';
import type { Forecast } from './forecast.ts';

export type Prediction = Omit<Forecast, 'rule'>;

/** The rule applies, and what it needs was not seen. */
export interface Unseen {
  readonly about: string;
  readonly fault: FaultCode;
  readonly because: string;
  readonly remedy: string;
}

export interface Rule<Facts> {
  readonly name: string;
  /** What it would need and nobody saw; each becomes an `unknown` forecast, and `foresee` is called all the same. */
  readonly unseen?: (facts: Facts) => readonly Unseen[];
  readonly evaluate: (facts: Facts) => readonly Prediction[];
}

export type ImageRule = Rule<ImageFacts>;
export type NodeRule = Rule<NodeFacts>;
