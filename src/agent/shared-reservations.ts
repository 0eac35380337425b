/** Reservations shared with the fleet in Leases. While that fails, each agent keeps to its own small share. */
import type { ReservationRequest } from '#budget/reservations.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { reserveInLease } from '#kubernetes/lease-reservations.ts';
import type { Log } from '#output/log.ts';
import type { Reservations } from './collaborators.ts';

interface ReservationDependencies {
  readonly now: () => Date;
  readonly random: () => number;
  readonly log: Log;
}

/** After a failure; doubled after each further one in a row. */
const closedMs = { first: 60_000, most: 30 * 60_000 } as const;

export class SharedReservations implements Reservations {
  readonly #cluster: Cluster;
  readonly #at: { readonly namespace: string; readonly node: string };
  readonly #dependencies: ReservationDependencies;
  #failures = 0;
  #closedUntilMs = 0;

  constructor(
    cluster: Cluster,
    at: { readonly namespace: string; readonly node: string },
    dependencies: ReservationDependencies,
  ) {
    this.#cluster = cluster;
    this.#at = at;
    this.#dependencies = dependencies;
  }

  isOpen(): boolean {
    return this.#dependencies.now().getTime() >= this.#closedUntilMs;
  }

  async reserve(
    budgetKey: string,
    request: Pick<ReservationRequest, 'perMinute' | 'cost'>,
  ): Promise<number | undefined> {
    const taken = await reserveInLease(this.#cluster, { ...this.#at, budgetKey }, request);
    const { log, now, random } = this.#dependencies;
    if (taken.is !== 'failed') {
      if (this.#failures > 0) log.info({}, 'reservations are shared with the fleet again');
      this.#failures = 0;
      return taken.is === 'booked' ? taken.inMs : undefined;
    }
    if (this.#failures === 0)
      log.warn({ fault: taken.fault }, 'cannot share reservations with the fleet: the agent keeps to its own share');
    const pauseMs = Math.min(closedMs.first * 2 ** Math.min(this.#failures, 10), closedMs.most);
    this.#failures += 1;
    this.#closedUntilMs = now().getTime() + pauseMs * (0.8 + 0.4 * random());
    return undefined;
  }
}
