/**
 * When the Node's condition is written, and what: pure, from what is wanted, what we wrote and what stands on the Node. It
 * must not know the API server.
 */
import type { Condition } from './node-facts.ts';

export const conditionType = 'ImagePullReady';

export interface Readiness {
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word in CamelCase. */
  readonly reason: string;
  readonly message: string;
}

export interface Wanted extends Readiness {
  /** Since when this status has been wanted; words may have changed meanwhile. */
  readonly sinceMs: number;
}

export interface Written {
  readonly condition: Condition;
  readonly atMs: number;
  /** When the status was changed by us, newest last. */
  readonly flips: readonly number[];
}

export interface Tempo {
  /** While nothing changes. */
  readonly heartbeatMs: number;
  /** A new status must have stood this long, twice as long with each change in the last hour. */
  readonly holdMs: number;
  /** Between two writes that change words alone. */
  readonly debounceMs: number;
}

/** A node problem detector beats every 5 minutes; each beat rewrites the Node in etcd and is sent to all who watch nodes. */
export const defaultTempo: Tempo = { heartbeatMs: 600_000, holdMs: 30_000, debounceMs: 60_000 };

const hourMs = 3_600_000;
const longestHoldMs = 600_000;

/** The moment from which on a write is due. The first one is due at once. */
export function dueAt(wanted: Wanted, written: Written | undefined, tempo: Tempo): number {
  if (written === undefined) return wanted.sinceMs;
  const { condition, atMs } = written;
  if (condition.status !== wanted.status) return wanted.sinceMs + holdMs(written, wanted.sinceMs, tempo);
  const isSame = condition.reason === wanted.reason && condition.message === clip(wanted.message);
  return atMs + (isSame ? tempo.heartbeatMs : tempo.debounceMs);
}

function holdMs(written: Written, nowMs: number, tempo: Tempo): number {
  const recent = written.flips.filter((flip) => nowMs - flip < hourMs).length;
  return Math.min(longestHoldMs, tempo.holdMs * 2 ** Math.min(recent, 10));
}

/** Seconds are all that a Kubernetes time holds. */
export function conditionOf(wanted: Readiness, standing: Condition | undefined, now: Date): Condition {
  const time = now.toISOString().replace(/\.\d+Z$/, 'Z');
  const isSame = standing?.status === wanted.status && standing.lastTransitionTime !== '';
  return {
    type: conditionType,
    status: wanted.status,
    reason: wanted.reason,
    message: clip(wanted.message),
    lastHeartbeatTime: time,
    lastTransitionTime: isSame ? standing.lastTransitionTime : time,
  };
}

export function afterWrite(condition: Condition, before: Written | undefined, nowMs: number): Written {
  const flipped = before !== undefined && before.condition.status !== condition.status;
  const flips = (before?.flips ?? []).filter((flip) => nowMs - flip < hourMs);
  return { condition, atMs: nowMs, flips: flipped ? [...flips, nowMs] : flips };
}

/** What stands on the Node was written by us, as far as can be told. */
export function isOurs(standing: Condition | undefined, written: Written | undefined): boolean {
  return standing === undefined || written === undefined || isSame(standing, written.condition);
}

export function isSame(one: Condition, other: Condition): boolean {
  const text = ['status', 'reason', 'message'] as const;
  const isSameText = text.every((field) => one[field] === other[field]);
  return isSameText && Date.parse(one.lastHeartbeatTime) === Date.parse(other.lastHeartbeatTime);
}

/** Longer than anybody reads in `kubectl describe node`. */
function clip(message: string): string {
  return message.length <= 1024 ? message : `${message.slice(0, 1023)}…`;
}
