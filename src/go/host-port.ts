/**
 * Hosts and ports, written and read: the only parser of `host:port` texts. Imitates Go 1.26 net/ipsock.go (JoinHostPort,
 * SplitHostPort) and net/url (URL.Hostname, URL.Port).
 */

/** A host, IPv6 without brackets, and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** What a URL connects to. */
export interface Origin extends HostPort {
  readonly scheme: 'https' | 'http';
}

/** net.JoinHostPort: IPv6 in brackets. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** net.SplitHostPort; undefined where Go reports an error, such as a missing port or too many colons. */
export function splitHostPort(text: string): { readonly host: string; readonly port: string } | undefined {
  const colon = text.lastIndexOf(':');
  if (colon < 0) return undefined;
  const port = text.slice(colon + 1);
  if (port.includes('[') || port.includes(']')) return undefined;
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    if (end < 0 || end + 1 !== colon) return undefined;
    const host = text.slice(1, end);
    return host.includes('[') ? undefined : { host, port };
  }
  const host = text.slice(0, colon);
  return /[:[\]]/.test(host) ? undefined : { host, port };
}

/**
 * URL.Hostname and URL.Port of an authority without user information. The port is empty where none or an empty one is
 * written; a colon that no digits follow belongs to the host.
 */
export function splitAuthority(authority: string): { readonly host: string; readonly port: string } {
  const colon = authority.lastIndexOf(':');
  const isPort = colon >= 0 && /^\d*$/.test(authority.slice(colon + 1));
  const host = isPort ? authority.slice(0, colon) : authority;
  return { host: withoutBrackets(host), port: isPort ? authority.slice(colon + 1) : '' };
}

/** `[::1]` as `::1`; any other text as it is. */
export function withoutBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

/** The origin of an http or https URL, with the scheme's default port where the URL has none. */
export function originOf(url: URL): Origin {
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const port = url.port === '' ? defaultPorts[scheme] : Number(url.port);
  return { scheme, host: withoutBrackets(url.hostname), port };
}

const defaultPorts = { http: 80, https: 443 } as const;
