/**
 * What a rehearsal uses beside its plan. One Wire serves one pass over many images, so that they share connections, look-ups and tokens;
 * its memory outlives the pass.
 */
import type { HasContent } from '#kubelet/disk.ts';
import type { LocalContent } from '#node/view.ts';
import type { Connections } from '#registry/http/connections.ts';
import type { TokenAsked } from '#registry/token/fetch-token.ts';
import type { Memory } from './memory.ts';

export interface Wire {
  readonly connections: Connections;
  readonly now: () => Date;
  readonly elapsedMs: () => number;
  /** Content that is on the node already; `hasContent` is absent where the runtime's store cannot be read. */
  readonly content: Pick<StoredContent, 'localContent'> & Partial<StoredContent>;
  readonly memory: Memory;
  readonly pass: PassState;
  readonly options: RehearsalOptions;
}

/** What of images is on the node already, in the runtime's own store. */
export interface StoredContent {
  readonly localContent: LocalContent;
  readonly hasContent: HasContent;
}

/** What the images of one pass share. A map of promises lets the first request serve all that need its answer. */
export interface PassState {
  /** Tokens by login, realm and scopes. */
  readonly tokens: Map<string, Promise<TokenAsked>>;
  /** Logins, by place, that are being presented for the first time. */
  readonly unproven: Map<string, Promise<unknown>>;
  /** Addresses that a host was reached at: they decide whether a token service may be trusted with a login. */
  readonly reachedAt: Map<string, string>;
  /** Hosts that answered in plain HTTP after HTTPS had failed. */
  readonly plainHttp: Set<string>;
  /** Whether hosts that the budget keeps requests from accept a connection. */
  readonly reachable: Map<string, Promise<boolean>>;
  /** Hosts whose name servers and addresses were checked already. */
  readonly checked: Set<string>;
  /** Whether an identity was served a blob by these hosts. */
  readonly served: Map<string, Promise<boolean>>;
}

export function newPass(): PassState {
  return {
    tokens: new Map(),
    unproven: new Map(),
    reachedAt: new Map(),
    plainHttp: new Set(),
    reachable: new Map(),
    checked: new Set(),
    served: new Map(),
  };
}

export interface TagAsked {
  /** `docker.io`: the registry that the tag belongs to, whatever the mirror. */
  readonly registry: string;
  readonly reference: string;
  /** When the mirror was last asked for the tag, on the wire's clock. */
  readonly askedMs: number;
  readonly nowMs: number;
}

export interface RehearsalOptions {
  /** Read and check every blob whole. */
  readonly verify: boolean;
  /** Request manifests also where that spends a quota. */
  readonly spend: boolean;
  /** Now and then, read so many bytes of one large layer of each registry to measure its speed; absent or 0: never. */
  readonly throughputSampleBytes?: number;
  /** For one image, all credentials and hosts together. */
  readonly deadlineMs: number;
  /** How long to wait for a response where the runtime waits for ever. */
  readonly responseTimeoutMs: number;
  /**
   * Whether to ask a mirror for the tag itself again, and not for the digest that it led to. Absent: always, because the user asks about
   * now.
   */
  readonly tagIsDue?: (tag: TagAsked) => boolean;
  /** Check name servers and addresses for themselves too. */
  readonly evidence: boolean;
}
