/**
 * The agent's memory: the one object in the house that changes. What is asked for, the last report on each image and what came
 * before it. Everybody else gets a Ledger, which does not change.
 */
import { isComing } from '#catalog/share.ts';
import type { FaultCode } from '#report/fault.ts';
import { emptyHistory, failuresInRow, remember, trim, outcomeOf } from '#report/verdict-history.ts';
import type { ClusterState, Entry, Ledger, Pass } from '#report/ledger.ts';
import { demandId, reportId } from '#report/ledger.ts';
import type { Pace } from '#budget/pace.ts';
import { restOf } from '#budget/cadence.ts';
import { cadencesOf, dueAt, rests, slowed, takesPart } from '#budget/pace.ts';
import type { NodeHistory } from '#forecast/history/history.ts';
import type { QuotaSample } from '#report/quota.ts';
import type { PullReport } from '#report/report.ts';
import type { PullOutcome, Score } from '#report/score.ts';
import type { Verdict } from '#report/verdict.ts';
import type { Demand, NodeView } from '#node/view.ts';
import { NodeForecasts } from './forecasts.ts';
import { Predictions } from './predictions.ts';

/** How a report differs from the one before it; absent where it says the same. */
export interface Change {
  readonly was: Verdict['is'] | undefined;
  readonly wasFault: FaultCode | undefined;
  readonly entry: Entry;
}

export interface StateOptions {
  readonly node: string;
  readonly startedMs: number;
  readonly cadenceMs: number;
  readonly keep: number;
  /** The longest time that a pass may be silent. */
  readonly silenceMs: number;
  /** What an earlier life of the agent left. */
  readonly history: NodeHistory;
}

export class AgentState {
  readonly #node: string;
  readonly #startedMs: number;
  #cadenceMs: number;
  #keep: number;
  #silenceMs: number;
  #progressMs: number;
  #asked: ReadonlyMap<string, Demand> = new Map();
  readonly #entries = new Map<string, Entry>();
  #pass: Pass | undefined;
  #hurried = false;
  #clusterState: (() => ClusterState) | undefined;
  readonly #predictions = new Predictions();
  #ledger: Ledger | undefined;
  readonly #forecasts: NodeForecasts;

  constructor({ node, startedMs, cadenceMs, keep, silenceMs, history }: StateOptions) {
    this.#forecasts = new NodeForecasts(history);
    this.#node = node;
    this.#startedMs = startedMs;
    this.#cadenceMs = cadenceMs;
    this.#keep = keep;
    this.#silenceMs = silenceMs;
    this.#progressMs = startedMs;
  }

  /** What the configuration says about remembering changed; what is remembered stays, within the new bounds. */
  rule({ cadenceMs, keep, silenceMs }: Pick<StateOptions, 'cadenceMs' | 'keep' | 'silenceMs'>): void {
    this.#silenceMs = silenceMs;
    this.#cadenceMs = cadenceMs;
    this.#keep = keep;
    for (const [id, entry] of this.#entries) this.#entries.set(id, { ...entry, history: trim(entry.history, keep) });
    this.#ledger = undefined;
  }

  /** What is asked for from now on; what is asked for no more is forgotten. */
  ask(demands: readonly Demand[]): void {
    this.#asked = new Map(demands.map((demand) => [demandId(demand), demand]));
    for (const id of this.#entries.keys()) if (!this.#asked.has(id)) this.#entries.delete(id);
    this.#predictions.keep(this.#asked);
    this.#forecasts.keep(demands);
    this.#ledger = undefined;
  }

  /** A cluster is watched: from now on the ledger says how well it is seen, and verdicts are held against its outcomes. */
  watch(clusterState: () => ClusterState): void {
    this.#clusterState = clusterState;
    this.#ledger = undefined;
  }

  /** What the kubelet got, against the verdict that stood when it began. */
  hold(outcome: PullOutcome): Score {
    this.#ledger = undefined;
    return this.#predictions.hold(outcome, this.#asked);
  }

  /** Reports on images that nobody asked for are refused (undefined); equal ones change the time alone (null). */
  enter(report: PullReport, { pace, dice }: { readonly pace: Pace; readonly dice: number }): Change | null | undefined {
    const id = reportId(report);
    const asked = this.#asked.get(id);
    if (asked === undefined) return undefined;
    const before = this.#entries.get(id);
    const outcome = outcomeOf(report);
    const history = remember(before?.history ?? emptyHistory, outcome, this.#keep);
    const endedMs = history.recent.at(-1)?.atMs ?? outcome.atMs;
    const own = slowed(pace, cadencesOf(asked));
    const due = dueAt({ verdict: report.verdict, endedMs, failures: failuresInRow(history) }, own, dice);
    const entry = { id, report, history, ...(due === undefined ? {} : { dueMs: due }) };
    this.#entries.set(id, entry);
    this.#forecasts.learn(report);
    if (this.#clusterState !== undefined) this.#predictions.note(id, report, history.sinceMs ?? endedMs);
    this.#progressMs = Math.max(this.#progressMs, endedMs);
    this.#ledger = undefined;
    const last = before?.history.recent.at(-1);
    if (last?.is === outcome.is && last.fault === outcome.fault) return null;
    return { was: last?.is, wasFault: last?.fault, entry };
  }

  /** One more look at the node, and what follows from all that is known. */
  evaluate(view: NodeView, nowMs: number): void {
    this.#forecasts.evaluate(view, this.read().entries, nowMs);
    this.#ledger = undefined;
  }

  /** Looks at quotas beside the rehearsals. */
  learnSamples(samples: readonly QuotaSample[]): void {
    this.#forecasts.learnSamples(samples);
    this.#ledger = undefined;
  }

  history(): NodeHistory {
    return this.#forecasts.history();
  }

  passed(pass: Pass): void {
    this.#pass = pass;
    this.#hurried = false;
    this.#progressMs = pass.endedMs;
    this.#ledger = undefined;
  }

  /** After a change of configuration everything may be asked again at once, except what a registry's quota forbids. */
  hurry(): void {
    this.#hurried = true;
    for (const [id, entry] of this.#entries) {
      const { verdict } = entry.report;
      if (verdict.is === 'fails' && verdict.fault.code === 'api.rate_limited') continue;
      this.#entries.set(id, { id, report: entry.report, history: entry.history });
    }
    this.#ledger = undefined;
  }

  /**
   * Who takes part in a pass that begins now: what was never rehearsed, what is due out of turn, then those that have waited
   * longest; in each, what is here before what is yet to come. `waits`: those that could not go yet, and until when.
   */
  due(kind: 'regular' | 'early', nowMs: number, waits: ReadonlyMap<string, number>): readonly Demand[] {
    const order = new Map([...this.#asked.keys()].map((id) => [id, this.#orderOf(id, nowMs)] as const));
    return [...this.#asked]
      .filter(([id, demand]) => {
        const entry = this.#entries.get(id);
        const waitsUntil = waits.get(id);
        if (kind === 'early' && waitsUntil !== undefined) return waitsUntil <= nowMs;
        if (entry === undefined) return true;
        const lastMs = this.#lastAt(id);
        const mayRest = kind === 'regular' && !this.#hurried && waitsUntil === undefined;
        const cadences = restOf(demand, entry.history, nowMs);
        if (mayRest && rests(cadences, { lastMs, cadenceMs: this.#cadenceMs, nowMs })) return false;
        if (kind === 'regular') return takesPart(entry.report.verdict, entry.dueMs, nowMs);
        return entry.dueMs !== undefined && entry.dueMs <= nowMs;
      })
      .toSorted(
        ([a, one], [b, other]) =>
          Number(isComing(one.requestedBy)) - Number(isComing(other.requestedBy)) ||
          (order.get(a) ?? 0) - (order.get(b) ?? 0),
      )
      .map(([, demand]) => demand);
  }

  #orderOf(id: string, nowMs: number): number {
    const { dueMs, report } = this.#entries.get(id) ?? {};
    // Out of turn: before everybody who has ever been rehearsed, the longest due first.
    if (dueMs !== undefined && dueMs <= nowMs) return dueMs - 1e15;
    // Then those of whom nothing is known, for want of a turn.
    const isOpen = report?.verdict.is === 'unknown' && report.verdict.fault.code === 'agent.over_budget';
    return isOpen ? this.#lastAt(id) - 1e14 : this.#lastAt(id);
  }

  /** When somebody is due out of turn, or may go at last. */
  nextDueMs(waits: ReadonlyMap<string, number>): number | undefined {
    const dues = [...this.#asked.keys()].flatMap((id) => waits.get(id) ?? this.#entries.get(id)?.dueMs ?? []);
    return dues.length === 0 ? undefined : dues.reduce((a, b) => Math.min(a, b));
  }

  last(id: string): PullReport | undefined {
    return this.#entries.get(id)?.report;
  }

  known(demand: Demand): { readonly demand: Demand; readonly report?: PullReport } {
    const report = this.last(demandId(demand));
    return { demand, ...(report === undefined ? {} : { report }) };
  }

  /** What was said of an image holds no longer, and nothing else is known. */
  drop(id: string): void {
    this.#entries.delete(id);
    this.#ledger = undefined;
  }

  /** Every host was looked at. */
  progressed(nowMs: number): void {
    this.#progressMs = Math.max(this.#progressMs, nowMs);
    this.#ledger = undefined;
  }

  #lastAt(id: string): number {
    return this.#entries.get(id)?.history.recent.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
  }

  demands(): readonly Demand[] {
    return [...this.#asked.values()];
  }

  /** As it is now; what was handed out never changes. */
  read(): Ledger {
    const clusterState = this.#clusterState?.();
    this.#ledger ??= this.#made();
    return clusterState === undefined
      ? this.#ledger
      : { ...this.#ledger, cluster: clusterState, scores: this.#predictions.read() };
  }

  #made(): Ledger {
    return {
      node: this.#node,
      startedMs: this.#startedMs,
      entries: [...this.#asked.keys()].flatMap((id) => this.#entries.get(id) ?? []),
      asked: this.#asked.size,
      ...(this.#pass === undefined ? {} : { pass: this.#pass }),
      cadenceMs: this.#cadenceMs,
      progressMs: this.#progressMs,
      ...this.#forecasts.read(),
      staleAfterMs: 3 * this.#cadenceMs + this.#silenceMs + 60_000,
    };
  }
}
