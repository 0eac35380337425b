/**
 * The connections to one origin: a few at a time, the most recently used first, and no second dial after the first has failed.
 * While none is open, one caller dials and the others wait for its outcome.
 */
import type { Fault } from '#report/fault.ts';
import { bad, type Bad, type Outcome } from '#report/outcome.ts';
import type { Step } from '#report/rehearsal.ts';
import type { Connection } from './connection.ts';

export interface Opened {
  readonly steps: readonly Step[];
  readonly outcome: Outcome<Connection>;
}

export interface TakeOptions {
  readonly open: () => Promise<Opened>;
  readonly elapsedMs: () => number;
  readonly signal: AbortSignal | undefined;
  /** Take no connection that has served a request. */
  readonly fresh: boolean;
}

export interface Taken extends Opened {
  /** When waiting for a free connection ended. */
  readonly startMs: number;
}

export class Pool {
  readonly #most: number;
  readonly #open = new Set<Connection>();
  readonly #idle: Connection[] = [];
  readonly #waiting = new Set<() => void>();
  #opening = 0;
  #failed: Bad | undefined;

  constructor(most: number) {
    this.#most = Math.max(1, most);
  }

  async take(options: TakeOptions): Promise<Taken> {
    for (;;) {
      const startMs = options.elapsedMs();
      if (options.signal?.aborted === true) {
        this.#wakeOne();
        const fault = { code: 'agent.out_of_time', step: 'connecting', afterMs: 0 } as const;
        return { steps: [], outcome: bad(fault), startMs };
      }
      const idle = options.fresh ? undefined : this.#popIdle();
      if (idle !== undefined) return { steps: [], outcome: { ok: true, value: idle }, startMs };
      if (this.#failed !== undefined) return { steps: [], outcome: this.#failed, startMs };
      if (this.#mayOpen()) return { ...(await this.#openOne(options)), startMs };
      await this.#next(options.signal);
    }
  }

  /** Every later call gets this outcome. */
  fail(outcome: Bad): void {
    this.#failed = outcome;
    this.#wakeAll();
  }

  /** Every connection that was taken is given back, open or not. */
  giveBack(connection: Connection): void {
    if (connection.isOpen && this.#open.has(connection)) this.#idle.push(connection);
    else this.#forget(connection);
    this.#wakeOne();
  }

  async close(): Promise<void> {
    const all = [...this.#open];
    this.#open.clear();
    this.#idle.length = 0;
    this.fail(bad({ code: 'agent.out_of_time', step: 'connecting', afterMs: 0 }));
    await Promise.all(all.map((connection) => connection.destroy()));
  }

  #popIdle(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.isOpen) return connection;
      this.#forget(connection);
    }
  }

  #mayOpen(): boolean {
    if (this.#open.size === 0) return this.#opening === 0;
    return this.#open.size + this.#opening < this.#most;
  }

  async #openOne(options: TakeOptions): Promise<Opened> {
    this.#opening += 1;
    try {
      const opened = await options.open();
      if (opened.outcome.ok) this.#keep(opened.outcome.value);
      else if (this.#open.size === 0 && isLasting(opened.outcome.fault)) this.#failed = opened.outcome;
      return opened;
    } finally {
      this.#opening -= 1;
      this.#wakeAll();
    }
  }

  #keep(connection: Connection): void {
    this.#open.add(connection);
    connection.onClose(() => {
      if (this.#open.has(connection)) this.#forget(connection);
      this.#wakeOne();
    });
  }

  #forget(connection: Connection): void {
    this.#open.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    void connection.destroy();
  }

  async #next(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => resolve(undefined);
    this.#waiting.add(wake);
    signal?.addEventListener('abort', wake);
    await promise;
    signal?.removeEventListener('abort', wake);
    this.#waiting.delete(wake);
  }

  #wakeOne(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    this.#waiting.delete(first);
    first();
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** A fault of the agent (its time is over, a check of the address) is about one request and not about the origin. */
function isLasting({ code }: Fault): boolean {
  return !code.startsWith('agent.');
}
