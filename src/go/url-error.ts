/** Errors of net/url and of the requests that they name, as Go prints them; secrets in queries are hidden. */
import type { Fault } from '#report/fault.ts';
import { goError, type GoTexts } from './error-text.ts';

export interface SentRequest {
  readonly method: string;
  /** The whole URL as the client knows it. */
  readonly url: URL;
}

interface UrlTexts {
  /** Queries in errors are [REDACTED] (containerd internal/cri/util/sanitize.go). */
  readonly texts: GoTexts & { readonly redactsQueries: boolean };
}

/** net/url Error: `Get "URL": …`, its query hidden where the runtime hides it, and always where it may be a capability. */
export function urlError(request: SentRequest, fault: Fault, engine: UrlTexts): string {
  return `${requestText(request, engine)}: ${goError(fault, engine)}`;
}

/** `Get "URL"` */
export function requestText({ method, url }: SentRequest, { texts }: UrlTexts): string {
  return `${method.charAt(0)}${method.slice(1).toLowerCase()} "${shownUrl(url, texts.redactsQueries)}"`;
}

const harmless = new Set(['ns', 'scope', 'service']);

export function shownUrl(url: URL, redact: boolean): string {
  const bare = `${url.protocol}//${url.host}${url.pathname}`;
  const pairs = [...url.searchParams].map(([name, value]) => {
    const hidden = redact || !harmless.has(name);
    return `${queryEscape(name)}=${queryEscape(hidden ? '[REDACTED]' : value)}`;
  });
  return pairs.length === 0 ? bare : `${bare}?${pairs.join('&')}`;
}

/** net/url QueryEscape. */
function queryEscape(text: string): string {
  const escaped = encodeURIComponent(text.toWellFormed()).replaceAll('%20', '+');
  return escaped.replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
