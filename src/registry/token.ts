/** What a token service answers, read as strictly as Go's encoding/json reads it into containerd's types. */
import { Secret } from '#pull/secret.ts';

export interface Token {
  readonly header: Secret;
  /** Milliseconds on the asker's clock. */
  readonly endsMs: number;
}

export type TokenEnding =
  | { readonly is: 'granted'; readonly token: Token }
  /** The last try's connection failed. */
  | { readonly is: 'unreachable' }
  | { readonly is: 'refused'; readonly status: number; readonly body: string }
  | { readonly is: 'empty' }
  | { readonly is: 'undecodable'; readonly why: string };

/** auth/fetch.go OAuthTokenResponse and FetchTokenResponse: POST wants access_token, GET takes either name. */
export function readToken(text: string, method: 'GET' | 'POST', nowMs: number): TokenEnding {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { is: 'undecodable', why: 'it is no JSON' };
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return { is: 'undecodable', why: 'it is no JSON object' };
  const fields = new Map(Object.entries(json));
  const wrong = ['token', 'access_token', 'refresh_token', 'scope'].find(
    (name) => fields.has(name) && !isTextOrNull(fields.get(name)),
  );
  if (wrong !== undefined) return { is: 'undecodable', why: `${wrong} is no string` };
  const expires: unknown = fields.get('expires_in') ?? 0;
  if (typeof expires !== 'number' || !Number.isInteger(expires))
    return { is: 'undecodable', why: 'expires_in is no whole number' };
  const issued: unknown = fields.get('issued_at');
  if (issued !== undefined && issued !== null && !isTime(issued))
    return { is: 'undecodable', why: 'issued_at is no RFC 3339 time' };
  const access = textOf(fields.get('access_token'));
  const token = access !== '' ? access : method === 'GET' ? textOf(fields.get('token')) : '';
  if (token === '') return { is: 'empty' };
  // net/http refuses to send it; a code point beyond a byte it would send, and nobody means one.
  if (/[^\t -~\u0080-\u00ff]/.test(token)) return { is: 'undecodable', why: 'the token cannot stand in a header' };
  return {
    is: 'granted',
    token: { header: new Secret(`Bearer ${token}`), endsMs: expires > 0 ? nowMs + expires * 1000 : Infinity },
  };
}

function isTextOrNull(value: unknown): boolean {
  return typeof value === 'string' || value === null;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(value);
}
