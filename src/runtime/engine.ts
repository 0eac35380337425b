/**
 * What the steps that all runtimes share, and the texts of Go, need to know of one version of a runtime. Each runtime extends it in its own
 * versions.ts, the only place that compares version numbers.
 */
import type { GoTexts } from '#go/error-text.ts';
import type { PlatformRule } from '#image/platform.ts';
import type { RuntimeVersion } from '#node/view.ts';

export interface Engine {
  /** Which of containerd's two code paths pulls: in-process (`local`) or the transfer service. Other runtimes have one: `local`. */
  readonly kind: 'local' | 'transfer';
  readonly version: RuntimeVersion;
  readonly userAgent: string;
  /** Index children: lesser platforms serve too (platforms.Only), or only the exact one (platforms.OnlyStrict). */
  readonly platforms: PlatformRule;
  /** http.Transport.ResponseHeaderTimeout. Absent: a silent server hangs the pull. */
  readonly headerTimeoutMs?: number;
  /** A route that is tried as HTTPS first falls back to HTTP when the TLS handshake times out. */
  readonly httpAfterTlsTimeout: boolean;
  /** …and when the connection itself fails and no port was written. */
  readonly httpAfterConnectionError: boolean;
  /** TLS with RSA key exchange is offered: built for a Go before 1.22. */
  readonly takesRsaKeyExchange: boolean;
  readonly texts: GoTexts & {
    /** Queries in transport errors are [REDACTED]. */
    readonly redactsQueries: boolean;
  };
}
