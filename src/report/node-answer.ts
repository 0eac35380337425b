/**
 * May this node pull? One answer out of all reports, for load balancers, readiness controllers and the page. A false alarm here
 * takes a node out of service, so only what is known to fail counts against it, and of that only what is the node's or the
 * network's or the registry's doing, unless the operator listed the image.
 */
import { isUpcoming } from './upcoming.ts';
import { ownerOf } from './fault.ts';
import type { Entry, Ledger } from './ledger.ts';
import type { Verdict } from './verdict.ts';

export interface NodeAnswer {
  /** `unknown`: the agent is starting, its last pass is too old, or not one image could be told. */
  readonly is: 'ready' | 'not_ready' | 'unknown';
  /** One clause for people. */
  readonly because: string;
  readonly counts: { readonly [V in Verdict['is']]: number } & { readonly asked: number };
  /** Failures that count against the node, longest standing first. */
  readonly against: readonly Entry[];
  /** Failures that no other node would be spared: a workload's image name, its own credentials. */
  readonly elsewhere: readonly Entry[];
}

export function answerFor(ledger: Ledger, nowMs: number): NodeAnswer {
  const failing = ledger.entries.filter(({ report }) => report.verdict.is === 'fails');
  const against = failing.filter((entry) => countsAgainst(entry)).toSorted(bySince);
  const elsewhere = failing.filter((entry) => !countsAgainst(entry)).toSorted(bySince);
  const counts = countVerdicts(ledger);
  const rest = { counts, against, elsewhere };
  const stale = staleness(ledger, nowMs);
  if (stale !== undefined) return { is: 'unknown', because: stale, ...rest };
  if (against.length > 0) {
    return { is: 'not_ready', because: `${plural(against.length)} cannot be pulled on this node`, ...rest };
  }
  if (ledger.cluster?.isKnown === false)
    return { is: 'unknown', because: 'what the Pods of this node ask for is not known yet', ...rest };
  const here = ledger.entries.filter(({ report }) => !isUpcoming(report.requestedBy));
  if (here.length > 0 && here.every(({ report }) => report.verdict.is === 'unknown')) {
    return { is: 'unknown', because: 'of no image could it be told whether it pulls', ...rest };
  }
  return { is: 'ready', because: 'nothing stands in the way of pulls on this node', ...rest };
}

/**
 * An image that an operator listed counts whatever its fault; one that only workloads name counts unless the fault is theirs.
 * The runtime's own sandbox image never does: without it no Pod would run here, so it is on the node. Nor does what is yet to
 * come: few nodes ask about it for all, and would be taken out of service for all.
 */
function countsAgainst({ report }: Entry): boolean {
  if (report.verdict.is !== 'fails') return false;
  if (report.requestedBy.length === 0) return true;
  if (report.requestedBy.every(({ kind }) => kind === 'Runtime') || isUpcoming(report.requestedBy)) return false;
  const owner = ownerOf(report.verdict.fault.code);
  return owner !== 'workload' && owner !== 'credentials';
}

/** Nothing has come to an end for too long: the agent stands still. */
export function isStale({ progressMs, staleAfterMs }: Ledger, nowMs: number): boolean {
  return nowMs - progressMs > staleAfterMs;
}

function staleness(ledger: Ledger, nowMs: number): string | undefined {
  if (isStale(ledger, nowMs)) return 'the last rehearsals are too old to say anything about now';
  if (ledger.pass === undefined) return 'the agent has just started and has not rehearsed every image yet';
  return undefined;
}

function countVerdicts(ledger: Ledger): NodeAnswer['counts'] {
  const of = (is: Verdict['is']): number => ledger.entries.filter(({ report }) => report.verdict.is === is).length;
  return {
    asked: ledger.asked,
    pulls: of('pulls'),
    at_risk: of('at_risk'),
    fails: of('fails'),
    unknown: of('unknown'),
  };
}

function bySince(a: Entry, b: Entry): number {
  return (a.history.sinceMs ?? 0) - (b.history.sinceMs ?? 0);
}

function plural(images: number): string {
  return images === 1 ? '1 image' : `${images} images`;
}
