/**
 * Turns a credential into an Authorization header, by itself (Basic) or through a token service (Bearer).
 * Imitates containerd core/remotes/docker/authorizer.go (doBearerAuth, doBasicAuth) and auth/fetch.go, v1.6.20 to v2.3.4:
 * with a password POST first, then GET on 400, 401, 404 and 405; without a password a GET. Passwords are revealed here, only
 * to go into the request that containerd would put them in.
 */
import type { Fault } from '#report/fault.ts';
import { isWithin, mostRequests, nextRequest } from '#go/redirect.ts';
import { bad } from '#report/outcome.ts';
import { Secret } from '#report/secret.ts';
import type { Header, TlsRule } from '#node/view.ts';
import type { Connections } from '#registry/http/connections.ts';
import { fingerprint } from '#image/digest.ts';
import { withoutEcho } from '#registry/http/echo.ts';
import { readToken, type TokenEnding } from './answer.ts';
import { header, type Ask, type Asked, type RequestCause } from '#registry/wire.ts';

export interface Login {
  readonly label: string;
  readonly username: string;
  readonly secret: Secret;
}

export interface TokenAsk {
  readonly realm: URL;
  /** The host whose challenge names the realm, without port and brackets. */
  readonly registry: string;
  readonly service: string;
  /** Sorted, without duplicates (docker/scope.go GetTokenScopes). */
  readonly scopes: readonly string[];
  readonly login?: Login;
  readonly userAgent: string;
  readonly headers: readonly Header[];
  /** The registry host's own TLS settings: containerd sends token requests with the registry's client. */
  readonly tls: TlsRule;
  readonly dialTimeoutMs: number;
  readonly headerTimeoutMs: number;
  readonly signal: AbortSignal;
}

interface TokenTry {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly asked: Asked;
  readonly because: string;
}

export interface TokenAsked {
  readonly tries: readonly TokenTry[];
  readonly ending: TokenEnding;
}

const bodyLimit = 1 << 20;

export function basic(login: Login): Secret {
  return new Secret(`Basic ${Buffer.from(`${login.username}:${login.secret.reveal()}`).toString('base64')}`);
}

/** Identifies this login's exact content. */
export function loginFingerprint(login: Login): string {
  return fingerprint(login.username, login.secret.reveal());
}

/** The header's text, for the one request that sends it. */
export function openHeader(header: Secret): string {
  return header.reveal();
}

export async function fetchToken(connections: Connections, ask: TokenAsk, nowMs: number): Promise<TokenAsked> {
  const { login } = ask;
  if (login === undefined) {
    const tries = await askByGet(connections, ask, 'no credential: an anonymous token');
    return { tries, ending: endingOf(tries, nowMs) };
  }
  const posted = await askByPost(connections, ask, login);
  const ending = endingOf(posted, nowMs);
  if (ending.is !== 'refused' || !fallsBackToGet(ending.status, login)) return { tries: posted, ending };
  const got = await askByGet(connections, ask, `POST answered ${ending.status}`);
  return { tries: [...posted, ...got], ending: endingOf(got, nowMs) };
}

function fallsBackToGet(status: number, login: Login): boolean {
  return status === 404 || status === 401 || status === 400 || (status === 405 && login.username !== '');
}

async function askByPost(connections: Connections, ask: TokenAsk, login: Login): Promise<readonly TokenTry[]> {
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
  const first = { ...settings(ask), method: 'POST', url: ask.realm, headers, body: form.toString() } as const;
  return follow(connections, first, { because: 'a password goes by POST first', own: ask.headers });
}

async function askByGet(connections: Connections, ask: TokenAsk, because: string): Promise<readonly TokenTry[]> {
  const { login } = ask;
  const own: Header[] = login === undefined ? [] : [['Authorization', openHeader(basic(login))]];
  const headers = [...headersFor(ask), ...own];
  const first = { ...settings(ask), method: 'GET', url: tokenUrl(ask), headers } as const;
  return follow(connections, first, { because, own: ask.headers });
}

/** The URL of the GET request (auth/fetch.go FetchToken). */
export function tokenUrl(ask: Pick<TokenAsk, 'realm' | 'service' | 'scopes'>): URL {
  const url = new URL(ask.realm);
  if (ask.service !== '') url.searchParams.append('service', ask.service);
  for (const scope of ask.scopes) url.searchParams.append('scope', scope);
  url.searchParams.sort();
  return url;
}

/**
 * net/http Client.do: 301 to 303 turn a POST into a GET, 307 and 308 send it again. containerd sends a form with a password to
 * whatever host a redirect names; the agent sends it only to the host that the challenge named.
 */
async function follow(
  connections: Connections,
  first: Ask & { readonly method: 'GET' | 'POST' },
  { because, own }: { readonly because: string; readonly own: readonly Header[] },
): Promise<readonly TokenTry[]> {
  const tries: TokenTry[] = [];
  let request = first;
  for (;;) {
    const { method, url } = request;
    const form = request.body === undefined ? {} : { form: request.body };
    const asked = withoutEcho(await connections.ask(request), { headers: request.headers, own, ...form });
    tries.push({ method, url, asked, because: tries.length === 0 ? because : 'redirected here' });
    if (!asked.outcome.ok) return tries;
    const answer = asked.outcome.value;
    if (answer.bodyFault !== undefined && !answer.bodyFault.ok) return broken(tries, answer.bodyFault.fault);
    const next = nextRequest(answer.status, header(answer, 'location'), url);
    if (next === undefined) return tries;
    const sameHost = typeof next !== 'string' && isWithin(next.hostname, first.url.hostname);
    const sendsForm = method === 'POST' && (answer.status === 307 || answer.status === 308);
    const why =
      typeof next === 'string' ? next : tries.length < mostRequests ? undefined : 'stopped after 10 redirects';
    if (why !== undefined) {
      const location = typeof next === 'string' ? '' : next.host;
      return broken(tries, { code: 'api.redirect_failed', host: url.host, location, why });
    }
    if (typeof next === 'string') return tries;
    if (sendsForm && !sameHost) {
      const why = 'it redirects the password on to another host';
      return broken(tries, { code: 'agent.distrusts_realm', realm: first.url.host, why });
    }
    const { body, ...rest } = request;
    const headers = sameHost
      ? request.headers
      : request.headers.filter(([name]) => !/^(authorization|cookie2?)$/i.test(name));
    request = sendsForm
      ? { ...request, url: next }
      : { ...rest, method: 'GET', url: next, headers: body === undefined ? headers : withoutForm(headers) };
  }
}

/** The tries, with the fault as the outcome of the last one. */
function broken(tries: readonly TokenTry[], fault: Fault): readonly TokenTry[] {
  return tries.map((one, i) => (i < tries.length - 1 ? one : { ...one, asked: { ...one.asked, outcome: bad(fault) } }));
}

function withoutForm(headers: readonly Header[]): readonly Header[] {
  return headers.filter(([name]) => name.toLowerCase() !== 'content-type');
}

function headersFor(ask: TokenAsk): Header[] {
  const named = ask.headers.some(([name]) => name.toLowerCase() === 'user-agent');
  return named ? [...ask.headers] : [...ask.headers, ['User-Agent', ask.userAgent]];
}

function settings(ask: TokenAsk): {
  cause: RequestCause;
  tls: TlsRule;
  dialTimeoutMs: number;
  headerTimeoutMs: number;
  maxBytes: number;
  bodyTimeoutMs: number;
  signal: AbortSignal;
} {
  const { tls, dialTimeoutMs, headerTimeoutMs, signal, registry } = ask;
  const cause = { by: 'realm', registry } as const;
  return { cause, tls, dialTimeoutMs, headerTimeoutMs, maxBytes: bodyLimit, bodyTimeoutMs: 30_000, signal };
}

/** The answers to POST and GET are read differently; after redirects the first request's method counts. */
function endingOf(tries: readonly TokenTry[], nowMs: number): TokenEnding {
  const [first] = tries;
  const outcome = tries.at(-1)?.asked.outcome;
  if (first === undefined || outcome?.ok !== true) return { is: 'unreachable' };
  const { status, body } = outcome.value;
  const text = Buffer.from(body).toString('utf8');
  if (status < 200 || status >= 400) return { is: 'refused', status, body: text };
  return readToken(text, first.method, nowMs);
}
