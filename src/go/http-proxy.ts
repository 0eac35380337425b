/**
 * Which proxy a Go program would send a request through.
 *
 * Imitates golang.org/x/net/http/httpproxy as vendored in Go 1.26 (proxy.go parseProxy, init, useProxy) and net/http's Transport
 * (proxyAuth, canonicalAddr). A value that is no URL does not fail a request: Go drops it and connects directly, so that `proxyFor`
 * returns no proxy and `proxyWarnings` explains it.
 */
import type { Fault } from '#report/fault.ts';
import { encodeBase64 } from './base64.ts';
import type { GoUrl } from './url.ts';
import { parseGoUrl } from './url.ts';
import { joinHostPort, splitAuthority, splitHostPort, type Origin } from './host-port.ts';
import type { Address, Network } from './ip.ts';
import { contains, isLoopback, parseAddress, parseNetwork, sameAddress } from './ip.ts';
import type { Outcome } from '#report/outcome.ts';
import { bad, good } from '#report/outcome.ts';
import { Secret } from '#report/secret.ts';

/** A program's proxy variables (golang.org/x/net/http/httpproxy Config). Absent: not set. */
export interface ProxyRules {
  readonly http?: Secret;
  readonly https?: Secret;
  readonly no?: string;
  readonly source: string;
  /** The program knows http, https and socks5, and takes any other scheme for the name of a host (Go before 1.23). */
  readonly threeSchemes?: true;
}

export interface ProxyTarget {
  /** `socks5` and `socks5h` are the same to Go: the proxy resolves names. */
  readonly scheme: 'http' | 'https' | 'socks5' | 'socks5h';
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** `Basic …`, for Proxy-Authorization. */
  readonly authorization?: Secret;
  /** The same login in its parts, for SOCKS. */
  readonly login?: { readonly username: Secret; readonly password: Secret };
  /** The proxy's URL without user and password. */
  readonly shown: string;
}

/** The proxy variables that the runtime would have after a restart. */
export interface ProxyNext {
  readonly rules: ProxyRules;
  /** `/etc/systemd/system/containerd.service.d/proxy.conf is newer than the running containerd`. */
  readonly because: string;
}

/** null: connect directly. A fault: Go uses this proxy and cannot open a connection to it. */
export function proxyFor(rules: ProxyRules, url: Origin): Outcome<ProxyTarget | null> {
  const value = (url.scheme === 'https' ? rules.https : rules.http)?.reveal() ?? '';
  if (value === '') return good(null);
  const proxy = readProxy(value, rules);
  if (!proxy.ok || isExempt(rules.no ?? '', url)) return good(null);
  return targetOf(proxy.url, value);
}

/** Warnings about values that Go drops silently or reads in an unintended form. */
export function proxyWarnings(rules: ProxyRules): readonly Fault[] {
  return [rules.https, rules.http].flatMap((variable) => {
    const value = variable?.reveal() ?? '';
    if (value === '') return [];
    const written = parseGoUrl(value);
    const proxy = readProxy(value, rules);
    if (!proxy.ok) return [malformed(value, proxy.why)];
    const { host } = splitAuthority(proxy.url.host);
    const unknown = written.ok && proxy.url.scheme !== written.url.scheme;
    if ((written.ok && !unknown) || !value.includes('://')) return [];
    const why = written.ok ? `scheme ${written.url.scheme} is unknown to this runtime` : written.why;
    return [malformed(value, `${why}, so Go takes ${host} for the name of the proxy`)];
  });
}

/**
 * parseProxy: a value without scheme or host, and before x/net v0.23 (Go 1.23) one with a scheme other than three, is parsed again
 * with the prefix `http://`; the first error counts.
 */
function readProxy(value: string, { threeSchemes }: ProxyRules): ReturnType<typeof parseGoUrl> {
  const written = parseGoUrl(value);
  const isKnown = ({ scheme, host }: GoUrl): boolean =>
    threeSchemes === true ? firstSchemes.has(scheme) : scheme !== '' && host !== '';
  if (written.ok && isKnown(written.url)) return written;
  const completed = parseGoUrl(`http://${value}`);
  return completed.ok ? completed : written;
}

const firstSchemes: ReadonlySet<string> = new Set(['http', 'https', 'socks5']);

const defaultPorts = { http: 80, https: 443, socks5: 1080, socks5h: 1080 } as const;

function targetOf({ scheme: written, host, user }: GoUrl, value: string): Outcome<ProxyTarget> {
  const { host: name, port: writtenPort } = splitAuthority(host);
  const scheme = isScheme(written) ? written : 'http';
  // Go uses HTTP to a proxy of any other scheme, without a default port.
  if (writtenPort === '' && !isScheme(written)) return bad(malformed(value, `unsupported scheme ${written}`));
  const port = writtenPort === '' ? defaultPorts[scheme] : Number(writtenPort);
  if (port > 65_535) return bad(malformed(value, `address ${writtenPort}: invalid port`));
  if (name === '') return bad(malformed(value, 'it names no host'));
  const target = { scheme, host: toAscii(name), port, shown: `${scheme}://${joinHostPort(name, port)}` };
  if (user === undefined) return good(target);
  const [username, password] = [user.name, user.password ?? ''];
  const basic = encodeBase64(new TextEncoder().encode(`${username}:${password}`));
  return good({
    ...target,
    authorization: new Secret(`Basic ${basic}`),
    login: { username: new Secret(username), password: new Secret(password) },
  });
}

function isScheme(text: string): text is ProxyTarget['scheme'] {
  return Object.hasOwn(defaultPorts, text);
}

/**
 * A fault without user and password. A slash or a hash in a password moves a part of it into Go's port or path, so that everything
 * before the last @ is removed, and Go's quotations as well.
 */
function malformed(value: string, why: string): Fault {
  const at = value.lastIndexOf('@');
  if (at < 0) return { code: 'proxy.malformed', value, why };
  const scheme = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\//.exec(value)?.[0] ?? '';
  return {
    code: 'proxy.malformed',
    value: `${scheme}[secret]${value.slice(at)}`,
    why: why.replace(/"(?:[^"\\]|\\.)*"/g, '[secret]'),
  };
}

/** The negation of Config.useProxy. */
function isExempt(list: string, url: Origin): boolean {
  const host = toAscii(url.host);
  if (host === 'localhost') return true;
  const address = parseAddress(host);
  if (address !== undefined && isLoopback(address)) return true;
  const target = { host: host.trim().toLowerCase(), port: String(url.port), address };
  const entries = list.split(',').map((entry) => entry.trim().toLowerCase());
  return entries.some((entry) => exempts(readEntry(entry), target));
}

interface ExemptionTarget {
  readonly host: string;
  readonly port: string;
  readonly address: Address | undefined;
}

type Entry =
  | { readonly is: 'nothing' }
  | { readonly is: 'everything' }
  | { readonly is: 'network'; readonly network: Network }
  | { readonly is: 'address'; readonly address: Address; readonly port: string }
  /** `suffix` starts with a dot; `itself`: the name without the dot matches as well. */
  | { readonly is: 'domain'; readonly suffix: string; readonly itself: boolean; readonly port: string };

/** One element of NO_PROXY (Config.init). */
function readEntry(entry: string): Entry {
  if (entry === '') return { is: 'nothing' };
  if (entry === '*') return { is: 'everything' };
  const network = parseNetwork(entry);
  if (network !== undefined) return { is: 'network', network };
  const { host, port } = splitHostPort(entry) ?? { host: entry, port: '' };
  if (host === '') return { is: 'nothing' };
  const address = parseAddress(host);
  if (address !== undefined) return { is: 'address', address, port };
  const name = host.startsWith('*.') ? host.slice(1) : host;
  const itself = !name.startsWith('.');
  return { is: 'domain', suffix: toAscii(itself ? `.${name}` : name), itself, port };
}

function exempts(entry: Entry, target: ExemptionTarget): boolean {
  switch (entry.is) {
    case 'nothing':
      return false;
    case 'everything':
      return true;
    case 'network':
      return target.address !== undefined && contains(entry.network, target.address);
    case 'address':
      return (
        target.address !== undefined &&
        sameAddress(entry.address, target.address) &&
        (entry.port === '' || entry.port === target.port)
      );
    case 'domain': {
      const named = target.host.endsWith(entry.suffix) || (entry.itself && target.host === entry.suffix.slice(1));
      return named && (entry.port === '' || entry.port === target.port);
    }
  }
}

/** The ASCII form of a name (Go: idna.Lookup.ToASCII); the name itself where it has none. */
function toAscii(name: string): string {
  if (/^[\u0000-\u007f]*$/.test(name)) return name;
  const dotted = name.startsWith('.') ? name.slice(1) : name;
  const url = `http://${dotted}`;
  const ascii = URL.canParse(url) ? new URL(url).hostname : dotted;
  return name.startsWith('.') ? `.${ascii}` : ascii;
}

/** The rules for people: no user and no password. */
export function shownProxies({ http, https, no, source }: ProxyRules): {
  readonly http?: string;
  readonly https?: string;
  readonly no?: string;
  readonly source: string;
} {
  return {
    ...(http === undefined ? {} : { http: withoutLogin(http.reveal()) }),
    ...(https === undefined ? {} : { https: withoutLogin(https.reveal()) }),
    ...(no === undefined ? {} : { no }),
    source,
  };
}

/** What a URL may hold before its host is a login. A password may hold any character but a slash. */
export function withoutLogin(url: string): string {
  const scheme = url.indexOf('://');
  const start = scheme < 0 ? 0 : scheme + 3;
  const end = url.indexOf('/', start);
  const at = url.slice(0, end < 0 ? undefined : end).lastIndexOf('@');
  return at < start ? url : `${url.slice(0, start)}${url.slice(at + 1)}`;
}
