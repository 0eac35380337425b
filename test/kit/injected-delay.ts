/** A round trip's worth of waiting, so that benchmarks on loopback feel the distance to a registry. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Socket } from 'node:net';

export interface InjectedDelay {
  /** Before each answer. */
  readonly perRequestMs?: number;
  /** Before the first answer on each connection, besides: what TCP's and TLS's own round trips would have cost. */
  readonly perConnectionMs?: number;
}

const met = new WeakSet<Socket>();

/** Waits as long as the delay says for one request on this connection. */
export async function delayed(delay: InjectedDelay | undefined, socket: Socket): Promise<void> {
  if (!delay) return;
  const opening = met.has(socket) ? 0 : (delay.perConnectionMs ?? 0);
  met.add(socket);
  const ms = opening + (delay.perRequestMs ?? 0);
  if (ms > 0) await wait(ms);
}
