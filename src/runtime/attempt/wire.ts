/**
 * What a rehearsal needs of the outside, in one bundle. One Wire serves one pass over many images, so that they share
 * connections, look-ups, tokens and bad news; its memory outlives the pass.
 */
import type { HasContent } from '#kubelet/disk.ts';
import type { LocalContent } from '#node/view.ts';
import type { Token, TokenAsked } from '#registry/token/fetch-token.ts';
import type { Connections } from '#registry/http/connections.ts';
import type { Memory } from './memory.ts';

export interface Wire {
  readonly connections: Connections;
  readonly now: () => Date;
  readonly elapsedMs: () => number;
  /** Content that is on the node already. */
  readonly localContent: LocalContent;
  /** Absent where nobody can look. */
  readonly hasContent?: HasContent;
  readonly memory: Memory;
  /** Of this pass alone: tokens by login, realm and scopes; the first asker's promise serves all. */
  readonly tokens: Map<string, Promise<TokenAsked>>;
  /** Of this pass alone: logins, by place, that somebody is about to learn the worth of. */
  readonly proving: Map<string, Promise<unknown>>;
  /** Addresses that a host was reached at, for judging where its challenge points. */
  readonly reachedAt: Map<string, string>;
  /** Of this pass alone: hosts that answered in plain HTTP when HTTPS had failed. */
  readonly plain: Set<string>;
  /** Of this pass alone: whether the doors of hosts open that no request may go to; the first asker's promise serves all. */
  readonly targets: Map<string, Promise<boolean>>;
  /** Of this pass alone: hosts whose name servers and addresses were judged already. */
  readonly judged: Set<string>;
  /** Of this pass alone: whether an identity was served a blob by these hosts; the first asker's promise serves all. */
  readonly served: Map<string, Promise<boolean>>;
  readonly manners: Manners;
}

export interface TagAsked {
  /** `docker.io`: whose tag it is, whatever the mirror. */
  readonly registry: string;
  readonly reference: string;
  /** When the mirror was asked for it last, on the wire's clock. */
  readonly askedMs: number;
  readonly nowMs: number;
}

export interface Manners {
  /** Read and check every blob whole. */
  readonly verify: boolean;
  /** Ask for manifests also where that spends a quota. */
  readonly spend: boolean;
  /** Of one large layer of each registry, now and then, so many bytes are read for their speed; absent or 0: none. */
  readonly throughputSampleBytes?: number;
  /** For one image, all credentials and hosts together. */
  readonly deadlineMs: number;
  /** How long we wait for a response where the runtime would wait for ever. */
  readonly patienceMs: number;
  /**
   * Whether a mirror is to be asked for a tag itself again, and not for the digest that it led to. Absent: always, because
   * whoever asks wants to know now.
   */
  readonly tagIsDue?: (tag: TagAsked) => boolean;
  /** Name servers and addresses are judged for themselves too. */
  readonly evidence: boolean;
}

export type { Token };
