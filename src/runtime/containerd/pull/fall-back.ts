/**
 * HTTPS first and then plain HTTP, as containerd does where both may be meant: registries on the node itself, http:// entries with
 * TLS settings. Imitates containerd core/remotes/docker/resolver.go NewHTTPFallback, v1.6.20 to v2.3.4.
 */
import type { Fault } from '#report/fault.ts';
import type { Route } from '#runtime/plan.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';

/** resolver.go isTLSError and isPortError, where isConnError is a refused connection and os.IsTimeout any time-out. */
export function fallsBack(fault: Fault, route: Route, { plan: { engine } }: AttemptContext): boolean {
  if (fault.code === 'tls.not_tls') return true;
  if (fault.code === 'tls.timed_out' && engine.httpAfterTlsTimeout) return true;
  if (!engine.httpAfterConnectionError || /:\d+$/.test(route.authority)) return false;
  return ['tcp.refused', 'tcp.timed_out', 'dns.timed_out', 'api.timed_out', 'tls.timed_out'].includes(fault.code);
}

export function plainly(url: URL): URL {
  return new URL(url.href.replace(/^https:/, 'http:'));
}

/** A response names the request that got it, which is NewHTTPFallback's own; an error names the one that was meant. */
export function answering(context: AttemptContext, url: URL): URL {
  return context.wire.plain.has(url.host) ? plainly(url) : url;
}
