/** Reports and a ledger as literals: a node on which a dozen images meet a dozen fates. For tests and for looking at the page. */
import type { Fault } from '#report/fault.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { History, PastOutcome } from '#report/verdict-history.ts';
import { emptyHistory, remember, outcomeOf } from '#report/verdict-history.ts';
import type { Entry, Ledger } from '#report/ledger.ts';
import { reportId } from '#report/ledger.ts';
import type { Exchange, Stage } from '#report/rehearsal.ts';
import type { Advice, KubeletText, PullReport } from '#report/report.ts';
import { exchange, healthy, opened } from './exchanges.ts';
import { worlds } from './worlds.ts';

export const now = Date.parse('2026-03-04T12:00:00.000Z');
const confidence = { is: 'exact', because: [] } as const;

export interface Sketch {
  readonly image: string;
  readonly registry?: string;
  readonly path?: string;
  readonly ms?: number;
}

export function pulling(sketch: Sketch): PullReport {
  const registry = sketch.registry ?? 'registry.example.com';
  return {
    version: 1,
    node: 'node-7',
    at: new Date(now - 110_000).toISOString(),
    ms: sketch.ms ?? 354,
    image: sketch.image,
    reference: sketch.image,
    registry,
    policy: 'IfNotPresent',
    requestedBy: [],
    verdict: { is: 'pulls', confidence },
    forecasts: [],
    plan: {
      runtime: 'containerd://2.1.9',
      engine: 'local',
      platform: 'linux/amd64',
      identities: ['anonymous'],
      routes: [
        {
          url: `https://${registry}/v2`,
          role: 'origin',
          resolves: true,
          tls: 'verified',
          because: 'the registry itself',
        },
      ],
      doubts: [],
    },
    attempts: [healthy(registry, sketch.path ?? 'shop/web')],
    evidence: [],
    warnings: [],
  };
}

export interface Failure extends Sketch {
  readonly is?: 'fails' | 'unknown';
  readonly fault: Fault;
  readonly stage: Stage;
  readonly advice: Advice;
  readonly kubelet?: KubeletText;
  readonly exchanges?: readonly Exchange[];
}

export function failing(failure: Failure): PullReport {
  const { fault, stage } = failure;
  const verdict = { is: failure.is ?? 'fails', fault, stage, confidence } as const;
  return {
    ...pulling(failure),
    verdict,
    advice: failure.advice,
    ...(failure.kubelet === undefined ? {} : { kubelet: failure.kubelet }),
    attempts: [
      { as: 'anonymous', exchanges: failure.exchanges ?? [], ending: { is: 'failed', fault, stage, shown: '' } },
    ],
  };
}

export function risking(sketch: Sketch, forecasts: readonly Forecast[]): PullReport {
  const cause = forecasts[0];
  return {
    ...pulling(sketch),
    verdict: { is: 'at_risk', forecasts, confidence },
    forecasts,
    ...(cause === undefined ? {} : { advice: { cause: cause.because, remedy: cause.remedy, owner: 'registry' } }),
  };
}

/** What the kubelet writes for a pull error. */
export function errImagePull(image: string, error: string): KubeletText {
  return {
    waitingReason: 'ErrImagePull',
    waitingMessage: `failed to pull and unpack image "${image}": ${error}`,
    backOffMessage: `Back-off pulling image "${image}": ErrImagePull: ${error}`,
    events: [
      { type: 'Warning', reason: 'Failed', message: `Failed to pull image "${image}": ${error}` },
      { type: 'Warning', reason: 'Failed', message: 'Error: ErrImagePull' },
    ],
  };
}

export const reports = worlds({ failing, pulling, risking, errImagePull, exchange, opened });

/** Six hours of turns every five minutes that end with the report's own verdict since `forMs`. */
export function livedThrough(report: PullReport, forMs: number, before: readonly Partial<PastOutcome>[] = []): History {
  const end = Date.parse(report.at);
  const earlier = before.map((turn, index): PastOutcome => {
    const { fault, stage } = turn;
    const cause = { ...(fault === undefined ? {} : { fault }), ...(stage === undefined ? {} : { stage }) };
    return { atMs: end - forMs - (before.length - index) * 1_800_000, ms: 300, is: turn.is ?? 'pulls', ...cause };
  });
  const present: PastOutcome[] = [];
  for (let atMs = end - forMs; atMs <= end; atMs += 300_000) present.push({ ...outcomeOf(report), atMs });
  return [...earlier, ...present].reduce((history, turn) => remember(history, turn, 32), emptyHistory);
}

export function entry(report: PullReport, forMs = 6 * 3_600_000, before: readonly Partial<PastOutcome>[] = []): Entry {
  return { id: reportId(report), report, history: livedThrough(report, forMs, before) };
}

export function ledgerOf(entries: readonly Entry[], over: Partial<Ledger> = {}): Ledger {
  return {
    node: 'node-7',
    startedMs: now - 8 * 3_600_000,
    entries,
    asked: entries.length,
    pass: { endedMs: now - 110_000, ms: 2_140, images: entries.length },
    cadenceMs: 300_000,
    progressMs: now - 110_000,
    forecasts: [],
    staleAfterMs: 960_000,
    ...over,
  };
}

/** An agent that started a second ago and has not ended its first pass. */
export function startingLedger(entries: readonly Entry[] = []): Ledger {
  return {
    node: 'node-7',
    startedMs: now - 1000,
    entries,
    asked: Math.max(1, entries.length),
    cadenceMs: 300_000,
    progressMs: now - 1000,
    forecasts: [],
    staleAfterMs: 960_000,
  };
}

const refusedBefore: readonly Partial<PastOutcome>[] = [
  {},
  {},
  { is: 'fails', fault: 'dns.timed_out', stage: 'dns' },
  {},
  {},
  { is: 'fails', fault: 'tcp.refused', stage: 'tcp' },
  {},
];

/** The whole node: every verdict, worst and best. */
export const node7: Ledger = ledgerOf([
  entry(reports.pulls),
  entry(reports.refused, 47 * 60_000, refusedBefore),
  entry(reports.denied, 3 * 3_600_000, [{}, {}]),
  entry(reports.untrusted, 9 * 60_000, [{}, { is: 'at_risk', fault: 'tls.untrusted' }]),
  entry(reports.atRisk, 5 * 3_600_000, [{}]),
  entry(reports.unknown, 20 * 60_000, [{}, {}, {}]),
  entry(reports.badTag, 26 * 3_600_000),
  ...reports.fine.map((report) => entry(report)),
]);
