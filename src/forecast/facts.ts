/** What the rules of foresight are given: everything that was seen, of one image or of the node as a whole. Plain values. */
import type { Entry } from '#report/ledger.ts';
import type { NodeHistory } from '#forecast/history/history.ts';
import type { PullPlan } from '#runtime/plan.ts';
import type { Rehearsal } from '#report/rehearsal.ts';
import type { Demand, NodeView } from '#node/view.ts';

/** Of one image, right after its rehearsal. */
export interface ImageFacts {
  readonly now: Date;
  readonly view: NodeView;
  readonly demand: Demand;
  readonly plan: PullPlan;
  readonly rehearsal: Rehearsal;
  /** What was known before this rehearsal. */
  readonly history: NodeHistory;
}

/** Of the node, after a pass over its images. */
export interface NodeFacts {
  readonly now: Date;
  readonly view: NodeView;
  /** The last report and the history of every image that is asked for. */
  readonly entries: readonly Entry[];
  /** With the last pass in it. */
  readonly history: NodeHistory;
}
