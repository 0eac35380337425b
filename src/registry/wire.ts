/**
 * One HTTP request and its outcome, and the settings of the network it goes over. A request is exactly one request: the caller
 * decides about redirects, retries, credentials and fallbacks.
 */
import type { Outcome } from '#report/outcome.ts';
import type { Step } from '#report/rehearsal.ts';
import type { Resolver, SystemRoots, TlsRule } from '#node/view.ts';
import type { ProxyRules } from '#go/http-proxy.ts';

/** The node's network configuration, and the agent's own bounds. */
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
  /** A monotonic clock in milliseconds, with the same zero as every `startMs` in the report. */
  readonly elapsedMs: () => number;
}

/** The URL of a request comes from an answer of a registry: its addresses are checked before the connection is opened. */
export interface RequestCause {
  /** `realm`: a token service named in a challenge. `redirect`: a Location. `descriptor`: an entry of `urls` in a manifest. */
  readonly by: 'realm' | 'redirect' | 'descriptor';
  /** The host whose answer named the URL, without port and brackets. */
  readonly registry: string;
}

export interface Ask {
  readonly method: 'HEAD' | 'GET' | 'POST';
  readonly url: URL;
  /** Absent: the URL comes from the node's configuration or from the image's name. */
  readonly cause?: RequestCause;
  /** Sent as they are; Host and Content-Length are added. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
  readonly tls: TlsRule;
  /** For lookup and connection together, over all addresses (containerd: 30 s). */
  readonly dialTimeoutMs: number;
  /** From the request's last byte to the response's headers. */
  readonly headerTimeoutMs: number;
  /** The body is read up to this many bytes; where it is longer, the connection is closed. */
  readonly maxBytes: number;
  /** The body must end within this time after the headers. */
  readonly bodyTimeoutMs: number;
  /** The body is hashed with this digest's algorithm as it arrives, and not kept: for blobs of any size. */
  readonly hashAs?: string;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** Lower-cased name → values in order of arrival. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Uint8Array;
  /** From the headers to the last byte that was read. */
  readonly bodyMs: number;
  /** False where maxBytes cut the body off. */
  readonly whole: boolean;
  /** With `hashAs`, instead of a body. */
  readonly hashed?: { readonly digest: string; readonly bytes: number };
  /** Set where the body broke off or was too slow after good headers. */
  readonly bodyFault?: Outcome<never>;
}

export interface Asked {
  /** The steps that opened the connection; empty where an open one was reused. Present also where they failed. */
  readonly steps: readonly Step[];
  readonly startMs: number;
  readonly ms: number;
  readonly outcome: Outcome<Answer>;
}

/** First value of a header, or undefined. `name` is lower case. */
export function header(answer: Answer, name: string): string | undefined {
  return answer.headers[name]?.[0];
}
