/** Books turns with the fleet, and knows whether that is possible: while it is not, each agent keeps to its own small share. */
import type { TurnAsk } from '#budget/reservations.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { takeTurn } from '#kubernetes/lease-reservations.ts';
import type { Log } from '#output/log.ts';

/** Where turns are booked. */
export interface TurnDesk {
  readonly isOpen: () => boolean;
  /** In so many milliseconds it is this agent's turn; undefined: it gets none now. */
  readonly book: (lane: string, ask: Pick<TurnAsk, 'perMinute' | 'cost'>) => Promise<number | undefined>;
}

export interface TurnsAt {
  readonly namespace: string;
  readonly node: string;
}

export interface TurnsOutside {
  readonly now: () => Date;
  readonly random: () => number;
  readonly log: Log;
}

/** After a failure, doubled each time in a row. */
const closedMs = { first: 60_000, most: 30 * 60_000 } as const;

export class SharedTurns implements TurnDesk {
  readonly #cluster: Cluster;
  readonly #at: TurnsAt;
  readonly #outside: TurnsOutside;
  #failures = 0;
  #closedUntilMs = 0;

  constructor(cluster: Cluster, at: TurnsAt, outside: TurnsOutside) {
    this.#cluster = cluster;
    this.#at = at;
    this.#outside = outside;
  }

  readonly isOpen = (): boolean => this.#outside.now().getTime() >= this.#closedUntilMs;

  readonly book: TurnDesk['book'] = async (lane, ask) => {
    const taken = await takeTurn(this.#cluster, { ...this.#at, lane }, ask);
    const { log, now, random } = this.#outside;
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
