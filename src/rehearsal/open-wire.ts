/** Opens the wire of one pass over a node's images. */
import type { HasContent } from '#kubelet/disk.ts';
import type { LocalContent, NodeView } from '#node/view.ts';
import { Connections } from '#registry/http/connections.ts';
import { runtimeOf } from '#runtime/runtimes.ts';
import type { Memory } from '#runtime/attempt/memory.ts';
import type { Manners, Wire } from '#runtime/attempt/wire.ts';

/** Connections to one registry at a time: a pull of containerd's opens four, and several pulls go on at once. */
export const connectionsPerRegistry = 8;

export const manners: Manners = {
  verify: false,
  spend: false,
  deadlineMs: 100_000,
  patienceMs: 30_000,
  evidence: true,
};

export interface Opening {
  readonly memory: Memory;
  readonly manners: Manners;
  readonly now: () => Date;
  /** Milliseconds that only grow. */
  readonly clockMs: () => number;
  readonly localContent: LocalContent;
  readonly hasContent?: HasContent;
  readonly perRegistry: number;
  /** Only over this address family. */
  readonly family?: 'ipv4' | 'ipv6';
}

export function openWire(view: NodeView, opening: Opening): Wire & { readonly close: () => Promise<void> } {
  const elapsedMs = opening.clockMs;
  const connections = new Connections({
    resolver: view.system.resolver,
    roots: view.system.roots,
    proxy: view.runtime.proxy,
    rsaKeyExchange: runtimeOf(view.runtime.version.name).engine(view.runtime.version).takesRsaKeyExchange,
    perOrigin: opening.perRegistry,
    ...(opening.family === undefined ? {} : { family: opening.family }),
    now: opening.now,
    elapsedMs,
  });
  return {
    connections,
    now: opening.now,
    elapsedMs,
    localContent: opening.localContent,
    ...(opening.hasContent === undefined ? {} : { hasContent: opening.hasContent }),
    memory: opening.memory,
    tokens: new Map(),
    proving: new Map(),
    reachedAt: new Map(),
    plain: new Set(),
    targets: new Map(),
    judged: new Set(),
    served: new Map(),
    manners: opening.manners,
    close: () => connections.close(),
  };
}
