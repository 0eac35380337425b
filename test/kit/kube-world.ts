/**
 * A fake API server, a client of it and an outside whose clock stands still until something waits: a pause takes no time
 * and moves the clock, so that an hour away is over in a moment.
 */
import { type Cluster, connect } from '../../src/cluster/connect.ts';
import type { Outside } from '../../src/cluster/list-watch.ts';
import { FakeKube } from './fake-kube.ts';

export class FakeTime {
  /** Every pause that was asked for, in milliseconds. */
  readonly pauses: number[] = [];
  #ms = Date.parse('2026-11-21T01:30:00Z');
  #held: (() => void)[] | undefined;

  readonly now = (): Date => new Date(this.#ms);

  get outside(): Outside {
    return { now: this.now, delay: this.delay, random: () => 0.5 };
  }

  readonly delay = async (ms: number, signal: AbortSignal): Promise<void> => {
    this.pauses.push(ms);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    if (this.#held === undefined || signal.aborted) setImmediate(() => resolve(undefined));
    else this.#held.push(() => resolve(undefined));
    signal.addEventListener('abort', () => resolve(undefined));
    await promise;
    if (!signal.aborted) this.#ms += ms;
  };

  pass(ms: number): void {
    this.#ms += ms;
  }

  /** From now on pauses last until they are released. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = [];
    for (const resolve of held) resolve();
  }
}

export interface KubeWorld extends AsyncDisposable {
  readonly kube: FakeKube;
  readonly cluster: Cluster;
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

export function clusterOf(kube: FakeKube, as?: string): Cluster {
  const connected = connect(kube.config(as));
  if (!connected.ok) throw new Error(connected.fault.code);
  return connected.value;
}
