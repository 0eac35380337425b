/**
 * Connectivity probes: connections that are opened and over which no request is sent. They cost a registry next to nothing, so
 * every node makes them in every pass, however rarely it may send requests. They show whether the last rehearsal of an image still
 * holds. Pure.
 */
import type { Demand } from '#kubelet/demand.ts';
import type { FaultCode } from '#report/fault.ts';
import type { PullReport } from '#report/report.ts';

export interface ConnectivityProbe {
  /** `https://quay.io`, as in the URLs of a report. */
  readonly origin: string;
  /** The budget key that a request to this host counts against; absent for token services and blob hosts. */
  readonly budgetKey?: string;
  /** Whether the host may answer which digest a tag has. */
  readonly resolves: boolean;
  readonly is: ProbeKind;
  /** The host was reached at an address of a private network. */
  readonly isPrivate: boolean;
}

/** The connection opened, or the code of the fault. */
export type ProbeKind = 'opened' | FaultCode;

/** The probes of each image, by its demand's id. */
export type ProbeResults = ReadonlyMap<string, readonly ConnectivityProbe[]>;

/** A demand and the last report on it. */
export interface KnownDemand {
  readonly demand: Demand;
  readonly report?: PullReport;
}

/** No host that could answer for the image opens: a rehearsal would send no request. */
export function isShut(probes: readonly ConnectivityProbe[]): boolean {
  const routes = probes.filter(({ budgetKey, resolves }) => budgetKey !== undefined && resolves);
  return routes.length > 0 && routes.every(({ is }) => is !== 'opened');
}

/** The budget key that a rehearsal would use first, given which hosts open now. */
export function firstBudgetKeys(probes: readonly ConnectivityProbe[]): readonly string[] {
  const first = probes.find(({ budgetKey, resolves, is }) => budgetKey !== undefined && resolves && is === 'opened');
  return first?.budgetKey === undefined ? [] : [first.budgetKey];
}

/** A host of the last rehearsal opens where it did not, does not where it did, or fails in another way. */
export function differs(report: PullReport, probes: readonly ConnectivityProbe[]): boolean {
  const kinds = kindsIn(report);
  return probes.some(({ origin, is }) => {
    const before = kinds.get(origin);
    return before !== undefined && before !== is;
  });
}

/** Every host that the last rehearsal could not open opens now. */
export function reopened(report: PullReport, probes: readonly ConnectivityProbe[]): boolean {
  const kinds = kindsIn(report);
  const shut = probes.filter(({ origin }) => (kinds.get(origin) ?? 'opened') !== 'opened');
  return shut.length > 0 && shut.every(({ is }) => is === 'opened');
}

/** Which hosts a rehearsal could open, and why not. The last exchange with each host counts. */
function kindsIn(report: PullReport): ReadonlyMap<string, ProbeKind> {
  const kinds = new Map<string, ProbeKind>();
  for (const { url, steps, outcome } of report.attempts.flatMap(({ exchanges }) => exchanges)) {
    const origin = originOf(url);
    if (origin === undefined) continue;
    const opened =
      outcome.ok || steps.length > 0 ? steps.every((step) => step.outcome.ok) : !isShutting(outcome.fault.code);
    if (opened) kinds.set(origin, 'opened');
    else if (!outcome.ok && !outcome.fault.code.startsWith('agent.')) kinds.set(origin, outcome.fault.code);
  }
  return kinds;
}

/**
 * Whether the code means that no connection could be opened. A server refuses a client certificate only after the first request.
 */
function isShutting(code: FaultCode): boolean {
  return /^(dns|tcp|tls|proxy)\./.test(code) && code !== 'tcp.closed' && code !== 'tls.client_rejected';
}

/** The verdict rests on a host that did not open. */
export function isShutOut({ verdict }: PullReport): boolean {
  if (verdict.is !== 'fails' && verdict.is !== 'unknown') return false;
  const { fault } = verdict;
  return isShutting(fault.code === 'auth.realm_unreachable' ? fault.cause.code : fault.code);
}

const mostLearned = 8;

/** Hosts beside the routes that an image needed: token services and blob hosts. */
export function learnedOrigins(report: PullReport): readonly string[] {
  const routes = new Set(report.plan?.routes.map(({ url }) => originOf(url)));
  const used = report.attempts.flatMap(({ exchanges }) => exchanges).flatMap(({ url }) => originOf(url) ?? []);
  return [...new Set(used)].filter((origin) => !routes.has(origin)).slice(0, mostLearned);
}

/** Without URL: a report has thousands of them, and their form is our own. */
function originOf(url: string): string | undefined {
  return /^[a-z]+:\/\/[^/?#]*/i.exec(url)?.[0];
}
