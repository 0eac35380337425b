/** A forecast rule: its name and documentation, what it could not see, and what it predicts from facts alone. */
import type { FaultCode } from '#report/fault.ts';
import type { ImageFacts, NodeFacts } from './facts.ts';
import type { Forecast } from './forecast.ts';

export type Prediction = Omit<Forecast, 'rule'>;

/** The rule applies, but what it needs was not seen. */
export interface Unseen {
  readonly about: string;
  readonly fault: FaultCode;
  readonly because: string;
  readonly remedy: string;
}

/** The documentation of a rule, for docs/forecasts.md. */
export interface RuleMeta {
  /** What is predicted, as a heading. */
  readonly title: string;
  /** How it fails pulls, and when the rule stays silent. */
  readonly why: string;
  /** What must be seen or configured for the rule to work. */
  readonly needs: string;
  /** What to do, in general; a forecast carries the remedy for its own case. */
  readonly remedy: string;
}

export interface Rule<Facts> {
  readonly name: string;
  readonly meta: RuleMeta;
  /** What it needs but was not seen; each becomes an `unknown` forecast, and `foresee` is called as well. */
  readonly unseen?: (facts: Facts) => readonly Unseen[];
  readonly evaluate: (facts: Facts) => readonly Prediction[];
}

export type ImageRule = Rule<ImageFacts>;
export type NodeRule = Rule<NodeFacts>;
