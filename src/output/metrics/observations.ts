/** What metrics read out of reports: durations of steps, ends of certificates. Pure. */
import type { Ledger } from '#report/ledger.ts';
import type { Act, Exchange, Stage } from '#report/rehearsal.ts';
import type { PullReport } from '#report/report.ts';

const stageOf: { readonly [A in Act]: Stage } = {
  resolve: 'manifest',
  manifest: 'manifest',
  token: 'auth',
  config: 'blob',
  layer: 'blob',
};

/** The stage that a request serves. */
export function stageOfAct(act: Act): Stage {
  return stageOf[act];
}

/** Each step of a report with its stage and duration; a request counts from where its connection was open. */
export function observations(report: PullReport): readonly { readonly stage: Stage; readonly ms: number }[] {
  return report.attempts
    .flatMap(({ exchanges }) => exchanges)
    .flatMap((exchange) => [
      ...exchange.steps.map(({ step, ms }) => ({ stage: step, ms: Math.max(0, ms) })),
      // Where the connection failed there was no request to time.
      ...(exchange.steps.some(({ outcome }) => outcome.ok) || exchange.steps.length === 0
        ? [{ stage: stageOf[exchange.act], ms: requestSpan(exchange).ms }]
        : []),
    ])
    .filter(({ ms }) => Number.isFinite(ms));
}

/** The part of an exchange after its connection was open. */
export function requestSpan(exchange: Exchange): { readonly startMs: number; readonly ms: number } {
  const opened = Math.max(exchange.startMs, ...exchange.steps.map(({ startMs, ms }) => startMs + ms));
  const ended = exchange.startMs + exchange.ms;
  return { startMs: Math.min(opened, ended), ms: Math.max(0, ended - opened) };
}

/** The earliest end of a certificate for each registry and host that showed one; the `room` that end first. */
export function soonestExpiries(
  ledger: Ledger,
  space: number,
): readonly { readonly registry: string; readonly host: string; readonly atMs: number }[] {
  const found = new Map<string, { registry: string; host: string; atMs: number }>();
  for (const { report } of ledger.entries) {
    const registry = report.registry ?? 'none';
    for (const { host, notAfter } of certificates(report)) {
      const atMs = Date.parse(notAfter);
      const key = `${registry} ${host}`;
      const known = found.get(key);
      if (Number.isNaN(atMs) || (known !== undefined && known.atMs <= atMs)) continue;
      found.set(key, { registry, host, atMs });
    }
  }
  return [...found.values()].toSorted((a, b) => a.atMs - b.atMs).slice(0, space);
}

function certificates(report: PullReport): readonly { readonly host: string; readonly notAfter: string }[] {
  return report.attempts
    .flatMap(({ exchanges }) => exchanges)
    .flatMap(({ steps }) => steps)
    .flatMap((step) => {
      if (step.step !== 'tls') return [];
      if (step.outcome.ok) return [{ host: step.target, notAfter: step.outcome.value.notAfter }];
      const { fault } = step.outcome;
      return fault.code === 'tls.expired' ? [{ host: step.target, notAfter: fault.notAfter }] : [];
    });
}
