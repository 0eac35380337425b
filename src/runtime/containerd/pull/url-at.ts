import type { Route } from '#runtime/plan.ts';
import { cleanPath } from '#runtime/containerd/hosts.ts';

/** The URL that containerd would ask at a route (resolver.go request, addNamespace). */
export function urlAt(route: Route, repository: string, object: string): URL | undefined {
  const text = `${route.scheme}://${route.authority}${cleanPath(`${route.path}/${repository}/${object}`)}`;
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  // URL makes an address of every number; Go asks for the name 127.1.
  if (/^[\d.]+$/.test(url.hostname) && url.hostname !== route.host) return undefined;
  if (route.ns !== undefined) url.searchParams.set('ns', route.ns);
  return url;
}
