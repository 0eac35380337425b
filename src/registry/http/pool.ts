/**
 * The connections to one origin: a few at a time, the one used last first, and no second dial where the first has failed.
 * While nothing is open yet, one asker dials and the others wait for what becomes of it.
 */
import { bad, type Bad, type Outcome } from '#report/outcome.ts';
import type { Step } from '#report/rehearsal.ts';
import type { Connection } from './connection.ts';

export interface Opened {
  readonly steps: readonly Step[];
  readonly outcome: Outcome<Connection>;
}

export interface Want {
  readonly open: () => Promise<Opened>;
  readonly elapsedMs: () => number;
  readonly signal: AbortSignal | undefined;
  /** A connection that has served nobody yet. */
  readonly fresh: boolean;
}

export interface Taken extends Opened {
  /** When the waiting for a place was over. */
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

  async take(want: Want): Promise<Taken> {
    for (;;) {
      const startMs = want.elapsedMs();
      if (want.signal?.aborted === true) {
        this.#wakeOne();
        const fault = { code: 'agent.out_of_time', step: 'connecting', afterMs: 0 } as const;
        return { steps: [], outcome: bad(fault), startMs };
      }
      const idle = want.fresh ? undefined : this.#popIdle();
      if (idle !== undefined) return { steps: [], outcome: { ok: true, value: idle }, startMs };
      if (this.#failed !== undefined) return { steps: [], outcome: this.#failed, startMs };
      if (this.#mayOpen()) return { ...(await this.#openOne(want)), startMs };
      await this.#next(want.signal);
    }
  }

  /** Who asks from now on hears the same. */
  fail(outcome: Bad): void {
    this.#failed = outcome;
    this.#wakeAll();
  }

  /** Every connection that was taken comes back, whatever became of it. */
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

  async #openOne(want: Want): Promise<Opened> {
    this.#opening += 1;
    try {
      const opened = await want.open();
      if (opened.outcome.ok) this.#keep(opened.outcome.value);
      else if (this.#open.size === 0 && opened.outcome.fault.code !== 'agent.out_of_time')
        this.#failed = opened.outcome;
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
