/** Reads the number of agents of the fleet at intervals. After a failure the last number holds; before the first, a cautious one. */
import type { Cluster } from '#kubernetes/api/connect.ts';
import { fleetPauseMs, readFleet } from '#kubernetes/fleet-size.ts';
import type { Log } from '#output/log.ts';

/** For a cluster whose size cannot be read: most are smaller, and a larger one still keeps well below its budgets. */
const cautiousSize = 1_000;
/** After a failure; doubled after each further one in a row. */
const firstPauseMs = 15_000;

interface FleetSizeDependencies {
  readonly random: () => number;
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export class FleetWatch {
  /** Resolves after the first attempt to read it, good or bad. */
  readonly firstRead: Promise<void>;
  #agents: number | undefined;
  #isLogged = false;

  constructor(
    cluster: Cluster,
    daemonSet: { readonly namespace: string; readonly name: string },
    dependencies: FleetSizeDependencies,
  ) {
    const first = Promise.withResolvers<undefined>();
    this.firstRead = first.promise;
    void this.#follow(cluster, daemonSet, { ...dependencies, first: () => first.resolve(undefined) });
  }

  get agents(): number {
    return this.#agents ?? cautiousSize;
  }

  async #follow(
    cluster: Cluster,
    daemonSet: { readonly namespace: string; readonly name: string },
    { random, delay, log, signal, first }: FleetSizeDependencies & { readonly first: () => void },
  ): Promise<void> {
    for (let failures = 0; !signal.aborted;) {
      const found = await readFleet(cluster, daemonSet);
      failures = found.ok ? 0 : failures + 1;
      if (found.ok) this.#agents = found.value;
      else if (!this.#isLogged) {
        log.warn({ ...daemonSet, fault: found.fault, agents: this.agents }, 'the number of agents is not known');
        this.#isLogged = true;
      }
      first();
      const pauseMs = fleetPauseMs(this.agents, random());
      await delay(found.ok ? pauseMs : Math.min(firstPauseMs * 2 ** (failures - 1), pauseMs), signal);
    }
    first();
  }
}
