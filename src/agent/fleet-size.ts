/** Learns again and again how many agents there are. While nobody says, the last number holds; before the first, a cautious one. */
import type { Cluster } from '#kubernetes/api/connect.ts';
import { fleetPauseMs, readFleet } from '#kubernetes/fleet-size.ts';
import type { Log } from '#output/log.ts';

/** Of a cluster that does not say how large it is: most are smaller, and a larger one is still well below its budgets. */
const cautious = 1_000;
/** After a failure, doubled each time. */
const soonMs = 15_000;

export interface FleetSizeDependencies {
  readonly random: () => number;
  readonly delay: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export class FleetWatch {
  /** Resolves with the first answer, good or bad. */
  readonly asked: Promise<void>;
  #agents: number | undefined;
  #isLogged = false;

  constructor(
    cluster: Cluster,
    daemonSet: { readonly namespace: string; readonly name: string },
    dependencies: FleetSizeDependencies,
  ) {
    const first = Promise.withResolvers<undefined>();
    this.asked = first.promise;
    void this.#follow(cluster, daemonSet, { ...dependencies, first: () => first.resolve(undefined) });
  }

  get agents(): number {
    return this.#agents ?? cautious;
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
        log.warn({ ...daemonSet, fault: found.fault, agents: this.agents }, 'how many agents there are is not known');
        this.#isLogged = true;
      }
      first();
      const pauseMs = fleetPauseMs(this.agents, random());
      await delay(found.ok ? pauseMs : Math.min(soonMs * 2 ** (failures - 1), pauseMs), signal);
    }
    first();
  }
}
