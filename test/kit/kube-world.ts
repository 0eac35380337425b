/**
 * A fake API server, a client of it and an outside whose clock stands still until something waits: a pause takes no time
 * and moves the clock, so that an hour away is over in a moment.
 */
import { type Cluster, connect } from '#kubernetes/api/connect.ts';
import type { ListWatchOptions } from '#kubernetes/api/list-watch.ts';
import { FakeKube } from './fake-kube.ts';

export class FakeTime {
  /** Every pause that was asked for, in milliseconds. */
  readonly pauses: number[] = [];
  #ms = Date.parse('2026-11-21T01:30:00Z');
  #held: { readonly dueMs: number; readonly end: () => void }[] | undefined;

  readonly now = (): Date => new Date(this.#ms);

  get dependencies(): ListWatchOptions {
    return { now: this.now, delay: this.delay, random: () => 0.5 };
  }

  readonly delay = async (ms: number, signal: AbortSignal): Promise<void> => {
    this.pauses.push(ms);
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const end = (): void => resolve(undefined);
    signal.addEventListener('abort', end);
    if (this.#held === undefined) this.#skip(ms, { end, signal });
    else this.#held.push({ dueMs: this.#ms + ms, end });
    await promise;
  };

  #skip(ms: number, { end, signal }: { readonly end: () => void; readonly signal: AbortSignal }): void {
    const skipping = setImmediate(() => {
      this.#ms += ms;
      end();
    });
    signal.addEventListener('abort', () => clearImmediate(skipping));
  }

  /** From now on pauses last until the clock is moved past their end. */
  hold(): void {
    this.#held ??= [];
  }

  advance(ms: number): void {
    this.#ms += ms;
    const due = (this.#held ?? []).filter(({ dueMs }) => dueMs <= this.#ms);
    this.#held = (this.#held ?? []).filter(({ dueMs }) => dueMs > this.#ms);
    for (const { end } of due) end();
  }
}

/** A cluster that says how many of its requests are under way. */
export interface Counted extends Cluster {
  readonly underWay: () => number;
}

export interface KubeWorld extends AsyncDisposable {
  readonly kube: FakeKube;
  readonly cluster: Counted;
  readonly time: FakeTime;
}

export async function kubeWorld(as?: string): Promise<KubeWorld> {
  const kube = await new FakeKube().listen();
  const cluster = clusterOf(kube, as);
  const dispose = async (): Promise<void> => {
    await cluster.close();
    await kube.close();
  };
  return { kube, cluster, time: new FakeTime(), [Symbol.asyncDispose]: dispose };
}

export function clusterOf(kube: FakeKube, as?: string): Counted {
  const connected = connect(kube.config(as));
  if (!connected.ok) throw new Error(connected.fault.code);
  return counted(connected.value);
}

function counted(cluster: Cluster): Counted {
  let underWay = 0;
  return {
    ask: async (call) => {
      underWay += 1;
      return await cluster.ask(call).finally(() => (underWay -= 1));
    },
    follow: (call, signal) => cluster.follow(call, signal),
    elsewhere: (server) => counted(cluster.elsewhere(server)),
    close: () => cluster.close(),
    underWay: () => underWay,
  };
}
