/**
 * Passes over the images of this node, one after another: regular ones on the schedule and early ones for what failed. Each pass
 * updates the state, the metrics, the log and the cluster.
 */
import { defaultPace } from '#budget/pace.ts';
import { phaseOf } from '#budget/hash.ts';
import type { Config } from '#config/config.ts';
import { jitterMs } from '#config/config.ts';
import { emptyNodeHistory, type NodeHistory } from '#forecast/history/history.ts';
import type { Demand } from '#kubelet/demand.ts';
import type { Log } from '#output/log.ts';
import type { Metrics } from '#output/metrics/metrics.ts';
import { openMetrics } from '#output/metrics/metrics.ts';
import type { PullReport } from '#report/report.ts';
import { delay, withTimeout } from '#timing.ts';
import type {
  AgentSettings,
  Clock,
  ClusterLink,
  DemandSource,
  Fleet,
  HistoryStore,
  NodeReader,
  NodeRehearser,
  ProcessUsage,
} from './collaborators.ts';
import { logChange, logScore } from './log-changes.ts';
import { Pacing, probeWithin } from './pacing.ts';
import { collectingGarbage, explained, runPass } from './pass.ts';
import { QuotaWatch } from './quota-watch.ts';
import { ticks } from './schedule.ts';
import { AgentState } from './state.ts';

export interface PassDependencies extends Omit<AgentSettings, 'changes'> {
  readonly source: DemandSource;
  readonly rehearser: NodeRehearser;
  /** Absent: no forecasts for the node as a whole. */
  readonly reader?: NodeReader;
  readonly store?: HistoryStore;
  /** Absent: this agent is alone. */
  readonly fleet?: Fleet;
  readonly cluster?: ClusterLink;
  readonly clock: Clock;
  readonly usage: ProcessUsage;
  readonly log: Log;
  /** Aborted by SIGTERM. */
  readonly signal: AbortSignal;
}

type Kind = 'regular' | 'early';

export class Passes {
  readonly state: AgentState;
  readonly metrics: Metrics;
  readonly pacing: Pacing;
  config: Config;
  readonly #dependencies: PassDependencies;
  readonly #quotas: QuotaWatch;
  readonly #queued: { regular?: Promise<void> | undefined; early?: Promise<void> | undefined } = {};
  #schedule = new AbortController();
  #earlyTimer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(dependencies: PassDependencies) {
    const { config, node, version, clock, fleet, rehearser, usage, log, store, cluster } = dependencies;
    this.#dependencies = dependencies;
    this.config = config;
    this.state = new AgentState({
      node,
      startedMs: clock.now(),
      ...limitsOf(config),
      history: store?.first ?? emptyNodeHistory,
    });
    const spent = (): ReturnType<NodeRehearser['spent']> => rehearser.spent();
    this.pacing = new Pacing(config, {
      node,
      state: this.state,
      clock,
      spent,
      ...(fleet === undefined ? {} : { fleet }),
    });
    this.metrics = openMetrics({
      ledger: () => this.state.read(),
      now: () => clock.now(),
      vitals: usage.vitals,
      version,
      perImageSeries: () => this.config.perImageSeries,
      manners: this.pacing,
    });
    this.#quotas = new QuotaWatch(() => this.#sampleQuotas(), log);
    if (cluster === undefined) return;
    this.state.watch(() => cluster.clusterState());
    void this.#followCluster(cluster);
  }

  begin(): void {
    this.#schedule.abort();
    this.#schedule = new AbortController();
    void this.#followSchedule(this.#schedule.signal);
    void this.regular();
  }

  /** Applies a new configuration: its schedule and its images at once. History is kept. */
  adopt(config: Config): void {
    this.config = config;
    this.#dependencies.log.setLevel(config.logLevel);
    this.pacing.adopt(config);
    this.state.adopt(limitsOf(config));
    this.state.hurry();
    this.begin();
  }

  /** Waits up to `graceMs` for the current pass to stop. */
  async end(graceMs: number): Promise<void> {
    this.#schedule.abort();
    this.#quotas.stop();
    clearTimeout(this.#earlyTimer);
    await withTimeout(this.#running, graceMs);
  }

  /** Queues a regular pass, unless one is queued already. */
  regular(): Promise<void> {
    return this.#queue('regular');
  }

  #early(): void {
    void this.#queue('early');
  }

  #queue(kind: Kind): Promise<void> {
    return (this.#queued[kind] ??= this.#enqueue(kind));
  }

  #enqueue(kind: Kind): Promise<void> {
    this.#running = this.#running
      .then(() => this.#pass(kind))
      .catch((error: unknown) => this.#dependencies.log.error({ error }, 'a pass failed'));
    return this.#running;
  }

  async #followSchedule(stop: AbortSignal): Promise<void> {
    const { log, clock, node } = this.#dependencies;
    // Each node begins at its own part of the jitter, the same after every restart: the fleet stays spread over it.
    const delayMs = jitterMs(this.config) * phaseOf(node);
    for await (const tick of ticks(this.config.schedule, { delayMs, now: () => clock.now(), signal: stop })) {
      if (tick !== 'due') log.warn({ why: tick }, 'a pass was skipped');
      // After the machine slept the old reports describe another time: begin at once.
      if (tick !== 'overlap') await this.regular();
    }
  }

  async #followCluster(cluster: ClusterLink): Promise<void> {
    for await (const event of cluster.events) {
      switch (event.is) {
        case 'demands_changed':
          this.#early();
          break;
        case 'pull_outcome': {
          const score = this.state.score(event.outcome);
          this.metrics.scored(score);
          logScore(this.#dependencies.log, score);
          break;
        }
        case 'status_due':
          cluster.publish(this.state.read());
          break;
      }
    }
  }

  #isOver(): boolean {
    return this.#dependencies.signal.aborted;
  }

  async #pass(kind: Kind): Promise<void> {
    // A request that comes while this pass runs gets a pass of its own after it.
    this.#queued[kind] = undefined;
    const { clock, log, cluster, usage, signal } = this.#dependencies;
    if (this.#isOver()) return;
    clearTimeout(this.#earlyTimer);
    const startedMs = clock.now();
    await this.#readDemands();
    const isFirst = kind === 'regular' && this.state.read().pass === undefined;
    const firstDelayMs = isFirst ? this.pacing.firstDelayMs() : 0;
    if (firstDelayMs >= 1) await delay(firstDelayMs, signal);
    const chosen = await this.#choose(kind);
    for await (const report of collectingGarbage(this.#rehearse(chosen), usage.collectGarbage)) this.#enter(report);
    if (this.#isOver()) return;
    const endedMs = clock.now();
    await withTimeout(this.#quotas.sample(), this.config.deadline);
    await this.#forecast();
    if (kind === 'regular') this.state.passed({ endedMs, ms: endedMs - startedMs, images: chosen.length });
    cluster?.publish(this.state.read());
    log.debug({ kind, images: chosen.length, ms: endedMs - startedMs }, 'pass ended');
    this.#armEarly();
  }

  async #readDemands(): Promise<void> {
    const { source, log } = this.#dependencies;
    try {
      const demands = await withTimeout(source.demands(this.config), this.config.deadline);
      if (demands === undefined) throw new Error('no answer within the deadline of a rehearsal');
      this.state.setDemands(demands);
    } catch (error) {
      log.error({ error }, 'cannot read which images are in demand: the last known ones stay in force');
    }
  }

  async #choose(kind: Kind): Promise<readonly Demand[]> {
    const { rehearser, signal, log } = this.#dependencies;
    const { silenceMs } = limitsOf(this.config);
    const prober = probeWithin(silenceMs, (known) => rehearser.probe(known, this.config, signal), log);
    const { now, again } = await this.pacing.choose(kind, prober);
    for (const report of again) this.#note(report);
    return now;
  }

  #rehearse(demands: readonly Demand[]): AsyncIterable<PullReport> {
    const { rehearser, clock, signal, log, node } = this.#dependencies;
    const { config, state, pacing } = this;
    const limits = { history: () => state.history(), tagIsDue: pacing.tagsDue(), mayRequest: pacing.enters };
    return runPass({
      node,
      demands,
      rehearse: (stop) => rehearser.rehearse(demands, config, { ...limits, signal: stop }),
      silenceMs: limitsOf(config).silenceMs,
      now: () => clock.now(),
      signal,
      log,
    });
  }

  async #sampleQuotas(): Promise<void> {
    const { rehearser, signal } = this.#dependencies;
    if (this.config.quotaSamples === 'off' || this.#isOver()) return;
    const history = (): NodeHistory => this.state.history();
    const { entries } = this.state.read();
    const limits = { signal, history, entries, demands: this.state.demands(), admit: this.pacing.admit };
    this.state.learnSamples(await rehearser.sampleQuotas(this.config, limits));
  }

  /** Makes the forecasts for the node as a whole. After a failure the last ones stay. */
  async #forecast(): Promise<void> {
    const { reader, clock, log, store } = this.#dependencies;
    if (reader === undefined) return;
    try {
      this.state.evaluate(await reader.readView(this.config), clock.now());
      await store?.save(this.state.history());
    } catch (error) {
      log.error({ error }, 'cannot make forecasts: the last ones stay');
    }
  }

  #enter(report: PullReport): void {
    const entered = explained(report);
    const accepted = this.pacing.entered(entered);
    if (accepted !== undefined && this.#note(accepted)) this.metrics.observe(entered);
  }

  /** False where the image is not in demand. */
  #note(report: PullReport): boolean {
    const { clock, log, cluster } = this.#dependencies;
    const pace = { ...defaultPace, cadenceMs: this.config.schedule.cadenceMs };
    const change = this.state.enter(report, { pace, dice: clock.random() });
    if (change !== undefined && change !== null) {
      logChange(log, change);
      cluster?.publish(this.state.read(), change);
    }
    return change !== undefined;
  }

  #armEarly(): void {
    const due = this.pacing.nextDueMs();
    if (due === undefined || this.#isOver()) return;
    // At least a second, whatever the clock does; at most what a timer can hold.
    const waitMs = Math.min(Math.max(due - this.#dependencies.clock.now(), 1000), 2 ** 31 - 1);
    clearTimeout(this.#earlyTimer);
    this.#earlyTimer = setTimeout(() => this.#early(), waitMs);
  }
}

/** `silenceMs`: a rehearsal that sends no report for twice its deadline hangs. */
function limitsOf({ schedule, historyPerImage, deadline }: Config): {
  readonly cadenceMs: number;
  readonly keep: number;
  readonly silenceMs: number;
} {
  return { cadenceMs: schedule.cadenceMs, keep: historyPerImage, silenceMs: 2 * deadline + 10_000 };
}
