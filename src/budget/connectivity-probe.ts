/**
 * Knocks: connections that were opened and over which nothing was asked. They cost a registry next to nothing, so that every node
 * makes them in every pass, however seldom it may ask. What they say of an image is whether its last rehearsal still holds.
 */
import type { FaultCode } from '#report/fault.ts';
import type { PullReport } from '#report/report.ts';

export interface ConnectivityProbe {
  /** `https://quay.io`, as in the URLs of a report. */
  readonly origin: string;
  /** Whose budget a request there is counted in; absent for hosts that no route leads to: token services, blob hosts. */
  readonly budgetKey?: string;
  /** May answer which digest a tag has. */
  readonly resolves: boolean;
  readonly is: ProbeKind;
  /** It was reached at an address of a private network. */
  readonly isPrivate: boolean;
}

/** Opened, or why not. */
export type ProbeKind = 'opened' | FaultCode;

/** No host that could answer for the image opens: a rehearsal would ask nobody anything. */
export function isShut(probes: readonly ConnectivityProbe[]): boolean {
  const routes = probes.filter(({ budgetKey, resolves }) => budgetKey !== undefined && resolves);
  return routes.length > 0 && routes.every(({ is }) => is !== 'opened');
}

/** Lanes that a rehearsal would ask first, by what opens now. */
export function firstBudgetKeys(probes: readonly ConnectivityProbe[]): readonly string[] {
  const first = probes.find(({ budgetKey, resolves, is }) => budgetKey !== undefined && resolves && is === 'opened');
  return first?.budgetKey === undefined ? [] : [first.budgetKey];
}

/** A host that the last rehearsal met opens where it did not, or does not where it did, or fails in another way. */
export function differs(report: PullReport, probes: readonly ConnectivityProbe[]): boolean {
  const met = metAt(report);
  return probes.some(({ origin, is }) => {
    const before = met.get(origin);
    return before !== undefined && before !== is;
  });
}

/** Every host that the last rehearsal could not open opens now. */
export function reopened(report: PullReport, probes: readonly ConnectivityProbe[]): boolean {
  const met = metAt(report);
  const shut = probes.filter(({ origin }) => (met.get(origin) ?? 'opened') !== 'opened');
  return shut.length > 0 && shut.every(({ is }) => is === 'opened');
}

/** Which hosts a rehearsal could open, and why not. The last word on each counts. */
function metAt(report: PullReport): ReadonlyMap<string, ProbeKind> {
  const met = new Map<string, ProbeKind>();
  for (const { url, steps, outcome } of report.attempts.flatMap(({ exchanges }) => exchanges)) {
    const origin = /^[a-z]+:\/\/[^/?#]*/i.exec(url)?.[0];
    if (origin === undefined) continue;
    const opened =
      outcome.ok || steps.length > 0 ? steps.every((step) => step.outcome.ok) : !isShutting(outcome.fault.code);
    if (opened) met.set(origin, 'opened');
    else if (!outcome.ok && !outcome.fault.code.startsWith('agent.')) met.set(origin, outcome.fault.code);
  }
  return met;
}

/** Codes of connections that could not be opened; a client certificate is refused only once something was asked. */
export function isShutting(code: FaultCode): boolean {
  return /^(dns|tcp|tls|proxy)\./.test(code) && code !== 'tcp.closed' && code !== 'tls.client_rejected';
}

/** Hosts beside its routes that an image needed: token services and blob hosts. */
export function learnedOrigins(report: PullReport): readonly string[] {
  const routes = new Set(report.plan?.routes.map(({ url }) => /^[a-z]+:\/\/[^/?#]*/i.exec(url)?.[0]));
  const met = report.attempts
    .flatMap(({ exchanges }) => exchanges)
    .flatMap(({ url }) => /^[a-z]+:\/\/[^/?#]*/i.exec(url)?.[0] ?? []);
  return [...new Set(met)].filter((origin) => !routes.has(origin)).slice(0, 8);
}
