/**
 * Of logins that say when they end: since when each has been there, and how much life was left when somebody renewed it. What
 * tells a token that is renewed in time from one that nobody renews. One entry a label.
 */
import type { PullReport } from '#report/report.ts';
import { numberIn, numbersIn, recordsIn, type Readable } from './tolerant.ts';

export interface LoginHistory {
  readonly endsMs: number;
  /** When this content of it was first seen, and when last. */
  readonly sinceMs: number;
  readonly seenMs: number;
  /** Life that was left when it was renewed, oldest first; below zero where it had ended by then. */
  readonly leftMs: readonly number[];
}
export type LoginsHistory = Readonly<Record<string, LoginHistory>>;

const most = 500;
const renewalsKept = 4;
/** A label that nobody has seen for so long belongs to a secret that is gone. */
const forgottenMs = 30 * 24 * 3_600_000;

export function learnLogins(logins: LoginsHistory, { plan, at }: PullReport): LoginsHistory {
  const seenMs = Date.parse(at);
  const ending = (plan?.logins ?? []).filter(({ endsAt }) => endsAt !== undefined);
  if (ending.length === 0 || Number.isNaN(seenMs)) return logins;
  const learnt = new Map(Object.entries(logins));
  for (const { as, endsAt = '' } of ending) learnt.set(as, renewed(learnt.get(as), Date.parse(endsAt), seenMs));
  const kept = [...learnt].filter(([, login]) => seenMs - login.seenMs < forgottenMs);
  return Object.fromEntries(kept.toSorted(([, a], [, b]) => b.seenMs - a.seenMs).slice(0, most));
}

function renewed(known: LoginHistory | undefined, endsMs: number, seenMs: number): LoginHistory {
  if (known === undefined) return { endsMs, sinceMs: seenMs, seenMs, leftMs: [] };
  if (known.endsMs === endsMs) return { ...known, seenMs };
  // An earlier end is somebody's roll-back, and tells nothing of renewals.
  const leftMs = endsMs > known.endsMs ? [...known.leftMs, known.endsMs - seenMs].slice(-renewalsKept) : known.leftMs;
  return { endsMs, sinceMs: seenMs, seenMs, leftMs };
}

export function readLogins(value: unknown): LoginsHistory {
  return recordsIn(value, readLogin, most);
}

function readLogin(value: Readable): LoginHistory | undefined {
  const [endsMs, sinceMs, seenMs] = ['endsMs', 'sinceMs', 'seenMs'].map((name) => numberIn(value, name));
  if (endsMs === undefined || sinceMs === undefined || seenMs === undefined) return undefined;
  return { endsMs, sinceMs, seenMs, leftMs: numbersIn(value, 'leftMs').slice(-renewalsKept) };
}
