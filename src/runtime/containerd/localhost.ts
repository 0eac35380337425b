import { splitHostPort } from '#go/host-port.ts';
import { isLoopback, parseAddress } from '#go/ip.ts';

/** docker.IsLocalhost: `localhost` or a loopback address, with or without a port; `[::1]` without a port is not recognised. */
export function isLocalhost(registry: string): boolean {
  const host = splitHostPort(registry)?.host ?? registry;
  const address = parseAddress(host);
  return host === 'localhost' || (address !== undefined && isLoopback(address));
}
