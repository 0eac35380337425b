/**
 * Logins that Docker Hub refuses and that the kubelet presents again and again, because containers wait for an image behind them.
 * One entry a demand, and only while it fails so.
 */
import { rootOf } from '#report/fault.ts';
import { reportId } from '#report/ledger.ts';
import { accountOf } from '#kubelet/logins.ts';
import { valueAt } from '#data/value-at.ts';
import type { PullReport } from '#report/report.ts';
import { numberIn, recordsIn, textIn, type Readable } from './tolerant.ts';

export interface RefusedLogin {
  /** As written. */
  readonly image: string;
  readonly account: string;
  /** When it was first seen to be refused. */
  readonly sinceMs: number;
  /** Containers that wait, each tried for itself. */
  readonly containers: number;
  /** Failed logins that one try makes. */
  readonly perTry: number;
}
export type RefusedLoginsHistory = Readonly<Record<string, RefusedLogin>>;

const most = 200;
/** containerd sends a password by POST, and again by GET where that is answered 401 (docker/authorizer.go doBearerAuth). */
const usualPerTry = 2;

export function learnRefusedLogin(refused: RefusedLoginsHistory, report: PullReport): RefusedLoginsHistory {
  const id = reportId(report);
  const known = valueAt(refused, id);
  const found = refusedIn(report, known);
  if (found === undefined && known === undefined) return refused;
  const others = Object.entries(refused).filter(([other]) => other !== id);
  return Object.fromEntries(found === undefined ? others : [...others.slice(1 - most), [id, found]]);
}

function refusedIn(report: PullReport, known: RefusedLogin | undefined): RefusedLogin | undefined {
  const { registry, verdict, policy, present, requestedBy, image, plan, attempts } = report;
  if (registry !== 'docker.io' || verdict.is !== 'fails') return undefined;
  const fault = rootOf(verdict.fault);
  if (fault.code !== 'auth.rejected') return undefined;
  // Of an image that is on the node the kubelet asks nobody.
  const containers = policy === 'Always' || present !== 'yes' ? requestedBy.length : 0;
  if (containers === 0) return undefined;
  const failures = attempts
    .flatMap(({ exchanges }) => exchanges)
    .filter(({ act, as, outcome }) => act === 'token' && as === fault.as && outcome.ok && outcome.value.status >= 400);
  return {
    image,
    account: accountOf(plan?.logins ?? [], fault.as),
    sinceMs: known?.sinceMs ?? Date.parse(report.at),
    containers,
    // A login that was refused is not presented again: later reports hold no failure.
    perTry: failures.length > 0 ? failures.length : (known?.perTry ?? usualPerTry),
  };
}

export function forgetRefusedLogins(refused: RefusedLoginsHistory, images: ReadonlySet<string>): RefusedLoginsHistory {
  const kept = Object.entries(refused).filter(([, { image }]) => images.has(image));
  return kept.length === Object.keys(refused).length ? refused : Object.fromEntries(kept);
}

export function readRefusedLogins(value: unknown): RefusedLoginsHistory {
  return recordsIn(value, readOne, most);
}

function readOne(value: Readable): RefusedLogin | undefined {
  const [image, account] = [textIn(value, 'image'), textIn(value, 'account')];
  const [sinceMs, containers, perTry] = ['sinceMs', 'containers', 'perTry'].map((name) => numberIn(value, name));
  if (image === undefined || account === undefined) return undefined;
  if (sinceMs === undefined || containers === undefined || perTry === undefined) return undefined;
  return { image, account, sinceMs, containers, perTry };
}
