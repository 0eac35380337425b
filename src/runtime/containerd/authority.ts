/** The authority of a registry: its host and port, and whether it is this node. */
import { isLoopback, parseAddress, splitHostPort } from '#go/ip.ts';

/** docker.IsLocalhost: `localhost` or a loopback address, with or without a port; `[::1]` without a port is not recognised. */
export function isLocalhost(registry: string): boolean {
  const host = splitHostPort(registry)?.host ?? registry;
  const address = parseAddress(host);
  return host === 'localhost' || (address !== undefined && isLoopback(address));
}

/** host and port of `host`, `host:port`, `[v6]`, `[v6]:port`. */
export function splitAuthority(authority: string): { readonly host: string; readonly port?: string } {
  const v6 = /^\[([^\]]*)\](?::(\d*))?$/.exec(authority);
  if (v6 !== null)
    return v6[2] === undefined || v6[2] === '' ? { host: v6[1] ?? '' } : { host: v6[1] ?? '', port: v6[2] };
  const colon = authority.lastIndexOf(':');
  if (colon < 0 || colon === authority.length - 1) return { host: colon < 0 ? authority : authority.slice(0, -1) };
  return { host: authority.slice(0, colon), port: authority.slice(colon + 1) };
}
