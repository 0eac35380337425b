/**
 * The agent's state: the demands, the last report on each image and the history before it. Readers get a Ledger, an immutable
 * snapshot.
 */
import { isUpcoming } from '#report/upcoming.ts';
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
import type { NodeView } from '#node/view.ts';
import { NodeForecasts } from './forecasts.ts';
import { Predictions } from './predictions.ts';
import type { Demand } from '#kubelet/demand.ts';

/** A report whose verdict or fault differs from the report before it. */
export interface Change {
  readonly was: Verdict['is'] | undefined;
  readonly wasFault: FaultCode | undefined;
  readonly entry: Entry;
}

interface StateOptions {
  readonly node: string;
  readonly startedMs: number;
  readonly cadenceMs: number;
  readonly keep: number;
  /** The longest time between two reports of a pass. */
  readonly silenceMs: number;
  /** From an earlier process. */
  readonly history: NodeHistory;
}

export class AgentState {
  readonly #node: string;
  readonly #startedMs: number;
  #cadenceMs: number;
  #keep: number;
  #silenceMs: number;
  #progressMs: number;
  #demands: ReadonlyMap<string, Demand> = new Map();
  readonly #entries = new Map<string, Entry>();
  #pass: Pass | undefined;
  #isHurried = false;
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

  /** Applies new bounds from the configuration. History stays, within them. */
  adopt({ cadenceMs, keep, silenceMs }: Pick<StateOptions, 'cadenceMs' | 'keep' | 'silenceMs'>): void {
    this.#silenceMs = silenceMs;
    this.#cadenceMs = cadenceMs;
    this.#keep = keep;
    for (const [id, entry] of this.#entries) this.#entries.set(id, { ...entry, history: trim(entry.history, keep) });
    this.#ledger = undefined;
  }

  /** Replaces the demands. Images that are no longer in demand are forgotten. */
  setDemands(demands: readonly Demand[]): void {
    this.#demands = new Map(demands.map((demand) => [demandId(demand), demand]));
    for (const id of this.#entries.keys()) if (!this.#demands.has(id)) this.#entries.delete(id);
    this.#predictions.keep(this.#demands);
    this.#forecasts.keep(demands);
    this.#ledger = undefined;
  }

  /** From now on the ledger includes the state of the cluster, and verdicts are scored against its pull outcomes. */
  watch(clusterState: () => ClusterState): void {
    this.#clusterState = clusterState;
    this.#ledger = undefined;
  }

  /** Scores the verdict that was in force when the kubelet began a pull against what the kubelet got. */
  score(outcome: PullOutcome): Score {
    this.#ledger = undefined;
    return this.#predictions.score(outcome, this.#demands);
  }

  /**
   * Records a report. Undefined: the image is not in demand, and the report is dropped. Null: verdict and fault are the same as
   * before.
   */
  enter(report: PullReport, { pace, dice }: { readonly pace: Pace; readonly dice: number }): Change | null | undefined {
    const id = reportId(report);
    const demand = this.#demands.get(id);
    if (demand === undefined) return undefined;
    const before = this.#entries.get(id);
    const outcome = outcomeOf(report);
    const history = remember(before?.history ?? emptyHistory, outcome, this.#keep);
    const endedMs = history.recent.at(-1)?.atMs ?? outcome.atMs;
    const own = slowed(pace, cadencesOf(demand));
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

  /** Makes the forecasts for the node as a whole from a new view of it. */
  evaluate(view: NodeView, nowMs: number): void {
    this.#forecasts.evaluate(view, this.read().entries, nowMs);
    this.#ledger = undefined;
  }

  /** Quota samples taken outside of rehearsals. */
  learnSamples(samples: readonly QuotaSample[]): void {
    this.#forecasts.learnSamples(samples);
    this.#ledger = undefined;
  }

  history(): NodeHistory {
    return this.#forecasts.history();
  }

  passed(pass: Pass): void {
    this.#pass = pass;
    this.#isHurried = false;
    this.#progressMs = pass.endedMs;
    this.#ledger = undefined;
  }

  /** After a change of the configuration: every image may be rehearsed at once, except where a registry's rate limit forbids it. */
  hurry(): void {
    this.#isHurried = true;
    for (const [id, entry] of this.#entries) {
      const { verdict } = entry.report;
      if (verdict.is === 'fails' && verdict.fault.code === 'api.rate_limited') continue;
      this.#entries.set(id, { id, report: entry.report, history: entry.history });
    }
    this.#ledger = undefined;
  }

  /**
   * The images of a pass that begins now: those never rehearsed, those due before the next regular pass, then those that have waited
   * longest; in each group, images of Pods on this node before those of Pods yet to come. `waits`: images that have to wait for
   * their share of a registry, and until when.
   */
  due(kind: 'regular' | 'early', nowMs: number, waits: ReadonlyMap<string, number>): readonly Demand[] {
    const order = new Map([...this.#demands.keys()].map((id) => [id, this.#orderOf(id, nowMs)] as const));
    return [...this.#demands]
      .filter(([id, demand]) => {
        const entry = this.#entries.get(id);
        const waitsUntil = waits.get(id);
        if (kind === 'early' && waitsUntil !== undefined) return waitsUntil <= nowMs;
        if (entry === undefined) return true;
        const lastMs = this.#lastMs(id);
        const mayWait = kind === 'regular' && !this.#isHurried && waitsUntil === undefined;
        const cadences = restOf(demand, entry.history, nowMs);
        if (mayWait && rests(cadences, { lastMs, cadenceMs: this.#cadenceMs, nowMs })) return false;
        if (kind === 'regular') return takesPart(entry.report.verdict, entry.dueMs, nowMs);
        return entry.dueMs !== undefined && entry.dueMs <= nowMs;
      })
      .toSorted(
        ([a, one], [b, other]) =>
          Number(isUpcoming(one.requestedBy)) - Number(isUpcoming(other.requestedBy)) ||
          (order.get(a) ?? 0) - (order.get(b) ?? 0),
      )
      .map(([, demand]) => demand);
  }

  #orderOf(id: string, nowMs: number): number {
    const { dueMs, report } = this.#entries.get(id) ?? {};
    // Due early: before every image that was rehearsed already, the longest due first.
    if (dueMs !== undefined && dueMs <= nowMs) return dueMs - 1e15;
    // Then those whose share has not allowed a rehearsal yet.
    const isOpen = report?.verdict.is === 'unknown' && report.verdict.fault.code === 'agent.over_budget';
    return isOpen ? this.#lastMs(id) - 1e14 : this.#lastMs(id);
  }

  /** When the next image is due early, or its share allows it. */
  nextDueMs(waits: ReadonlyMap<string, number>): number | undefined {
    const dues = [...this.#demands.keys()].flatMap((id) => waits.get(id) ?? this.#entries.get(id)?.dueMs ?? []);
    return dues.length === 0 ? undefined : dues.reduce((a, b) => Math.min(a, b));
  }

  last(id: string): PullReport | undefined {
    return this.#entries.get(id)?.report;
  }

  known(demand: Demand): { readonly demand: Demand; readonly report?: PullReport } {
    const report = this.last(demandId(demand));
    return { demand, ...(report === undefined ? {} : { report }) };
  }

  /** The report on an image holds no longer, and no other is known. */
  drop(id: string): void {
    this.#entries.delete(id);
    this.#ledger = undefined;
  }

  /** Every host got a connectivity probe. */
  progressed(nowMs: number): void {
    this.#progressMs = Math.max(this.#progressMs, nowMs);
    this.#ledger = undefined;
  }

  #lastMs(id: string): number {
    return this.#entries.get(id)?.history.recent.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
  }

  demands(): readonly Demand[] {
    return [...this.#demands.values()];
  }

  /** A snapshot. */
  read(): Ledger {
    const clusterState = this.#clusterState?.();
    this.#ledger ??= this.#makeLedger();
    return clusterState === undefined
      ? this.#ledger
      : { ...this.#ledger, cluster: clusterState, scores: this.#predictions.read() };
  }

  #makeLedger(): Ledger {
    return {
      node: this.#node,
      startedMs: this.#startedMs,
      entries: [...this.#demands.keys()].flatMap((id) => this.#entries.get(id) ?? []),
      asked: this.#demands.size,
      ...(this.#pass === undefined ? {} : { pass: this.#pass }),
      cadenceMs: this.#cadenceMs,
      progressMs: this.#progressMs,
      ...this.#forecasts.read(),
      staleAfterMs: 3 * this.#cadenceMs + this.#silenceMs + 60_000,
    };
  }
}
