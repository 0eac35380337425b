/** Small grammars of Go's standard library that configuration files rely on: time.ParseDuration and net/url.Parse. */
import { valueAt } from '#pull/value-at.ts';

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** time.ParseDuration in milliseconds; undefined where Go returns an error. */
export function parseGoDuration(text: string): number | undefined {
  const signed = /^([-+]?)(.+)$/s.exec(text);
  if (signed === null) return undefined;
  const [, sign = '', rest = ''] = signed;
  if (rest === '0') return 0;
  let ms = 0;
  let at = 0;
  const piece = /(\d*)(\.\d*)?([a-zµμ]+)/y;
  while (at < rest.length) {
    piece.lastIndex = at;
    const found = piece.exec(rest);
    if (found === null) return undefined;
    const [all, whole = '', fraction = '', unit = ''] = found;
    const factor = valueAt(unitMs, unit);
    if (factor === undefined || (whole === '' && (fraction === '' || fraction === '.'))) return undefined;
    ms += Number(`${whole === '' ? '0' : whole}${fraction === '.' ? '' : fraction}`) * factor;
    at += all.length;
  }
  // int64 nanoseconds overflow after about 292 years.
  if (ms > 9_223_372_036_854) return undefined;
  return sign === '-' ? -ms : ms;
}

export interface GoUrl {
  readonly scheme: string;
  /** Host with port, as written; empty in a path or an opaque URL. */
  readonly host: string;
  readonly path: string;
}

/** net/url.Parse, as far as a registry's address can meet it; undefined where Go returns an error. */
export function parseGoUrl(text: string): GoUrl | undefined {
  if (/[\u0000-\u001f\u007f]/.test(text) || text.startsWith(':')) return undefined;
  const body = text.split('#', 1)[0] ?? '';
  const colon = /^([a-zA-Z][a-zA-Z0-9+.-]*):(.*)$/s.exec(body);
  const scheme = (colon?.[1] ?? '').toLowerCase();
  const rest = (colon?.[2] ?? body).split('?', 1)[0] ?? '';
  if (!rest.startsWith('/') && scheme !== '') return { scheme, host: '', path: '' };
  if (!rest.startsWith('/') && /^[^/]*:/.test(rest)) return undefined;
  if (!rest.startsWith('//') || (scheme === '' && rest.startsWith('///'))) {
    return isEscaped(rest) ? { scheme, host: '', path: rest } : undefined;
  }
  const slash = rest.indexOf('/', 2);
  const authority = slash === -1 ? rest.slice(2) : rest.slice(2, slash);
  const path = slash === -1 ? '' : rest.slice(slash);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return isHost(host) && isEscaped(path) ? { scheme, host, path } : undefined;
}

/** validOptionalPort, and the characters that Go allows in a host. */
function isHost(host: string): boolean {
  if (host.startsWith('[')) return /^\[[0-9a-fA-F:.]*(%25[^\]]+)?\](:\d*)?$/.test(host);
  return /^[^\s\\^`{|}/%[\]:]*(:\d*)?$/.test(host);
}

function isEscaped(path: string): boolean {
  return !/%(?![0-9a-fA-F]{2})/.test(path);
}
