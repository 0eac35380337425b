/** Imitates the authentication of a registry (distribution): Basic, or Bearer tokens from its own realm by GET and by POST. */
import { randomBytes } from 'node:crypto';
import type { Visit } from './visit.ts';

export type Users = Readonly<Record<string, string>>;

export type RegistryAuth = BasicAuth | BearerAuth;

export interface BasicAuth {
  readonly scheme: 'basic';
  readonly users: Users;
}

export interface BearerAuth {
  readonly scheme: 'bearer';
  readonly users?: Users;
  /** Whether an anonymous token may pull. Default: no. */
  readonly anonymous?: boolean;
  /** Default: `/token` on the client's name for the registry. */
  readonly realm?: string;
  readonly service?: string;
  /** Default true. An old realm, which has GET only, answers 405. */
  readonly acceptsPost?: boolean;
  /** Default: `access_token` to POST, as in OAuth2, and `token` to GET. */
  readonly field?: 'token' | 'access_token';
  readonly expiresInS?: number;
}

export type Tokens = Map<string, { readonly scopes: readonly string[]; readonly user: string }>;

/** Admits a request, or answers it with a challenge. */
export function gate(visit: Visit, auth: RegistryAuth, tokens: Tokens): 'done' | undefined {
  const { authorization } = visit.seen;
  if (auth.scheme === 'basic') {
    if (basicUser(authorization, auth.users) !== undefined) return undefined;
    return challenge(visit, 'Basic realm="fake registry"');
  }
  const scope = visit.repository === '' ? '' : `repository:${visit.repository}:pull`;
  const token = authorization === undefined ? undefined : tokens.get(/^bearer (.+)$/i.exec(authorization)?.[1] ?? '');
  const mayPull = token && (token.user !== '' || auth.anonymous === true);
  if (mayPull && (scope === '' || token.scopes.includes(scope))) return undefined;
  const realm = auth.realm ?? `${visit.url.origin}/token`;
  const error = authorization === undefined ? '' : token ? ',error="insufficient_scope"' : ',error="invalid_token"';
  const wanted = scope === '' ? '' : `,scope="${scope}"`;
  return challenge(visit, `Bearer realm="${realm}",service="${auth.service ?? 'fake registry'}"${wanted}${error}`);
}

/** The token endpoint: OAuth2's POST and the older GET. */
export function issueToken(visit: Visit, auth: BearerAuth, tokens: Tokens): 'done' {
  const { method, body, authorization } = visit.seen;
  const posted = method === 'POST';
  if (posted && auth.acceptsPost === false)
    return visit.send(405, { 'content-type': 'text/plain' }, 'method not allowed');
  const asked = posted ? new URLSearchParams(body) : visit.url.searchParams;
  const offered = posted ? `${asked.get('username') ?? ''}:${asked.get('password') ?? ''}` : basicPair(authorization);
  const user = offered === undefined ? '' : knownUser(offered, auth.users ?? {});
  if (user === undefined) return visit.refuse(401, 'UNAUTHORIZED', 'incorrect username or password');
  const token = randomBytes(24).toString('base64url');
  tokens.set(token, { user, scopes: asked.getAll('scope').flatMap((scope) => scope.split(' ')) });
  const answer = {
    [auth.field ?? (posted ? 'access_token' : 'token')]: token,
    expires_in: auth.expiresInS ?? 300,
    issued_at: new Date().toISOString(),
  };
  return visit.send(200, { 'content-type': 'application/json' }, JSON.stringify(answer));
}

/** `Basic …` for a user, as a client would send it. */
export function basicHeader(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function challenge(visit: Visit, value: string): 'done' {
  return visit.refuse(401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': value });
}

function basicUser(authorization: string | undefined, users: Users): string | undefined {
  const pair = basicPair(authorization);
  return pair === undefined ? undefined : knownUser(pair, users);
}

function basicPair(authorization: string | undefined): string | undefined {
  const encoded = /^basic (.+)$/i.exec(authorization ?? '')?.[1];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString();
}

function knownUser(pair: string, users: Users): string | undefined {
  return Object.entries(users).find(([user, password]) => pair === `${user}:${password}`)?.[0];
}
