/**
 * Keeps what outlives a pass (memory of the wire, answers of plugins) and opens a wire for each pass. The check makes one
 * pass, the agent many; both rehearse through here.
 */
import { keyMatches } from '#kubelet/keyring.ts';
import { type ConnectivityProbe, learnedOrigins } from '#budget/connectivity-probe.ts';
import { demandId } from '#report/ledger.ts';
import { restarted } from '#runtime/next-start.ts';
import type { NodeHistory } from '#forecast/history/history.ts';
import type { QuotaSample } from '#report/quota.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand, NodeView } from '#node/view.ts';
import type { Restarted } from './restart.ts';
import { assessAll } from '#assess.ts';
import type { Known } from '#budget/choose.ts';
import { hasContent, localContent } from '#runtime/containerd/config/content-store.ts';
import { askProviders } from '#node/credential-plugin.ts';
import { ProviderCache } from '#node/provider-cache.ts';
import { manners, openWire } from './open-wire.ts';
import { QuotaSampler, type Sampling } from './quota-samples.ts';
import { probeConnectivity } from '#runtime/attempt/connectivity-probe.ts';
import { Memory } from '#runtime/attempt/memory.ts';
import type { Spent } from '#runtime/attempt/spending.ts';
import type { Manners } from '#runtime/attempt/wire.ts';
import { planFor } from '#runtime/runtimes.ts';

export interface RehearserOptions {
  readonly hostRoot: string;
  /** For credential provider plugins, which the kubelet gives its own environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
  readonly clockMs: () => number;
  /** So that nodes that were turned away together do not come back together. */
  readonly random?: () => number;
}

export interface Pass {
  readonly manners: Manners;
  /** Images at one time. */
  readonly atOnce: number;
  /** Connections to one registry at one time. */
  readonly perRegistry: number;
  readonly meteredRegistries: readonly string[];
  readonly signal: AbortSignal;
  /** Where pull secrets are read when a rehearsal is due. */
  readonly withSecrets?: (demand: Demand) => Promise<Demand>;
  readonly history?: () => NodeHistory;
  /** Whether an image may be asked for in a lane now; absent: always. */
  readonly mayEnter?: (id: string, budgetKey: string) => boolean;
}

export type SampleAsk = Omit<Sampling, 'view' | 'askProviders' | 'openWire' | 'nowMs'>;

export class Rehearser {
  readonly #around: RehearserOptions;
  readonly #memory: Memory;
  readonly #plugins = new ProviderCache();
  readonly #sampler = new QuotaSampler();

  constructor(around: RehearserOptions) {
    this.#around = around;
    this.#memory = new Memory(around.random);
  }

  /** One report for each demand, in the order in which they are ready; fewer once the signal is aborted. */
  async *rehearse(view: NodeView, demands: readonly Demand[], pass: Pass): AsyncGenerator<PullReport> {
    for (const authority of pass.meteredRegistries) this.#memory.keepMetered(authority);
    const wire = this.#open(view, pass);
    const afterwards = this.#restart(view, pass);
    try {
      const dependencies = {
        wire,
        ...(afterwards === undefined ? {} : { restarted: afterwards }),
        atOnce: pass.atOnce,
        askProviders: (repository: string) => this.#askProviders(view, repository),
        signal: pass.signal,
        ...(pass.withSecrets === undefined ? {} : { withSecrets: pass.withSecrets }),
        ...(pass.history === undefined ? {} : { history: pass.history }),
        ...(pass.mayEnter === undefined ? {} : { mayEnter: pass.mayEnter }),
      };
      for await (const report of assessAll(view, demands, dependencies)) {
        if (pass.signal.aborted) return;
        yield report;
      }
    } finally {
      await Promise.all([wire.close(), afterwards?.wire.close()]);
    }
  }

  /** The same pass over the node as its programs would find it after their next start. */
  #restart(view: NodeView, pass: Pass): (Restarted & { readonly wire: ReturnType<typeof openWire> }) | undefined {
    const [next, later] = [view.next, restarted(view)];
    if (next === undefined || later === undefined || !pass.manners.evidence) return undefined;
    const wire = this.#open(later, {
      ...pass,
      manners: { ...pass.manners, evidence: false, throughputSampleBytes: 0 },
    });
    return { next, view: later, wire, askProviders: (repository) => this.#askProviders(later, repository) };
  }

  /** Opens connections to every host that these images would use; see stage/knock.ts. */
  async probe(
    view: NodeView,
    at: readonly Known[],
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
    const { now, clockMs, hostRoot } = this.#around;
    const root = view.runtime.config.ok ? view.runtime.config.value.root : '/var/lib/containerd';
    return openWire(view, {
      memory: this.#memory,
      manners: pass.manners,
      now,
      clockMs,
      localContent: localContent(hostRoot, root),
      hasContent: hasContent(hostRoot, root),
      perRegistry: pass.perRegistry,
    });
  }

  /** What was asked of whom so far. */
  spent(): readonly Spent[] {
    return this.#memory.spending.read();
  }

  /** Looks at Docker Hub's quota where one is due; with the same memory, so that a refused login stays unpresented. */
  async sampleQuotas(readView: () => Promise<NodeView>, request: SampleAsk): Promise<readonly QuotaSample[]> {
    const { now, clockMs } = this.#around;
    const nowMs = (): number => now().getTime();
    if (this.#sampler.rests(nowMs())) return [];
    const view = await readView();
    const opening = {
      memory: this.#memory,
      manners: { ...manners, deadlineMs: 20_000, patienceMs: 10_000, evidence: false },
      now,
      clockMs,
      localContent: () => Promise.resolve(undefined),
      perRegistry: 1,
    };
    const sampleRequests = this.#sampler.sampleRequests({ ...request, view }, nowMs());
    return this.#sampler.sampleBuckets(sampleRequests, {
      ...request,
      view,
      nowMs,
      askProviders: (repository) => this.#askProviders(view, repository),
      openWire: (family) => openWire(view, family === undefined ? opening : { ...opening, family }),
    });
  }

  async #askProviders(view: NodeView, repository: string): ReturnType<typeof askProviders> {
    const { providers } = view.kubelet;
    if (!providers.ok) return [];
    const env = Object.fromEntries(
      Object.entries(this.#around.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
    const means = { cache: this.#plugins, matches: keyMatches, env, now: () => this.#around.now().getTime() };
    return askProviders(providers.value, repository, means);
  }
}
