/**
 * One pass: every demand gets its report, come what may. A rehearsal that throws, ends early or falls silent leaves a report that
 * says `unknown`, never nothing.
 */
import type { Fault } from '#report/fault.ts';
import { demandId, reportId } from '#report/ledger.ts';
import type { Advice, PullReport } from '#report/report.ts';
import type { Demand } from '#node/view.ts';

export interface PassOptions {
  readonly node: string;
  readonly demands: readonly Demand[];
  readonly rehearse: (signal: AbortSignal) => AsyncIterable<PullReport>;
  /** No report for so long: something hangs that should have met its own deadline. */
  readonly silenceMs: number;
  readonly now: () => number;
  /** Ends the pass without a word on what is missing. */
  readonly signal: AbortSignal;
  /** What broke, for the log. */
  readonly broke: (error: unknown) => void;
}

/** One report for each demand, in order of arrival, then those that had to be made up. */
export async function* runPass(options: PassOptions): AsyncGenerator<PullReport> {
  const { demands, now, node, signal } = options;
  const waiting = new Map(demands.map((demand) => [demandId(demand), demand]));
  if (waiting.size === 0) return;
  const hurry = new AbortController();
  const both = AbortSignal.any([signal, hurry.signal]);
  let fault: Fault = { code: 'agent.bug', where: 'rehearse', what: 'ended without a report' };
  try {
    for await (const arrival of untilSilent(options.rehearse(both), options.silenceMs, both)) {
      if (arrival.is === 'silence') {
        fault = { code: 'agent.out_of_time', step: 'rehearse', afterMs: options.silenceMs };
        break;
      }
      if (!waiting.delete(reportId(arrival.report))) continue;
      yield arrival.report;
      if (waiting.size === 0) break;
    }
  } catch (error) {
    options.broke(error);
    fault = { code: 'agent.bug', where: 'rehearse', what: error instanceof Error ? error.name : typeof error };
  } finally {
    hurry.abort();
  }
  if (signal.aborted) return;
  for (const demand of waiting.values()) yield untold({ node, demand, fault, atMs: now() });
}

type Arrival = { readonly is: 'report'; readonly report: PullReport } | { readonly is: 'silence' };

/** What comes, until nothing comes for so long or it is over. An iterator that hangs is left behind, not waited for. */
async function* untilSilent(
  reports: AsyncIterable<PullReport>,
  silenceMs: number,
  signal: AbortSignal,
): AsyncGenerator<Arrival> {
  const iterator = reports[Symbol.asyncIterator]();
  let whole = false;
  try {
    for (;;) {
      const next = await raced(iterator.next(), silenceMs, signal);
      if (next === 'over') return;
      if (next === 'silence') {
        yield { is: 'silence' };
        return;
      }
      whole = next.done === true;
      if (next.done === true) return;
      yield { is: 'report', report: next.value };
    }
  } finally {
    if (!whole) void iterator.return?.().then(ignore, ignore);
  }
}

async function raced<T>(coming: Promise<T>, silenceMs: number, signal: AbortSignal): Promise<T | 'silence' | 'over'> {
  const { promise: early, resolve } = Promise.withResolvers<'silence' | 'over'>();
  const timer = setTimeout(() => resolve('silence'), silenceMs);
  const stop = (): void => resolve('over');
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  coming.catch(ignore);
  try {
    return await Promise.race([coming, early]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function ignore(): void {
  // Left behind: its end is of no more interest.
}

/** With the words for an unknown of our own making, where it has none. */
export function explained(report: PullReport, advise: ((fault: Fault) => Advice) | undefined): PullReport {
  const { verdict } = report;
  if (advise === undefined || report.advice !== undefined || verdict.is !== 'unknown') return report;
  return { ...report, advice: advise(verdict.fault) };
}

/** The report on an image that got none. */
export function untold(of: {
  readonly node: string;
  readonly demand: Demand;
  readonly fault: Fault;
  readonly atMs: number;
}): PullReport {
  const { node, demand, fault, atMs } = of;
  const confidence = { is: 'approximate', because: ['the rehearsal did not end by itself'] } as const;
  return {
    version: 1,
    node,
    at: new Date(atMs).toISOString(),
    ms: 0,
    image: demand.written,
    ...(demand.id === undefined ? {} : { id: demand.id }),
    ...(demand.image.ok ? { reference: demand.image.value.runtime, registry: demand.image.value.registry } : {}),
    policy: demand.policy,
    requestedBy: demand.requestedBy,
    verdict: { is: 'unknown', fault, stage: 'plan', confidence },
    forecasts: [],
    attempts: [],
    evidence: [],
    warnings: [],
  };
}
