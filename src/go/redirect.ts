/** Where a redirect leads, and whether credentials may go along. Imitates Go's net/http client.go (Client.do, redirectBehavior, shouldCopyHeaderOnRedirect). */

/** Requests that one call makes at most, the first one included (defaultCheckRedirect: `stopped after 10 redirects`). */
export const mostRequests = 10;

/** undefined: the answer stands as it is. A text: why the redirect cannot be followed. */
export function nextRequest(status: number, location: string | undefined, from: URL): URL | string | undefined {
  if (![301, 302, 303, 307, 308].includes(status)) return undefined;
  if (location === undefined || location === '') return undefined;
  if (!URL.canParse(location, from.href)) return 'failed to parse Location header';
  const next = new URL(location, from);
  if (next.protocol !== 'http:' && next.protocol !== 'https:')
    return `unsupported protocol scheme "${next.protocol.slice(0, -1)}"`;
  return next;
}

/** isDomainOrSubdomain: the same host, on whatever port, or a host below it. */
export function isWithin(host: string, parent: string): boolean {
  if (host === parent) return true;
  return !/[:%]/.test(host) && !/^[\d.]+$/.test(host) && host.endsWith(`.${parent}`);
}
