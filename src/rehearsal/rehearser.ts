/**
 * Keeps what outlives a pass (memory of the wire, answers of plugins) and opens a wire for each pass. The check makes one pass, the agent
 * many.
 */
import type { Demand } from '#kubelet/demand.ts';
import { keyMatches } from '#kubelet/keyring.ts';
import { type ConnectivityProbe, type KnownDemand, learnedOrigins } from '#budget/connectivity-probe.ts';
import { demandId } from '#report/ledger.ts';
import { restarted } from '#runtime/next-start.ts';
import type { NodeHistory } from '#forecast/history/history.ts';
import type { QuotaSample } from '#report/quota.ts';
import type { PullReport } from '#report/report.ts';
import type { NodeView } from '#node/view.ts';
import type { Restarted } from './restart.ts';
import { assessAll } from '#assess.ts';
import { askProviders } from '#node/credential-plugin.ts';
import { ProviderCache } from '#node/provider-cache.ts';
import { defaultOptions, openWire } from './open-wire.ts';
import { QuotaSampler, type Sampling } from './quota-samples.ts';
import { probeConnectivity } from '#runtime/attempt/connectivity-probe.ts';
import { Memory } from '#runtime/attempt/memory.ts';
import type { Spent } from '#runtime/attempt/spending.ts';
import type { RehearsalOptions } from '#runtime/attempt/wire.ts';
import { planFor, runtimeOf } from '#runtime/runtimes.ts';

interface RehearserOptions {
  readonly hostRoot: string;
  /** For credential provider plugins, which the kubelet gives its own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
  readonly clockMs: () => number;
  /** Spreads the retries of nodes that were rate limited together. */
  readonly random?: () => number;
}

export interface Pass {
  readonly options: RehearsalOptions;
  /** Images at one time. */
  readonly atOnce: number;
  /** Connections to one registry at one time. */
  readonly perRegistry: number;
  readonly meteredRegistries: readonly string[];
  readonly signal: AbortSignal;
  /** Where pull secrets are read when a rehearsal is due. */
  readonly withSecrets?: (demand: Demand) => Promise<Demand>;
  readonly history?: () => NodeHistory;
  /** Whether requests for an image may count against a budget key now; absent: always. */
  readonly mayRequest?: (id: string, budgetKey: string) => boolean;
}

type SampleAsk = Omit<Sampling, 'view' | 'askProviders' | 'openWire' | 'nowMs'>;

export class Rehearser {
  readonly #options: RehearserOptions;
  readonly #memory: Memory;
  readonly #plugins = new ProviderCache();
  readonly #sampler = new QuotaSampler();

  constructor(options: RehearserOptions) {
    this.#options = options;
    this.#memory = new Memory(options.random);
  }

  /** One report for each demand, in the order in which they are ready; fewer once the signal is aborted. */
  async *rehearse(view: NodeView, demands: readonly Demand[], pass: Pass): AsyncGenerator<PullReport> {
    for (const authority of pass.meteredRegistries) this.#memory.keepMetered(authority);
    const wire = this.#open(view, pass);
    const afterRestart = this.#restart(view, pass);
    try {
      const dependencies = {
        wire,
        ...(afterRestart === undefined ? {} : { restarted: afterRestart }),
        atOnce: pass.atOnce,
        askProviders: (repository: string) => this.#askProviders(view, repository),
        signal: pass.signal,
        ...(pass.withSecrets === undefined ? {} : { withSecrets: pass.withSecrets }),
        ...(pass.history === undefined ? {} : { history: pass.history }),
        ...(pass.mayRequest === undefined ? {} : { mayRequest: pass.mayRequest }),
      };
      for await (const report of assessAll(view, demands, dependencies)) {
        if (pass.signal.aborted) return;
        yield report;
      }
    } finally {
      await Promise.all([wire.close(), afterRestart?.wire.close()]);
    }
  }

  /** The same pass over the node as its programs find it after their next start. */
  #restart(view: NodeView, pass: Pass): (Restarted & { readonly wire: ReturnType<typeof openWire> }) | undefined {
    const [next, later] = [view.next, restarted(view)];
    if (next === undefined || later === undefined || !pass.options.evidence) return undefined;
    const wire = this.#open(later, {
      ...pass,
      options: { ...pass.options, evidence: false, throughputSampleBytes: 0 },
    });
    return { next, view: later, wire, askProviders: (repository) => this.#askProviders(later, repository) };
  }

  /** Opens connections to every host that these images would use; see runtime/attempt/connectivity-probe.ts. */
  async probe(
    view: NodeView,
    at: readonly KnownDemand[],
    pass: Pass,
  ): Promise<ReadonlyMap<string, readonly ConnectivityProbe[]>> {
    const wire = this.#open(view, pass);
    try {
      const targets = at.flatMap(({ demand, report }) => {
        const { image } = demand;
        if (!image.ok) return [];
        const plan = planFor(view, { ...demand, image }, []);
        return [{ id: demandId(demand), plan, learned: report === undefined ? [] : learnedOrigins(report) }];
      });
      return await probeConnectivity(targets, {
        connections: wire.connections,
        signal: pass.signal,
        atOnce: pass.atOnce,
      });
    } finally {
      await wire.close();
    }
  }

  #open(view: NodeView, pass: Pass): ReturnType<typeof openWire> {
    const { now, clockMs, hostRoot } = this.#options;
    const { version, config } = view.runtime;
    return openWire(view, {
      memory: this.#memory,
      options: pass.options,
      now,
      clockMs,
      content: runtimeOf(version.name).content(hostRoot, config.ok ? config.value.root : undefined),
      perRegistry: pass.perRegistry,
    });
  }

  /** The requests sent so far, by budget key. */
  spent(): readonly Spent[] {
    return this.#memory.spending.read();
  }

  /** Samples Docker Hub's quota where that is due; with the same memory, so that a refused login is not presented again. */
  async sampleQuotas(readView: () => Promise<NodeView>, request: SampleAsk): Promise<readonly QuotaSample[]> {
    const { now, clockMs } = this.#options;
    const nowMs = (): number => now().getTime();
    if (this.#sampler.rests(nowMs())) return [];
    const view = await readView();
    const settings = {
      memory: this.#memory,
      options: { ...defaultOptions, deadlineMs: 20_000, responseTimeoutMs: 10_000, evidence: false },
      now,
      clockMs,
      content: { localContent: () => Promise.resolve(undefined) },
      perRegistry: 1,
    };
    const sampleRequests = this.#sampler.sampleRequests({ ...request, view }, nowMs());
    return this.#sampler.sampleBuckets(sampleRequests, {
      ...request,
      view,
      nowMs,
      askProviders: (repository) => this.#askProviders(view, repository),
      openWire: (family) => openWire(view, family === undefined ? settings : { ...settings, family }),
    });
  }

  async #askProviders(view: NodeView, repository: string): ReturnType<typeof askProviders> {
    const { providers } = view.kubelet;
    if (!providers.ok) return [];
    const env = Object.fromEntries(
      Object.entries(this.#options.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
    const run = { cache: this.#plugins, matches: keyMatches, env, now: () => this.#options.now().getTime() };
    return askProviders(providers.value, repository, run);
  }
}
