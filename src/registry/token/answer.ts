/**
 * What a token service answers, read as Go's encoding/json reads it into containerd's types: the first value of the body, names
 * without regard to case, of equal names the last. Imitates containerd core/remotes/docker/auth/fetch.go (FetchToken,
 * FetchTokenWithOAuth), v1.6.20 to v2.3.4.
 */
import { fieldValues, readFirstGoJson, type GoJson, lastText } from '#go/json.ts';
import { isRfc3339 } from '#go/time.ts';
import { Secret } from '#report/secret.ts';

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

/** OAuthTokenResponse, which POST gets, and FetchTokenResponse, which GET gets, and the text fields of each. */
const answers = {
  POST: { type: 'OAuthTokenResponse', texts: ['access_token', 'refresh_token', 'scope'] },
  GET: { type: 'FetchTokenResponse', texts: ['token', 'access_token', 'refresh_token'] },
} as const;

export function readToken(text: string, method: 'GET' | 'POST', nowMs: number): TokenEnding {
  const json = readFirstGoJson(text);
  if (!json.ok) return { is: 'undecodable', why: json.why };
  const why = whyUndecodable(json.value, method);
  if (why !== undefined) return { is: 'undecodable', why };
  const access = lastText(json.value, 'access_token');
  const token = access === '' && method === 'GET' ? lastText(json.value, 'token') : access;
  if (token === '') return { is: 'empty' };
  // net/http refuses to send it; a code point beyond a byte it would send, and nobody means one.
  if (/[^\t -~\u0080-\u00ff]/.test(token)) return { is: 'undecodable', why: 'the token cannot stand in a header' };
  const expires = lastNumber(json.value, 'expires_in');
  return {
    is: 'granted',
    token: { header: new Secret(`Bearer ${token}`), endsMs: expires > 0 ? nowMs + expires * 1000 : Infinity },
  };
}

/** Go's own words, but for what they would repeat of the answer. */
function whyUndecodable(json: GoJson, method: 'GET' | 'POST'): string | undefined {
  const { type, texts } = answers[method];
  if (json.is === 'null') return undefined;
  if (json.is !== 'object') return `json: cannot unmarshal ${json.is} into Go value of type auth.${type}`;
  for (const name of texts) {
    const wrong = fieldValues(json, name).find(({ is }) => is !== 'string' && is !== 'null');
    if (wrong !== undefined)
      return `json: cannot unmarshal ${wrong.is} into Go struct field ${type}.${name} of type string`;
  }
  const wrong = fieldValues(json, 'expires_in').find((value) => value.is !== 'null' && !isInt(value));
  if (wrong !== undefined) {
    const what = wrong.is === 'number' ? `number ${wrong.text.slice(0, 40)}` : wrong.is;
    return `json: cannot unmarshal ${what} into Go struct field ${type}.expires_in of type int`;
  }
  const times = fieldValues(json, 'issued_at').filter(({ is }) => is !== 'null');
  if (times.some(({ is }) => is !== 'string')) return 'Time.UnmarshalJSON: input is not a JSON string';
  return times.every((time) => time.is === 'string' && isRfc3339(time.value))
    ? undefined
    : 'issued_at is no RFC 3339 time';
}

/** A whole number of 64 bits, without fraction or exponent (strconv.ParseInt). */
function isInt(value: GoJson): boolean {
  return (
    value.is === 'number' &&
    /^-?\d{1,19}$/.test(value.text) &&
    BigInt.asIntN(64, BigInt(value.text)) === BigInt(value.text)
  );
}

function lastNumber(json: GoJson, name: string): number {
  return fieldValues(json, name).reduce((number, value) => (value.is === 'number' ? Number(value.text) : number), 0);
}
