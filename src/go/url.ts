/**
 * URLs as Go's net/url.Parse takes them apart (Go 1.26 url.go parse, parseAuthority, parseHost, unescape), with its error
 * texts. Fragments and queries are cut off and forgotten. It is laxer than Go since 1.25.2 in one thing: square brackets in
 * the middle of a host are let through, as before.
 */
import { cut } from './strings.ts';

export interface GoUrl {
  /** Lower case; empty for a relative reference. */
  readonly scheme: string;
  readonly user?: { readonly name: string; readonly password?: string };
  /** Host with its port, brackets kept. */
  readonly host: string;
  /** Decoded. */
  readonly path: string;
}

export type GoUrlRead = { readonly ok: true; readonly url: GoUrl } | { readonly ok: false; readonly why: string };

type Part = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

export function parseGoUrl(text: string): GoUrlRead {
  const [whole] = cut(text, '#');
  if (hasControl(whole)) return wrong('net/url: invalid control character in URL');
  if (whole.startsWith(':')) return wrong('missing protocol scheme');
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(whole)?.[1] ?? '';
  const [rest] = cut(scheme === '' ? whole : whole.slice(scheme.length + 1), '?');
  const lower = scheme.toLowerCase();
  if (!rest.startsWith('/')) {
    if (scheme !== '') return { ok: true, url: { scheme: lower, host: '', path: '' } };
    if (cut(rest, '/')[0].includes(':')) return wrong('first path segment in URL cannot contain colon');
  }
  if (!rest.startsWith('//') || (scheme === '' && rest.startsWith('///')))
    return withPath({ scheme: lower, host: '' }, rest);
  const slash = rest.indexOf('/', 2);
  const authority = parseAuthority(slash < 0 ? rest.slice(2) : rest.slice(2, slash));
  if (!authority.ok) return authority;
  return withPath({ scheme: lower, ...authority.parts }, slash < 0 ? '' : rest.slice(slash));
}

/** URL.Hostname and URL.Port: brackets dropped, the port empty where none or an empty one is written. */
export function hostAndPort(host: string): { readonly name: string; readonly port: string } {
  const match = /^(.*):(\d*)$/s.exec(host);
  const [name, port] = match === null ? [host, ''] : [match[1] ?? '', match[2] ?? ''];
  const bare = name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
  return { name: bare, port };
}

function wrong(why: string): { ok: false; why: string } {
  return { ok: false, why };
}

function withPath(parts: Omit<GoUrl, 'path'>, escaped: string): GoUrlRead {
  const path = unescape(escaped, 'elsewhere');
  return path.ok ? { ok: true, url: { ...parts, path: path.text } } : path;
}

type Authority = { ok: true; parts: Pick<GoUrl, 'user' | 'host'> } | { ok: false; why: string };

function parseAuthority(authority: string): Authority {
  const at = authority.lastIndexOf('@');
  const host = parseHost(authority.slice(at + 1));
  if (!host.ok) return host;
  if (at < 0) return { ok: true, parts: { host: host.text } };
  const userinfo = authority.slice(0, at);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(userinfo)) return wrong('net/url: invalid userinfo');
  const [writtenName, writtenPassword] = cut(userinfo, ':');
  const name = unescape(writtenName, 'elsewhere');
  if (!name.ok) return name;
  if (!userinfo.includes(':')) return { ok: true, parts: { user: { name: name.text }, host: host.text } };
  const password = unescape(writtenPassword, 'elsewhere');
  if (!password.ok) return password;
  return { ok: true, parts: { user: { name: name.text, password: password.text }, host: host.text } };
}

function parseHost(host: string): Part {
  if (host.startsWith('[')) {
    const end = host.lastIndexOf(']');
    if (end < 0) return wrong("missing ']' in host");
    const port = host.slice(end + 1);
    if (!isOptionalPort(port)) return wrong(`invalid port ${JSON.stringify(port)} after host`);
    const zone = host.slice(0, end).indexOf('%25');
    if (zone >= 0) {
      const before = unescape(host.slice(0, zone), 'host');
      const inside = unescape(host.slice(zone, end), 'elsewhere');
      const after = unescape(host.slice(end), 'host');
      if (!before.ok || !inside.ok || !after.ok) return [before, inside, after].find((part) => !part.ok) ?? before;
      return { ok: true, text: before.text + inside.text + after.text };
    }
  } else {
    const colon = host.lastIndexOf(':');
    const port = colon < 0 ? '' : host.slice(colon);
    if (!isOptionalPort(port)) return wrong(`invalid port ${JSON.stringify(port)} after host`);
  }
  return unescape(host, 'host');
}

function isOptionalPort(text: string): boolean {
  return text === '' || /^:\d*$/.test(text);
}

/** In a host only bytes beyond ASCII may be escaped, and few others may stand unescaped. */
function unescape(text: string, where: 'host' | 'elsewhere'): Part {
  for (const [escape, hex = ''] of text.matchAll(/%([0-9a-fA-F]{2})?/g)) {
    if (hex === '') {
      const at = text.search(/%(?![0-9a-fA-F]{2})/);
      return wrong(`invalid URL escape ${JSON.stringify(text.slice(at, at + 3))}`);
    }
    if (where === 'host' && escape !== '%25' && Number.parseInt(hex, 16) < 0x80) {
      return wrong(`invalid URL escape ${JSON.stringify(escape)}`);
    }
  }
  const odd = where === 'host' ? /[^A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"%\u0080-\uffff]/.exec(text) : null;
  if (odd !== null) return wrong(`invalid character ${JSON.stringify(odd[0])} in host name`);
  return { ok: true, text: text.includes('%') ? decodePercent(text) : text };
}

function decodePercent(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const out: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === 0x25) {
      out.push(Number.parseInt(String.fromCharCode(bytes[i + 1] ?? 0, bytes[i + 2] ?? 0), 16));
      i += 2;
    } else out.push(byte);
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(out));
}

function hasControl(text: string): boolean {
  return Array.from(text).some((char) => char < ' ' || char === '\u007f');
}
