/** One call of the kubelet to the runtime: the plan, one identity, and the record of the requests that were sent for it. */
import type { Identity } from '#kubelet/credential.ts';
import type { Act, Exchange } from '#report/rehearsal.ts';
import type { PullPlan, Route } from '#runtime/plan.ts';
import type { Wire } from './wire.ts';

export interface AttemptContext<Plan extends PullPlan = PullPlan> {
  readonly plan: Plan;
  readonly identity: Identity;
  readonly routes: readonly Route[];
  readonly wire: Wire;
  readonly signal: AbortSignal;
  /** When the rehearsal of this image began, on the wire's clock. */
  readonly startMs: number;
  readonly exchanges: Exchange[];
  /** Whether requests for this image may count against a budget key now; absent: against any. */
  readonly mayRequest?: (budgetKey: string) => boolean;
}

/** Why a request is sent, and by which of the plan's routes. */
export interface Purpose {
  readonly act: Act;
  readonly route: number;
  readonly because: string;
}
