/**
 * The loop of `drypull catalog`: writes the entries when they changed and then stayed the same for a second, at most once in ten
 * seconds. While the API server is away, the known objects stay in force; a kind that may not be read is logged and left out.
 */
import type { Fault } from '#report/fault.ts';
import type { CatalogWriter } from './publish.ts';
import type { ListState, WorkloadWatch, WorkloadWatchOptions } from './watch-workloads.ts';
import type { CatalogMetrics, CatalogState } from '#output/metrics/catalog.ts';
import type { Log } from '#output/log.ts';

interface CatalogDependencies extends Omit<WorkloadWatchOptions, 'onChange'> {
  readonly watch: (onChange: WorkloadWatchOptions['onChange']) => WorkloadWatch;
  readonly writer: CatalogWriter;
  readonly log: Log;
}

/** The objects of one deployment arrive in a burst. */
const burstMs = 1000;
const betweenWritesMs = 10_000;
/** How often the written ConfigMaps are compared again: another writer may have deleted one. */
const recheckMs = 10 * 60_000;
const failureMs = { first: 5000, most: 300_000 } as const;
/** A watch that ends is usually open again within this time. */
const graceMs = 15_000;
/** The loop runs at least this often. */
const loopMs = 60_000;

interface LoggedState {
  readonly is: ListState['is'];
  /** The watch is not open since then. */
  readonly sinceMs: number;
  readonly wasLogged: boolean;
}

export class Catalog {
  readonly #dependencies: CatalogDependencies;
  readonly #metrics: () => CatalogMetrics;
  readonly #watch: WorkloadWatch;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  readonly #logged = new Map<string, LoggedState>();
  #wake = new AbortController();
  #changedMs: number | undefined;
  #checkedMs = Number.NEGATIVE_INFINITY;
  #writtenMs: number | undefined;
  #retry: { readonly atMs: number; readonly failures: number; readonly fault: Fault } | undefined;
  #published: CatalogState['published'];
  #aliveMs: number;

  constructor(dependencies: CatalogDependencies, metrics: () => CatalogMetrics) {
    this.#dependencies = dependencies;
    this.#metrics = metrics;
    this.#aliveMs = this.#nowMs();
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
    return this.#nowMs() - this.#aliveMs > 5 * loopMs ? 'the catalog has stalled' : undefined;
  }

  notReady(): string | undefined {
    if (this.#closing.signal.aborted) return 'the catalog is shutting down';
    return this.#published === undefined ? 'the catalog has not been written yet' : undefined;
  }

  /** Finishes a write that is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake.abort();
    await Promise.all([this.#watch.close(), this.#running]);
  }

  #onChange(what: 'entries' | 'states'): void {
    if (what === 'entries') this.#changedMs ??= this.#nowMs();
    this.#wake.abort();
  }

  async #run(): Promise<void> {
    while (!this.#isClosed()) {
      this.#aliveMs = this.#nowMs();
      this.#logStates();
      const waitMs = this.#dueMs() - this.#nowMs();
      if (waitMs > 0) await this.#sleep(Math.min(waitMs, loopMs));
      else await this.#publish();
    }
  }

  /** When to write next. Never before each kind was listed, or is known to be unavailable. */
  #dueMs(): number {
    if (this.#watch.states().some(({ is }) => is === 'waiting')) return Number.POSITIVE_INFINITY;
    if (this.#retry !== undefined) return this.#retry.atMs;
    const recheckAt = this.#checkedMs + recheckMs;
    if (this.#changedMs === undefined) return recheckAt;
    return Math.min(recheckAt, Math.max(this.#changedMs + burstMs, (this.#writtenMs ?? 0) + betweenWritesMs));
  }

  async #sleep(ms: number): Promise<void> {
    this.#wake = new AbortController();
    await this.#dependencies.delay(ms, this.#wake.signal);
  }

  async #publish(): Promise<void> {
    const { writer, log } = this.#dependencies;
    const startedMs = this.#nowMs();
    if (startedMs - this.#checkedMs >= recheckMs) writer.forget();
    this.#changedMs = undefined;
    const { entries, demands, nodes } = this.#watch.entries();
    const collectMs = this.#nowMs() - startedMs;
    const result = await writer.publish(entries);
    if (!result.ok) {
      this.#failed(result.fault);
      return;
    }
    const { wrote, ...rest } = result.value;
    this.#published = { demands, nodes, ...rest };
    if (this.#retry !== undefined) log.info({}, 'the catalog can be written again');
    this.#retry = undefined;
    if (startedMs - this.#checkedMs >= recheckMs) this.#checkedMs = startedMs;
    if (!wrote) return;
    this.#writtenMs = this.#nowMs();
    this.#metrics().wrote('ok');
    log.info({ ...this.#published, collectMs, ms: this.#nowMs() - startedMs }, 'catalog written');
  }

  #failed(fault: Fault): void {
    const failures = (this.#retry?.failures ?? 0) + 1;
    const bound = Math.min(failureMs.most, failureMs.first * 2 ** Math.min(failures - 1, 10));
    if (JSON.stringify(this.#retry?.fault) !== JSON.stringify(fault))
      this.#dependencies.log.error({ fault }, 'cannot write the catalog: the last one stays in force');
    this.#retry = { failures, fault, atMs: this.#nowMs() + bound * (0.5 + this.#dependencies.random()) };
    this.#metrics().wrote('failed');
  }

  /** Logs each change once. */
  #logStates(): void {
    const { log } = this.#dependencies;
    for (const { kind, is, fault } of this.#watch.states()) {
      const before = this.#logged.get(kind);
      if (is === 'open' || is === 'waiting') {
        if (before?.wasLogged === true && is === 'open') log.info({ kind }, 'a kind can be read again');
        if (is === 'open' || before === undefined) this.#logged.delete(kind);
        continue;
      }
      const sinceMs = before?.sinceMs ?? this.#nowMs();
      const isTime = is === 'unavailable' || this.#nowMs() - sinceMs > graceMs;
      if (isTime && before?.wasLogged !== true)
        log.warn(
          { kind, fault },
          is === 'unavailable' ? 'a kind is left out' : 'a kind cannot be read: its known objects stay in force',
        );
      this.#logged.set(kind, { is, sinceMs, wasLogged: before?.wasLogged === true || isTime });
    }
  }

  #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  #nowMs(): number {
    return this.#dependencies.now().getTime();
  }
}
