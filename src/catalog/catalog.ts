/**
 * The life of `drypull catalog`: what is found is written when it has changed and has stood a moment, never more often than once
 * in ten seconds. While the API server is away it goes on with what it has; a kind that may not be read is said and left out.
 */
import type { Fault } from '#report/fault.ts';
import type { CatalogWriter } from './publish.ts';
import type { ListState, WorkloadWatch, WorkloadWorld } from './watch-workloads.ts';
import type { CatalogMetrics, CatalogState } from '#output/metrics/catalog.ts';
import type { Log } from '#output/log.ts';

export interface CatalogDependencies extends Omit<WorkloadWorld, 'onChange'> {
  readonly watch: (onChange: WorkloadWorld['onChange']) => WorkloadWatch;
  readonly writer: CatalogWriter;
  readonly log: Log;
}

/** A deployment is several objects, and they come in a burst. */
const burstMs = 1000;
const betweenWritesMs = 10_000;
/** Whether somebody deleted what was written is looked at so often. */
const retryMs = 10 * 60_000;
const failureMs = { first: 5000, most: 300_000 } as const;
/** Watches end, and are opened again within this. */
const graceMs = 15_000;
/** The loop turns at least so often, or it stands still. */
const loopMs = 60_000;

interface Reported {
  readonly is: ListState['is'];
  /** Since when it is not open. */
  readonly sinceMs: number;
  readonly wasLogged: boolean;
}

export class Catalog {
  readonly #dependencies: CatalogDependencies;
  readonly #metrics: () => CatalogMetrics;
  readonly #watch: WorkloadWatch;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  readonly #reported = new Map<string, Reported>();
  #wake = new AbortController();
  #changedMs: number | undefined;
  #checkedMs = Number.NEGATIVE_INFINITY;
  #writtenMs: number | undefined;
  #retry: { readonly atMs: number; readonly failures: number; readonly fault: Fault } | undefined;
  #published: CatalogState['published'];
  #turnedMs: number;

  constructor(dependencies: CatalogDependencies, metrics: () => CatalogMetrics) {
    this.#dependencies = dependencies;
    this.#metrics = metrics;
    this.#turnedMs = this.#nowMs();
    this.#watch = dependencies.watch((what) => this.#onChange(what));
    this.#running = this.#run();
  }

  state(): CatalogState {
    return {
      kinds: this.#watch.states().map(({ kind, objects, is }) => ({ kind, objects, isSeen: is === 'open' })),
      ...(this.#published === undefined ? {} : { published: this.#published }),
      ...(this.#writtenMs === undefined ? {} : { writtenMs: this.#writtenMs }),
    };
  }

  notAlive(): string | undefined {
    return this.#nowMs() - this.#turnedMs > 5 * loopMs ? 'the catalog stands still' : undefined;
  }

  notReady(): string | undefined {
    if (this.#closing.signal.aborted) return 'the catalog is leaving';
    return this.#published === undefined ? 'the catalog has not been written yet' : undefined;
  }

  /** What is being written is written to its end. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake.abort();
    await Promise.all([this.#watch.close(), this.#running]);
  }

  #onChange(what: 'found' | 'sight'): void {
    if (what === 'found') this.#changedMs ??= this.#nowMs();
    this.#wake.abort();
  }

  async #run(): Promise<void> {
    while (!this.#isClosed()) {
      this.#turnedMs = this.#nowMs();
      this.#logStates();
      const waitMs = this.#dueMs() - this.#nowMs();
      if (waitMs > 0) await this.#sleep(Math.min(waitMs, loopMs));
      else await this.#publish();
    }
  }

  /** When there is something to write; never before each kind was listed, or it was said that it cannot be. */
  #dueMs(): number {
    if (this.#watch.states().some(({ is }) => is === 'waits')) return Number.POSITIVE_INFINITY;
    if (this.#retry !== undefined) return this.#retry.atMs;
    const retryAt = this.#checkedMs + retryMs;
    if (this.#changedMs === undefined) return retryAt;
    return Math.min(retryAt, Math.max(this.#changedMs + burstMs, (this.#writtenMs ?? 0) + betweenWritesMs));
  }

  async #sleep(ms: number): Promise<void> {
    this.#wake = new AbortController();
    await this.#dependencies.delay(ms, this.#wake.signal);
  }

  async #publish(): Promise<void> {
    const { writer, log } = this.#dependencies;
    const startedMs = this.#nowMs();
    if (startedMs - this.#checkedMs >= retryMs) writer.forget();
    this.#changedMs = undefined;
    const { entries, demands, nodes } = this.#watch.entries();
    const distilMs = this.#nowMs() - startedMs;
    const result = await writer.publish(entries);
    if (!result.ok) {
      this.#failed(result.fault);
      return;
    }
    const { wrote, ...rest } = result.value;
    this.#published = { demands, nodes, ...rest };
    if (this.#retry !== undefined) log.info({}, 'the catalog can be written again');
    this.#retry = undefined;
    if (startedMs - this.#checkedMs >= retryMs) this.#checkedMs = startedMs;
    if (!wrote) return;
    this.#writtenMs = this.#nowMs();
    this.#metrics().wrote('ok');
    log.info({ ...this.#published, distilMs, ms: this.#nowMs() - startedMs }, 'the catalog is written');
  }

  #failed(fault: Fault): void {
    const failures = (this.#retry?.failures ?? 0) + 1;
    const bound = Math.min(failureMs.most, failureMs.first * 2 ** Math.min(failures - 1, 10));
    if (JSON.stringify(this.#retry?.fault) !== JSON.stringify(fault))
      this.#dependencies.log.error({ fault }, 'the catalog cannot be written: the old one stands');
    this.#retry = { failures, fault, atMs: this.#nowMs() + bound * (0.5 + this.#dependencies.random()) };
    this.#metrics().wrote('failed');
  }

  /** Once each way. */
  #logStates(): void {
    const { log } = this.#dependencies;
    for (const { kind, is, fault } of this.#watch.states()) {
      const before = this.#reported.get(kind);
      if (is === 'open' || is === 'waits') {
        if (before?.wasLogged === true && is === 'open') log.info({ kind }, 'a kind is seen again');
        if (is === 'open' || before === undefined) this.#reported.delete(kind);
        continue;
      }
      const sinceMs = before?.sinceMs ?? this.#nowMs();
      const isTime = is === 'blind' || this.#nowMs() - sinceMs > graceMs;
      if (isTime && before?.wasLogged !== true)
        log.warn(
          { kind, fault },
          is === 'blind' ? 'a kind is left out' : 'a kind is not seen: going on with what was known',
        );
      this.#reported.set(kind, { is, sinceMs, wasLogged: before?.wasLogged === true || isTime });
    }
  }

  #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  #nowMs(): number {
    return this.#dependencies.now().getTime();
  }
}
