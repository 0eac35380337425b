/**
 * How one containerd version pulls: its differences as data, so that no other file asks for a version number.
 * Sources are named per field; versions compared: 1.6.20, 1.6.39, 1.7.34, 2.0.11, 2.1.9, 2.2.7, 2.3.4.
 */
import type { RuntimeVersion } from './view.ts';

export interface Engine {
  readonly kind: 'local' | 'transfer';
  readonly version: RuntimeVersion;
  readonly userAgent: string;
  /** Which host's error is shown after a failed resolve (core/remotes/docker/resolver.go Resolve). */
  readonly shows: 'first_not_404' | 'furthest';
  /** Requests to one host that answers 408 or 429, or 401 without `error=` (resolver.go retryRequest). */
  readonly tries: number;
  /** 500, 503 and 504 get one retry, on the last host (2.1). */
  readonly retriesServerErrors: boolean;
  /** 2.3.3: a GET after HEAD 403 fetches the registry's message. */
  readonly asksWhyForbidden: boolean;
  /** http.Transport.ResponseHeaderTimeout; absent: none, a silent server hangs the pull (2.2 and before). */
  readonly headerTimeoutMs?: number;
  /** Index children: the local engine's matcher accepts lesser platforms, the transfer service wants the exact one. */
  readonly platforms: 'compatible' | 'exact';
  /** hosts.toml headers go with token requests (2.1). */
  readonly headersToRealm: boolean;
  /** Schema 1 manifests are converted (2.0 and before; 2.0 by an environment variable, taken as off). */
  readonly convertsSchema1: boolean;
}

export function engineOf(version: RuntimeVersion, kind: 'local' | 'transfer'): Engine {
  const from = (major: number, minor: number, patch = 0): boolean => atLeast(version, major, minor, patch);
  return {
    kind,
    version,
    userAgent: `containerd/${version.text}`,
    shows: from(2, 0) ? 'furthest' : 'first_not_404',
    tries: from(2, 3, 2) ? 5 : 6,
    retriesServerErrors: from(2, 1),
    asksWhyForbidden: from(2, 3, 3),
    ...(from(2, 3) ? { headerTimeoutMs: 30_000 } : {}),
    platforms: kind === 'local' ? 'compatible' : 'exact',
    headersToRealm: from(2, 1),
    convertsSchema1: !from(2, 0),
  };
}

export function atLeast(version: RuntimeVersion, major: number, minor: number, patch = 0): boolean {
  if (version.major !== major) return version.major > major;
  if (version.minor !== minor) return version.minor > minor;
  return version.patch >= patch;
}
