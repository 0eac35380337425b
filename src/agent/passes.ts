/**
 * The agent's rounds: passes one after another, regular ones on the schedule and early ones for what failed, and what they leave
 * in the book, in the metrics and in the log.
 */
import { defaultPace } from '#budget/pace.ts';
import { emptyNodeHistory, type NodeHistory } from '#forecast/history/history.ts';
import { phaseOf } from '#budget/phase.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand } from '#node/view.ts';
import type { AgentDependencies } from './agent.ts';
import { AgentState } from './state.ts';
import type { Config } from '#config/config.ts';
import { jitterMs } from '#config/config.ts';
import { Pacing, patient } from './pacing.ts';
import { explained, runPass } from './pass.ts';
import { QuotaWatch } from './quota-watch.ts';
import { logChange, logScore } from './log-changes.ts';
import { pause, startSchedule, type TickSource } from './schedule.ts';
import type { Metrics } from '#output/metrics/metrics.ts';
import { openMetrics } from '#output/metrics/metrics.ts';
import { tidied } from './release-memory.ts';
import { within } from './with-timeout.ts';

export class Rounds {
  readonly state: AgentState;
  readonly metrics: Metrics;
  readonly #dependencies: AgentDependencies;
  readonly #node: string;
  config: Config;
  #ticks: TickSource | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly pacing: Pacing;
  #running: Promise<void> = Promise.resolve();
  readonly #quotas: QuotaWatch;
  readonly #queued: { regular?: Promise<void> | undefined; early?: Promise<void> | undefined } = {};

  constructor(dependencies: AgentDependencies) {
    this.#dependencies = dependencies;
    this.config = dependencies.config;
    this.#node = dependencies.config.nodeName ?? dependencies.hostName;
    const { now } = dependencies.clock;
    this.state = new AgentState({
      node: this.#node,
      startedMs: now(),
      cadenceMs: this.config.schedule.cadenceMs,
      keep: this.config.historyPerImage,
      silenceMs: silenceMs(this.config),
      history: dependencies.state?.first ?? emptyNodeHistory,
    });
    this.pacing = new Pacing({ node: this.#node, state: this.state, config: () => this.config, agent: dependencies });
    this.metrics = openMetrics({
      ledger: () => this.state.read(),
      now,
      vitals: dependencies.vitals,
      version: dependencies.version,
      perImageSeries: () => this.config.perImageSeries,
      manners: this.pacing,
    });
    this.#quotas = new QuotaWatch({ readView: () => this.#sampleQuotas(), log: dependencies.log });
    this.#watch();
  }

  begin(): void {
    this.#tick();
    void this.regular();
  }

  /** A new configuration: its schedule at once, its images with a pass at once, everything remembered kept. */
  adopt(config: Config): void {
    this.config = config;
    this.#dependencies.log.setLevel(config.logLevel);
    this.state.rule({
      cadenceMs: config.schedule.cadenceMs,
      keep: config.historyPerImage,
      silenceMs: silenceMs(config),
    });
    this.state.hurry();
    this.begin();
  }

  /** Waits for what runs to notice, but not for ever. */
  async end(graceMs: number): Promise<void> {
    this.#ticks?.stop();
    this.#quotas.stop();
    clearTimeout(this.#timer);
    await within(this.#running, graceMs);
  }

  /** A regular pass after whatever runs; one that waits already serves. */
  regular(): Promise<void> {
    return this.#queue('regular');
  }
  /** Something new is asked for, or something is not any more. */
  readonly early = (): void => void this.#queue('early');

  #queue(kind: 'regular' | 'early'): Promise<void> {
    return (this.#queued[kind] ??= this.#enqueue(kind));
  }

  #watch(): void {
    const { cluster, log } = this.#dependencies;
    if (cluster === undefined) return;
    this.state.watch(cluster.clusterState);
    cluster.listen({
      ledger: () => this.state.read(),
      demandsChanged: this.early,
      outcome: (outcome) => {
        const found = this.state.hold(outcome);
        this.metrics.scored(found);
        logScore(log, found);
      },
    });
  }

  #isOver(): boolean {
    return this.#dependencies.signal.aborted;
  }

  #tick(): void {
    this.#ticks?.stop();
    const { log } = this.#dependencies;
    this.#ticks = startSchedule({
      schedule: this.config.schedule,
      // A part of the jitter that is this node's for ever: a fleet stays spread over it.
      delayMs: jitterMs(this.config) * phaseOf(this.#node),
      pass: () => this.regular(),
      skipped: (why) => {
        log.warn({ why }, 'a pass was skipped');
        // After a sleep of the machine the old reports say nothing: do not wait for the next stroke.
        if (why === 'missed') void this.regular();
      },
    });
  }

  #enqueue(kind: 'regular' | 'early'): Promise<void> {
    this.#running = this.#running
      .then(() => this.#pass(kind))
      .catch((error: unknown) => this.#dependencies.log.error({ error }, 'a pass broke'));
    return this.#running;
  }

  async #pass(kind: 'regular' | 'early'): Promise<void> {
    // A request that comes while this pass runs wants another one after it.
    this.#queued[kind] = undefined;
    const { clock, log, cluster } = this.#dependencies;
    if (this.#isOver()) return;
    clearTimeout(this.#timer);
    const startedMs = clock.now();
    await this.#ask();
    if (kind === 'regular' && this.state.read().pass === undefined)
      await pause(this.pacing.firstDelayMs(), this.#dependencies.signal);
    const now = await this.#choose(kind);
    for await (const report of tidied(this.#reports(now), this.#dependencies.tidy)) this.#enter(report);
    if (this.#isOver()) return;
    const endedMs = clock.now();
    await within(this.#quotas.readView(), this.config.deadline);
    await this.#forecast();
    if (kind === 'regular') this.state.passed({ endedMs, ms: endedMs - startedMs, images: now.length });
    cluster?.passed();
    log.debug({ kind, images: now.length, ms: endedMs - startedMs }, 'pass ended');
    this.#rearm();
  }

  async #ask(): Promise<void> {
    try {
      const demands = await within(this.#dependencies.demands(this.config), this.config.deadline);
      if (demands === undefined) throw new Error('no answer within the deadline of a rehearsal');
      this.state.ask(demands);
    } catch (error) {
      this.#dependencies.log.error({ error }, 'could not read what is asked for: going on with what was known');
    }
  }

  async #choose(kind: 'regular' | 'early'): Promise<readonly Demand[]> {
    const { probe, signal, log } = this.#dependencies;
    const prober = patient((at) => probe?.(at, this.config, signal), { waitMs: silenceMs(this.config), log });
    const { now, again } = await this.pacing.choose(kind, prober);
    for (const report of again) this.#note(report);
    return now;
  }

  #reports(demands: readonly Demand[]): AsyncIterable<PullReport> {
    const { rehearse, clock, signal, log } = this.#dependencies;
    const { config, state, pacing } = this;
    const at = { history: () => state.history(), tagIsDue: pacing.tagsDue(), mayEnter: pacing.enters };
    return runPass({
      node: this.#node,
      demands,
      rehearse: (both) => rehearse(demands, config, { ...at, signal: both }),
      silenceMs: silenceMs(config),
      now: clock.now,
      signal,
      broke: (error) => log.error({ error }, 'a rehearsal broke'),
    });
  }

  async #sampleQuotas(): Promise<void> {
    const { sampleQuotas, signal } = this.#dependencies;
    if (sampleQuotas === undefined || this.config.quotaSamples === 'off' || this.#isOver()) return;
    const history = (): NodeHistory => this.state.history();
    const { entries } = this.state.read();
    const at = { signal, history, entries, demands: this.state.demands(), admit: this.pacing.admit };
    this.state.learnSamples(await sampleQuotas(this.config, at));
  }

  /** What the node as a whole has coming; a look that fails leaves what was foretold last. */
  async #forecast(): Promise<void> {
    const { readView, clock, log, state } = this.#dependencies;
    if (readView === undefined) return;
    try {
      const view = await readView(this.config);
      this.state.evaluate(view, clock.now());
      await state?.save(this.state.history());
    } catch (error) {
      log.error({ error }, 'could not look ahead: going on with what was foretold');
    }
  }

  #enter(report: PullReport): void {
    const entered = explained(report, this.#dependencies.advise);
    const accepted = this.pacing.entered(entered);
    if (accepted !== undefined && this.#note(accepted)) this.metrics.observe(entered);
  }

  /** False where nobody asked for it. */
  #note(report: PullReport): boolean {
    const { clock, log, cluster } = this.#dependencies;
    const pace = { ...defaultPace, cadenceMs: this.config.schedule.cadenceMs };
    const change = this.state.enter(report, { pace, dice: clock.random() });
    if (change !== undefined && change !== null) {
      logChange(log, change);
      cluster?.changed(change);
    }
    return change !== undefined;
  }

  #rearm(): void {
    const { clock } = this.#dependencies;
    const due = this.pacing.nextDueMs();
    if (due === undefined || this.#isOver()) return;
    // Not below a second, whatever the clock does; not above what a timer can hold.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.early, Math.min(Math.max(due - clock.now(), 1000), 2 ** 31 - 1));
  }
}

/** Twice the deadline of a rehearsal: whoever is silent for so long has lost it. */
function silenceMs({ deadline }: Config): number {
  return 2 * deadline + 10_000;
}
