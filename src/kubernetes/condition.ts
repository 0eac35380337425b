/** When and what to write as the Node's condition, from the wanted condition, the last write and the Node's present condition. */
import type { Condition } from './node-facts.ts';

export const conditionType = 'ImagePullReady';

export interface Readiness {
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word in CamelCase. */
  readonly reason: string;
  readonly message: string;
}

export interface Wanted extends Readiness {
  /** Since when this status has been wanted; reason and message may have changed meanwhile. */
  readonly sinceMs: number;
}

export interface Written {
  readonly condition: Condition;
  readonly atMs: number;
  /** When the agent changed the status, newest last. */
  readonly flips: readonly number[];
}

export interface Tempo {
  /** While nothing changes. */
  readonly heartbeatMs: number;
  /** A new status is written after it has lasted this long, doubled for each change in the last hour. */
  readonly holdMs: number;
  /** Between two writes that change only the reason or the message. */
  readonly debounceMs: number;
}

/** node-problem-detector writes every 5 minutes; each write changes the Node in etcd and goes to every client that watches Nodes. */
export const defaultTempo: Tempo = { heartbeatMs: 600_000, holdMs: 30_000, debounceMs: 60_000 };

const hourMs = 3_600_000;
const longestHoldMs = 600_000;

/** The time at which a write is due. The first one is due at once. */
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

/** A Kubernetes time has a resolution of one second. */
export function conditionOf(wanted: Readiness, current: Condition | undefined, now: Date): Condition {
  const time = now.toISOString().replace(/\.\d+Z$/, 'Z');
  const isSame = current?.status === wanted.status && current.lastTransitionTime !== '';
  return {
    type: conditionType,
    status: wanted.status,
    reason: wanted.reason,
    message: clip(wanted.message),
    lastHeartbeatTime: time,
    lastTransitionTime: isSame ? current.lastTransitionTime : time,
  };
}

export function afterWrite(condition: Condition, before: Written | undefined, nowMs: number): Written {
  const flipped = before !== undefined && before.condition.status !== condition.status;
  const flips = (before?.flips ?? []).filter((flip) => nowMs - flip < hourMs);
  return { condition, atMs: nowMs, flips: flipped ? [...flips, nowMs] : flips };
}

/** The agent wrote the Node's present condition, as far as its content shows. */
export function isOurs(current: Condition | undefined, written: Written | undefined): boolean {
  return current === undefined || written === undefined || isSame(current, written.condition);
}

export function isSame(one: Condition, other: Condition): boolean {
  const text = ['status', 'reason', 'message'] as const;
  const isSameText = text.every((field) => one[field] === other[field]);
  return isSameText && Date.parse(one.lastHeartbeatTime) === Date.parse(other.lastHeartbeatTime);
}

/** `kubectl describe node` prints the message on one line. */
function clip(message: string): string {
  return message.length <= 1024 ? message : `${message.slice(0, 1023)}…`;
}
