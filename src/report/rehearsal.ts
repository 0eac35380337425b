/** What happened on the wire, request by request and step by step. Written by the rehearsal, read by everybody. */
import type { Fault, FaultCode, RateLimit } from './fault.ts';
import type { Outcome } from './outcome.ts';
import type { Platform } from '#image/platform.ts';
import type { Family } from './quota.ts';

/** The stages of a pull, in the order they are met. Also a metric label. */
export type Stage = 'plan' | 'dns' | 'proxy' | 'tcp' | 'tls' | 'api' | 'auth' | 'manifest' | 'blob';

/** One step of opening a connection. `startMs` counts from the start of the rehearsal it belongs to. */
export type Step =
  StepOf<'dns', DnsFacts> | StepOf<'tcp', TcpFacts> | StepOf<'proxy', ProxyFacts> | StepOf<'tls', TlsFacts>;
export interface StepOf<S extends Stage, Facts> {
  readonly step: S;
  readonly target: string;
  readonly startMs: number;
  readonly ms: number;
  readonly outcome: Outcome<Facts>;
}
export interface DnsFacts {
  readonly addresses: readonly string[];
  /** `/etc/hosts`, a literal address, or the name server that answered, as host:port. */
  readonly answeredBy: string;
  /** Full names of the search list that were asked for first and do not exist. */
  readonly searched?: { readonly names: readonly string[]; readonly ms: number };
  /** The full name that has these addresses, where it is not the host's own. */
  readonly fullName?: string;
}
interface TcpFacts {
  readonly address: string;
  readonly port: number;
}
export interface ProxyFacts {
  readonly proxy: string;
  readonly status: number;
}
export interface TlsFacts {
  readonly version: string;
  readonly subject: string;
  readonly issuer: string;
  /** ISO 8601. When the last of the chains that are trusted ends; where nobody verifies, the earliest end of what was sent. */
  readonly notAfter: string;
  readonly verified: boolean;
  /** The server's own certificate. */
  readonly leaf?: LeafFacts;
  /** Which certificate ends then, where it is not the server's own. */
  readonly endsWith?: { readonly is: 'intermediate' | 'root'; readonly subject: string; readonly file?: string };
  /** Whom the chains that hold end in, each once; absent where nobody verifies. */
  readonly anchors?: readonly AnchorFacts[];
  /** Why this connection is trusted now and may not be by the next certificate. */
  readonly luck?: ChainLuck;
}
export interface LeafFacts {
  /** First 16 hexadecimal digits of its SHA-256. */
  readonly fingerprint: string;
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
}
export interface AnchorFacts {
  /** First 16 hexadecimal digits of its SHA-256. */
  readonly fingerprint: string;
  readonly subject: string;
  readonly file: string;
  /** `rule`: a file of hosts.toml or config.toml, which no update of the system touches. */
  readonly from: 'system' | 'rule';
}
export type ChainLuck =
  /** The server does not send its intermediate, and a file of the node's happens to hold it. */
  | { readonly is: 'intermediate_not_sent'; readonly subject: string; readonly file: string }
  /** Nobody verifies; it would be refused. */
  | { readonly is: 'unverified'; readonly fault: FaultCode };

/** Why a request was sent. */
export type Act = 'resolve' | 'manifest' | 'config' | 'layer' | 'token';

export interface Exchange {
  readonly act: Act;
  readonly method: 'HEAD' | 'GET' | 'POST';
  /** Without its query's values: presigned URLs are bearer capabilities. */
  readonly url: string;
  /** Index into the plan's routes; -1: a place that the descriptor itself names. */
  readonly route: number;
  readonly startMs: number;
  readonly ms: number;
  /** Why this request was made or skipped, in a clause: `HEAD lacked a digest`. */
  readonly because: string;
  /** The steps that opened its connection; empty when an open connection served. */
  readonly steps: readonly Step[];
  /** Which credential was presented, by label; absent for none. */
  readonly as?: string;
  readonly outcome: Outcome<ExchangeFacts>;
}
export interface ExchangeFacts {
  readonly status: number;
  readonly bytes: number;
  readonly note?: string;
  readonly rateLimit?: RateLimit;
  /** Over which the limit was told, where one was. */
  readonly family?: Family;
  /** Difference between the server's Date header and our clock, in seconds; positive: the server is ahead. */
  readonly clockAheadS?: number;
  readonly mediaType?: string;
  /** From the headers to the last byte that was read, of a layer that was read for its speed. */
  readonly bodyMs?: number;
  /** What the registry announces to its users (OCI distribution specification, Warnings): texts of `Warning: 299` headers. */
  readonly announcements?: readonly string[];
}

/** One call of the kubelet to the runtime: one credential (or none), all hosts, all retries. */
export interface Attempt {
  /** The credential's label, or `anonymous`. */
  readonly as: string;
  readonly exchanges: readonly Exchange[];
  readonly ending: Ending;
}

export type Ending =
  | { readonly is: 'pulled'; readonly content: Content }
  | { readonly is: 'failed'; readonly fault: Fault; readonly stage: Stage; readonly shown: string }
  /** Everything that could be asked for free was fine; the rest was not asked. */
  | { readonly is: 'undetermined'; readonly fault: Fault; readonly stage: Stage; readonly content?: Content };

/** What the pull would bring. */
export interface Content {
  readonly digest: string;
  readonly mediaType: string;
  /** Index into the plan's routes of the host that resolved it. */
  readonly resolvedBy: number;
  readonly platform?: Platform;
  /** The platforms that its index has builds for; absent where there was no index or it was not read. */
  readonly offered?: readonly string[];
  readonly layers: number;
  /** Compressed bytes of config and layers; 0 where the manifest was not read. */
  readonly bytes: number;
  /** Of these, what the runtime does not have yet, and in how many layers; absent where its store was not seen. */
  readonly missingBytes?: number;
  readonly missingLayers?: number;
  /** Hosts that served, or would serve, the blobs. */
  readonly blobHosts: readonly string[];
  /** How far the content was looked at. */
  readonly depth: 'resolved' | 'manifest' | 'blobs_sampled' | 'blobs_verified';
}

/** Something judged for itself, beside the pull: evidence, never the verdict. */
export interface Evidence {
  /**
   * A name server; an address of a host, by TCP and, where the pull used it, TLS; what name servers say of a name that /etc/hosts
   * answers; a host reached as the runtime would reach it after a restart; a whole pull as it would go after the next start of the
   * runtime and the kubelet, whose `host` is where it ended: a host or a file.
   */
  readonly of: 'name_server' | 'address' | 'pinned_name' | 'after_restart' | 'next_start';
  readonly host: string;
  /** 10.0.0.2:53, or [2001:db8::1]:443; after a restart the proxy, or `directly`; of a pull the image. */
  readonly target: string;
  readonly ms: number;
  /** Requests that it took, by lane; absent where it took none. */
  readonly asked?: Readonly<Record<string, number>>;
  readonly outcome: Outcome<EvidenceFacts>;
}
export interface EvidenceFacts {
  readonly note: string;
  /** What a name server said. */
  readonly addresses?: readonly string[];
  /** The certificate of this address. */
  readonly tls?: TlsFacts;
}

export interface Rehearsal {
  readonly attempts: readonly Attempt[];
  readonly evidence: readonly Evidence[];
  readonly ms: number;
}
