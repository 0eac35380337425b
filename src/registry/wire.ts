/**
 * The words of the wire: what is asked, over which kind of connection, and what came back. A request here is one request:
 * redirects, retries, credentials and fallbacks are decided by whoever asks.
 */
import type { Outcome } from '#report/outcome.ts';
import type { Step } from '#report/rehearsal.ts';
import type { ProxyRules, Resolver, SystemRoots, TlsRule } from '#node/view.ts';

/** What a set of connections is built from: the node's beliefs, and our own two bounds. */
export interface NetworkSettings {
  readonly resolver: Resolver;
  readonly roots: SystemRoots;
  readonly proxy: ProxyRules;
  /** TLS with RSA key exchange is offered as well. */
  readonly rsaKeyExchange?: boolean;
  /** Only addresses of this family are connected to; absent: both, in Go's order. */
  readonly family?: 'ipv4' | 'ipv6';
  /** Connections to one origin at a time. */
  readonly perOrigin: number;
  /** Wall clock, for certificates. */
  readonly now: () => Date;
  /** Milliseconds that only grow, from the same zero as every `startMs` in the report. */
  readonly elapsedMs: () => number;
}

export interface Ask {
  readonly method: 'HEAD' | 'GET' | 'POST';
  readonly url: URL;
  /** Sent as they are; Host and Content-Length are added. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
  readonly tls: TlsRule;
  /** For look-up and connection together, over all addresses (containerd: 30 s). */
  readonly dialTimeoutMs: number;
  /** From the request's last byte to the response's headers. */
  readonly headerTimeoutMs: number;
  /** The body is read up to this many bytes and the rest is refused, which costs the connection. */
  readonly maxBytes: number;
  /** The body must end within this time after the headers. */
  readonly bodyTimeoutMs: number;
  /** The body is hashed under this digest's algorithm as it comes, and not held: for blobs of any size. */
  readonly hashAs?: string;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** Lower-cased name → values in order of arrival. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Uint8Array;
  /** From the headers to the last byte that was taken. */
  readonly bodyMs: number;
  /** False when maxBytes cut the body off. */
  readonly whole: boolean;
  /** With `hashAs`, in place of a body. */
  readonly hashed?: { readonly digest: string; readonly bytes: number };
  /** Set when the body broke off or dripped too slowly after good headers. */
  readonly bodyFault?: Outcome<never>;
}

export interface Asked {
  /** What opened the connection; empty when an open one served. Present also when it failed. */
  readonly steps: readonly Step[];
  readonly startMs: number;
  readonly ms: number;
  readonly outcome: Outcome<Answer>;
}

/** First value of a header, or undefined. `name` is lower case. */
export function header(answer: Answer, name: string): string | undefined {
  return answer.headers[name]?.[0];
}
