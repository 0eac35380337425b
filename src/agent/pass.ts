/**
 * One pass: every demand gets its report. A rehearsal that throws, ends early or hangs leaves a report with the verdict
 * `unknown`, never none.
 */
import type { Demand } from '#kubelet/demand.ts';
import type { Log } from '#output/log.ts';
import { adviceFor } from '#report/advice/advice.ts';
import type { Fault } from '#report/fault.ts';
import { demandId, reportId } from '#report/ledger.ts';
import type { PullReport } from '#report/report.ts';

interface PassOptions {
  readonly node: string;
  readonly demands: readonly Demand[];
  readonly rehearse: (signal: AbortSignal) => AsyncIterable<PullReport>;
  /** Without a report for this long, a rehearsal hangs that should have met its own deadline. */
  readonly silenceMs: number;
  readonly now: () => number;
  /** Ends the pass; demands without a report get none. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** One report for each demand, in order of arrival, then the reports on those that got none. */
export async function* runPass(options: PassOptions): AsyncGenerator<PullReport> {
  const { demands, now, node, signal } = options;
  const waiting = new Map(demands.map((demand) => [demandId(demand), demand]));
  if (waiting.size === 0) return;
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
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
    options.log.error({ error }, 'a rehearsal failed');
    fault = { code: 'agent.bug', where: 'rehearse', what: error instanceof Error ? error.name : typeof error };
  } finally {
    stop.abort();
  }
  if (signal.aborted) return;
  for (const demand of waiting.values()) yield withoutRehearsal({ node, demand, fault, atMs: now() });
}

type Arrival = { readonly is: 'report'; readonly report: PullReport } | { readonly is: 'silence' };

/** Until no report comes for `silenceMs`, or the signal is aborted. An iterator that hangs is abandoned, not awaited. */
async function* untilSilent(
  reports: AsyncIterable<PullReport>,
  silenceMs: number,
  signal: AbortSignal,
): AsyncGenerator<Arrival> {
  const iterator = reports[Symbol.asyncIterator]();
  let isComplete = false;
  try {
    for (;;) {
      const next = await raced(iterator.next(), silenceMs, signal);
      if (next === 'aborted') return;
      if (next === 'silence') {
        yield { is: 'silence' };
        return;
      }
      isComplete = next.done === true;
      if (next.done === true) return;
      yield { is: 'report', report: next.value };
    }
  } finally {
    if (!isComplete) void iterator.return?.().then(ignore, ignore);
  }
}

async function raced<T>(
  pending: Promise<T>,
  silenceMs: number,
  signal: AbortSignal,
): Promise<T | 'silence' | 'aborted'> {
  const { promise: early, resolve } = Promise.withResolvers<'silence' | 'aborted'>();
  const timer = setTimeout(() => resolve('silence'), silenceMs);
  const stop = (): void => resolve('aborted');
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  pending.catch(ignore);
  try {
    return await Promise.race([pending, early]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function ignore(): void {
  // The result of an abandoned rehearsal is of no use.
}

/** Adds the advice to an unknown verdict of the agent's own making. */
export function explained(report: PullReport): PullReport {
  const { verdict } = report;
  if (report.advice !== undefined || verdict.is !== 'unknown') return report;
  return { ...report, advice: adviceFor(verdict.fault, { requestedBy: [] }) };
}

/** The report on a demand that was not rehearsed to the end. */
function withoutRehearsal(of: {
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

/** A collection takes about 20 ms of processor time with the Node flags of the image. */
const reportsBetweenCollections = 25;

/**
 * The same reports, with garbage collected between them. Node collects its old generation late: at the peak of a pass the agent
 * would hold half as much again as it uses, and every node pays for it.
 */
export async function* collectingGarbage<T>(
  items: AsyncIterable<T>,
  collectGarbage: (() => void) | undefined,
): AsyncGenerator<T> {
  if (collectGarbage === undefined) {
    yield* items;
    return;
  }
  // The first collection frees what was read for the pass.
  let since = reportsBetweenCollections;
  for await (const item of items) {
    if (since >= reportsBetweenCollections) collectGarbage();
    since = since >= reportsBetweenCollections ? 1 : since + 1;
    yield item;
  }
  collectGarbage();
}
