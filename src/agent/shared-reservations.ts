/** Books turns with the fleet, and knows whether that is possible: while it is not, each agent keeps to its own small share. */
import type { ReservationRequest } from '#budget/reservations.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { reserveInLease } from '#kubernetes/lease-reservations.ts';
import type { Log } from '#output/log.ts';

/** Where turns are booked. */
export interface ReservationDesk {
  readonly isOpen: () => boolean;
  /** In so many milliseconds it is this agent's turn; undefined: it gets none now. */
  readonly state: (
    budgetKey: string,
    ask: Pick<ReservationRequest, 'perMinute' | 'cost'>,
  ) => Promise<number | undefined>;
}

export interface ReservationsAt {
  readonly namespace: string;
  readonly node: string;
}

export interface ReservationDependencies {
  readonly now: () => Date;
  readonly random: () => number;
  readonly log: Log;
}

/** After a failure, doubled each time in a row. */
const closedMs = { first: 60_000, most: 30 * 60_000 } as const;

export class SharedReservations implements ReservationDesk {
  readonly #cluster: Cluster;
  readonly #at: ReservationsAt;
  readonly #dependencies: ReservationDependencies;
  #failures = 0;
  #closedUntilMs = 0;

  constructor(cluster: Cluster, at: ReservationsAt, dependencies: ReservationDependencies) {
    this.#cluster = cluster;
    this.#at = at;
    this.#dependencies = dependencies;
  }

  readonly isOpen = (): boolean => this.#dependencies.now().getTime() >= this.#closedUntilMs;

  readonly state: ReservationDesk['state'] = async (budgetKey, ask) => {
    const taken = await reserveInLease(this.#cluster, { ...this.#at, budgetKey }, ask);
    const { log, now, random } = this.#dependencies;
    if (taken.is !== 'failed') {
      if (this.#failures > 0) log.info({}, 'turns are booked with the fleet again');
      this.#failures = 0;
      return taken.is === 'booked' ? taken.inMs : undefined;
    }
    if (this.#failures === 0)
      log.warn({ fault: taken.fault }, 'no turn can be booked with the fleet: going on with the share of one alone');
    const pauseMs = Math.min(closedMs.first * 2 ** Math.min(this.#failures, 10), closedMs.most);
    this.#failures += 1;
    this.#closedUntilMs = now().getTime() + pauseMs * (0.8 + 0.4 * random());
    return undefined;
  };
}
