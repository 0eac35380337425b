/**
 * door: a credential turned into an Authorization header, by itself (Basic) or through a token service (Bearer).
 * Imitates containerd core/remotes/docker/authorizer.go (doBearerAuth, doBasicAuth) and auth/fetch.go, v1.6.20 to v2.3.4:
 * with a password POST first, then GET on 400, 401, 404 and 405; without one a GET. This file and the room it is in are
 * where passwords are opened; they go nowhere but into the request that containerd would put them in.
 */
import type { FaultOf } from '#pull/fault.ts';
import { bad, good, type Outcome } from '#pull/outcome.ts';
import { Secret } from '#pull/secret.ts';
import type { Header, TlsRule } from '#pull/view.ts';
import type { Connections } from './connections.ts';
import { fingerprint } from './digest.ts';
import type { Asked } from './wire.ts';

export interface Login {
  readonly label: string;
  readonly username: string;
  readonly secret: Secret;
}

export interface TokenAsk {
  readonly realm: URL;
  readonly service: string;
  /** Sorted, without doubles (docker/scope.go GetTokenScopes). */
  readonly scopes: readonly string[];
  readonly login?: Login;
  readonly userAgent: string;
  readonly headers: readonly Header[];
  /** The registry host's own TLS settings: containerd asks the realm with the registry's client. */
  readonly tls: TlsRule;
  readonly dialTimeoutMs: number;
  readonly headerTimeoutMs: number;
  readonly signal: AbortSignal;
}

export interface TokenTry {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly asked: Asked;
  readonly because: string;
}

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

export interface TokenAsked {
  readonly tries: readonly TokenTry[];
  readonly ending: TokenEnding;
}

const bodyLimit = 1 << 20;

export function basic(login: Login): Secret {
  return new Secret(`Basic ${Buffer.from(`${login.username}:${login.secret.reveal()}`).toString('base64')}`);
}

/** A name for this login's exact content. */
export function loginFingerprint(login: Login): string {
  return fingerprint(login.username, login.secret.reveal());
}

/** The header's text, for the one request it belongs to. */
export function openHeader(header: Secret): string {
  return header.reveal();
}

export async function fetchToken(connections: Connections, ask: TokenAsk, nowMs: number): Promise<TokenAsked> {
  const { login } = ask;
  if (login === undefined || login.secret.isEmpty) {
    const tried = await askByGet(connections, ask, 'no credential: an anonymous token');
    return { tries: [tried], ending: endingOf(tried, nowMs) };
  }
  const posted = await askByPost(connections, ask, login);
  const ending = endingOf(posted, nowMs);
  if (ending.is !== 'refused' || !turnsToGet(ending.status, login)) return { tries: [posted], ending };
  const got = await askByGet(connections, ask, `POST answered ${ending.status}`);
  return { tries: [posted, got], ending: endingOf(got, nowMs) };
}

function turnsToGet(status: number, login: Login): boolean {
  return status === 404 || status === 401 || status === 400 || (status === 405 && login.username !== '');
}

async function askByPost(connections: Connections, ask: TokenAsk, login: Login): Promise<TokenTry> {
  const form = new URLSearchParams();
  if (ask.scopes.length > 0) form.set('scope', ask.scopes.join(' '));
  form.set('service', ask.service);
  form.set('client_id', 'containerd-client');
  if (login.username === '') {
    form.set('grant_type', 'refresh_token');
    form.set('refresh_token', login.secret.reveal());
  } else {
    form.set('grant_type', 'password');
    form.set('username', login.username);
    form.set('password', login.secret.reveal());
  }
  form.sort();
  const headers: Header[] = [...headersFor(ask), ['Content-Type', 'application/x-www-form-urlencoded; charset=utf-8']];
  const asked = await connections.ask({
    ...settings(ask),
    method: 'POST',
    url: ask.realm,
    headers,
    body: form.toString(),
  });
  return { method: 'POST', url: ask.realm, asked, because: 'a password goes by POST first' };
}

async function askByGet(connections: Connections, ask: TokenAsk, because: string): Promise<TokenTry> {
  const url = new URL(ask.realm);
  if (ask.service !== '') url.searchParams.append('service', ask.service);
  for (const scope of ask.scopes) url.searchParams.append('scope', scope);
  url.searchParams.sort();
  const { login } = ask;
  const own: Header[] =
    login === undefined || login.secret.isEmpty ? [] : [['Authorization', openHeader(basic(login))]];
  const asked = await connections.ask({ ...settings(ask), method: 'GET', url, headers: [...headersFor(ask), ...own] });
  return { method: 'GET', url, asked, because };
}

function headersFor(ask: TokenAsk): Header[] {
  const named = ask.headers.some(([name]) => name.toLowerCase() === 'user-agent');
  return named ? [...ask.headers] : [...ask.headers, ['User-Agent', ask.userAgent]];
}

function settings(ask: TokenAsk): {
  tls: TlsRule;
  dialTimeoutMs: number;
  headerTimeoutMs: number;
  maxBytes: number;
  bodyTimeoutMs: number;
  signal: AbortSignal;
} {
  const { tls, dialTimeoutMs, headerTimeoutMs, signal } = ask;
  return { tls, dialTimeoutMs, headerTimeoutMs, maxBytes: bodyLimit, bodyTimeoutMs: 30_000, signal };
}

function endingOf(tried: TokenTry, nowMs: number): TokenEnding {
  const { outcome } = tried.asked;
  if (!outcome.ok) return { is: 'unreachable' };
  const { status, body } = outcome.value;
  const text = Buffer.from(body).toString('utf8');
  if (status < 200 || status >= 400) return { is: 'refused', status, body: text };
  return readToken(text, tried.method, nowMs);
}

/** auth/fetch.go OAuthTokenResponse and FetchTokenResponse: POST wants access_token, GET takes either name. */
function readToken(text: string, method: 'GET' | 'POST', nowMs: number): TokenEnding {
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

export interface RealmAsker {
  readonly scheme: string;
  readonly host: string;
  /** What the registry's host is, or resolved to. */
  readonly addresses: readonly string[];
}

/**
 * Whether a credential may go to this token service at all. containerd sends it to whatever URL the challenge names; we do
 * not follow where the challenge points into the node itself or its metadata service, or drops TLS that the registry has.
 * The reasons are those of go-containerregistry's validateRealmURL.
 */
export function trustRealm(realm: URL, registry: RealmAsker): Outcome<true> {
  const refuse = (why: string): Outcome<true> =>
    bad({ code: 'agent.distrusts_realm', realm: realm.host, why } satisfies FaultOf<'agent.distrusts_realm'>);
  const host = realm.hostname.replace(/^\[|\]$/g, '');
  if (host === registry.host) return good(true);
  if (realm.protocol === 'http:' && registry.scheme === 'https')
    return refuse('it is plain HTTP while the registry is HTTPS');
  if (isLinkLocal(host)) return refuse('it is a link-local address, where metadata services live');
  if (isInward(host) && !registry.addresses.some(isInward))
    return refuse('it points into a private network while the registry does not');
  return good(true);
}

function isLinkLocal(host: string): boolean {
  return /^169\.254\./.test(host) || /^fe[89ab][0-9a-f]:/i.test(host) || host === 'metadata.google.internal';
}

function isInward(host: string): boolean {
  return (
    /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(host) ||
    host === '::1' ||
    host === 'localhost' ||
    /^f[cd][0-9a-f]{2}:/i.test(host)
  );
}
