/** Opens the wire of one pass over a node's images. */
import type { NodeView } from '#node/view.ts';
import { Connections } from '#registry/http/connections.ts';
import { runtimeOf } from '#runtime/runtimes.ts';
import type { Memory } from '#runtime/attempt/memory.ts';
import { newPass, type RehearsalOptions, type Wire } from '#runtime/attempt/wire.ts';

/** Connections to one registry at a time: one containerd pull opens four, and several pulls run at once. */
export const connectionsPerRegistry = 8;

export const defaultOptions: RehearsalOptions = {
  verify: false,
  spend: false,
  deadlineMs: 100_000,
  responseTimeoutMs: 30_000,
  evidence: true,
};

interface WireOptions {
  readonly memory: Memory;
  readonly options: RehearsalOptions;
  readonly now: () => Date;
  /** Milliseconds that only grow. */
  readonly clockMs: () => number;
  readonly content: Wire['content'];
  readonly perRegistry: number;
  /** Connect over this address family alone. */
  readonly family?: 'ipv4' | 'ipv6';
}

export function openWire(view: NodeView, settings: WireOptions): Wire & { readonly close: () => Promise<void> } {
  const elapsedMs = settings.clockMs;
  const connections = new Connections({
    resolver: view.system.resolver,
    roots: view.system.roots,
    proxy: view.runtime.proxy,
    rsaKeyExchange: runtimeOf(view.runtime.version.name).engine(view.runtime.version).takesRsaKeyExchange,
    perOrigin: settings.perRegistry,
    ...(settings.family === undefined ? {} : { family: settings.family }),
    now: settings.now,
    elapsedMs,
  });
  return {
    connections,
    now: settings.now,
    elapsedMs,
    content: settings.content,
    memory: settings.memory,
    pass: newPass(),
    options: settings.options,
    close: () => connections.close(),
  };
}
