/**
 * The token flow: remembers what each host demanded, and answers the demand with a login or a token.
 *
 * Imitates containerd core/remotes/docker/authorizer.go (Authorize, AddResponses, invalidAuthorization, doBearerAuth): never preemptive,
 * handlers by the URL's host, Bearer before Basic. containerd makes one authorizer for the resolve and another for the fetch of every
 * pull; one is enough to get the same answers.
 */
import { valueAt } from '#data/value-at.ts';
import { splitAuthority, withoutBrackets } from '#go/host-port.ts';
import type { Fault } from '#report/fault.ts';
import { urlError } from '#go/url-error.ts';
import { readChallenges, type Challenge } from '#registry/http/challenge.ts';
import { trustRealm } from '#registry/http/token-realm.ts';
import {
  basic,
  fetchToken,
  loginFingerprint,
  tokenUrl,
  type Login,
  type TokenAsk,
  type TokenAsked,
} from '#registry/token/fetch-token.ts';
import type { Answer } from '#registry/wire.ts';
import { tokenFault, type RealmAsked } from '#runtime/attempt/faults.ts';
import { LoginLocks } from '#runtime/attempt/login-lock.ts';
import { record } from '#runtime/attempt/record.ts';
import type { Authorization, Authorized, Authorizer as RequestAuthorizer } from '#runtime/attempt/request.ts';
import { systemTrust } from '#runtime/plan.ts';
import { tokenStatusText } from '../error-texts.ts';
import type { PullContext } from '../plan.ts';
import { pullError, type PullError } from './pull-error.ts';

interface Bearer {
  readonly scheme: 'bearer';
  readonly realm: URL;
  readonly service: string;
  readonly scopes: readonly string[];
  readonly login?: Login;
}
type Handler = { readonly scheme: 'basic'; readonly login: Login } | Bearer;

/** Why a host that demanded a login gets none. */
export type AuthorizeError =
  /** `why` without `failed to authorize: ` in front. */
  | { readonly is: 'no_token'; readonly fault: Fault; readonly why: string }
  /** The host refused this Basic login before. */
  | { readonly is: 'refused_before'; readonly fault: Fault };

export type Demanded =
  /** Send the request again: there is something new to present. */
  | { readonly is: 'again' }
  /** containerd would send the same header again and get the same answer; or it understands no scheme. */
  | { readonly is: 'final' }
  | { readonly is: 'error'; readonly error: PullError };

interface Demand401 {
  readonly url: URL;
  readonly route: number;
  /** What that request carried. */
  readonly presented?: Authorization;
  /** The request before had the same method and URL (auth handler sameRequest). */
  readonly repeated: boolean;
}

export class Authorizer implements RequestAuthorizer<AuthorizeError> {
  readonly #handlers = new Map<string, Handler>();
  readonly #context: PullContext;
  readonly #locks: LoginLocks;

  constructor(context: PullContext) {
    this.#context = context;
    this.#locks = new LoginLocks(context);
  }

  /** The outcome of every presented login is known: other attempts may present theirs. */
  releaseAll(): void {
    this.#locks.releaseAll();
  }

  /** What to present to a URL's host: nothing until it demands something. */
  async authorize(host: string, route: number): Promise<Authorized<AuthorizeError>> {
    const handler = this.#handlers.get(host);
    if (handler === undefined) return { ok: true, value: undefined };
    if (handler.scheme === 'basic') return this.#basic(handler.login, host);
    return this.#bearer(handler, host, route);
  }

  async #basic(login: Login, host: string): Promise<Authorized<AuthorizeError>> {
    const { memory } = this.#context.wire;
    const print = loginFingerprint(login);
    await this.#locks.take(print, host);
    const before = memory.refusal(print, host, this.#context.plan.image.path);
    if (before !== undefined) return { ok: false, error: { is: 'refused_before', fault: before } };
    return { ok: true, value: { value: basic(login), as: login.label, login: print, place: host, scheme: 'basic' } };
  }

  async #bearer(handler: Bearer, host: string, route: number): Promise<Authorized<AuthorizeError>> {
    const { wire, plan } = this.#context;
    const { login, realm } = handler;
    const print = login === undefined ? undefined : loginFingerprint(login);
    if (print !== undefined) await this.#locks.take(print, realm.host);
    const scoped = { ...handler, scopes: scopesFor(handler.scopes, plan.image.path) };
    const before = print === undefined ? undefined : wire.memory.refusal(print, realm.host, '');
    if (before?.code === 'auth.rejected') {
      const text = tokenStatusText({ method: 'GET', url: tokenUrl(scoped) }, before.status, plan.engine);
      return noToken(before, `failed to fetch oauth token: ${text}`);
    }
    const key = [print ?? 'anonymous', realm.href, handler.service, ...scoped.scopes].join('\n');
    const { limits } = wire.memory;
    const nowMs = wire.elapsedMs();
    const locked = print === undefined ? undefined : limits.at(`${print}@${realm.host}`, nowMs);
    const limited = wire.pass.tokens.has(key) ? undefined : (locked ?? limits.at(realm.host, nowMs));
    if (limited !== undefined) {
      const text = tokenStatusText({ method: 'GET', url: tokenUrl(scoped) }, limited.status, plan.engine);
      const kind = print === undefined ? 'anonymous' : 'oauth';
      return noToken(limited, `failed to fetch ${kind} token: ${text}`);
    }
    const asked = await this.#token(key, this.#tokenAsk(scoped, host, route), route);
    if (asked.ending.is === 'granted') {
      const place = { ...(print === undefined ? {} : { login: print }), place: realm.host };
      limits.lift(realm.host, nowMs);
      if (print !== undefined) {
        limits.lift(`${print}@${realm.host}`, nowMs);
        wire.memory.keepProof(print, realm.host);
      }
      this.releaseAll();
      const as = login?.label ?? 'anonymous';
      return { ok: true, value: { value: asked.ending.token.header, as, ...place, scheme: 'bearer' } };
    }
    const from = { realm: realm.host, host, label: login?.label, fingerprint: print };
    const fault = tokenFault(this.#context, asked, from);
    if (print !== undefined && fault.code === 'auth.rejected')
      wire.memory.keepRefusal({ login: print, place: realm.host, path: '' }, fault);
    return noToken(fault, noTokenText(this.#context, asked, from));
  }

  async #token(key: string, request: TokenAsk, route: number): Promise<TokenAsked> {
    const { wire } = this.#context;
    const held = await wire.pass.tokens.get(key);
    if (held !== undefined && (held.ending.is !== 'granted' || held.ending.token.endsMs > wire.elapsedMs() + 5_000))
      return held;
    const fetching = fetchToken(wire.connections, request, wire.elapsedMs());
    wire.pass.tokens.set(key, fetching);
    const asked = await fetching;
    for (const { method, url, asked: one, because } of asked.tries) {
      const as = request.login === undefined ? {} : { as: request.login.label };
      record(this.#context, { act: 'token', route, because }, { method, url, ...as }, one);
    }
    return asked;
  }

  #tokenAsk(handler: Bearer, host: string, route: number): TokenAsk {
    const { plan, routes, signal, wire } = this.#context;
    const at = routes[route];
    return {
      realm: handler.realm,
      registry: splitAuthority(host).host,
      service: handler.service,
      scopes: handler.scopes,
      ...(handler.login === undefined ? {} : { login: handler.login }),
      userAgent: plan.engine.userAgent,
      headers: at?.realmHeaders ?? [],
      tls: at?.tls ?? systemTrust,
      dialTimeoutMs: at?.dialTimeoutMs ?? 30_000,
      headerTimeoutMs: plan.engine.headerTimeoutMs ?? wire.options.responseTimeoutMs,
      signal,
    };
  }

  /** After a 401. */
  demand(answer: Answer, at: Demand401): Demanded {
    const host = at.url.host;
    for (const challenge of readChallenges(answer.headers['www-authenticate'] ?? [])) {
      if (challenge.scheme === 'bearer') return this.#demandBearer(challenge, host, at);
      if (challenge.scheme === 'basic') return this.#demandBasic(host, at);
    }
    return { is: 'final' };
  }

  #demandBearer(challenge: Challenge, host: string, at: Demand401): Demanded {
    const error = challenge.parameters.get('error') ?? '';
    if (error !== '') {
      this.#handlers.delete(host);
      if (at.repeated) return { is: 'error', error: this.#deniedByServer(error, host, at.presented) };
    }
    const existing = this.#handlers.get(host);
    if (existing !== undefined) return at.presented?.scheme === existing.scheme ? { is: 'final' } : { is: 'again' };
    const realm = readRealm(challenge.parameters.get('realm'));
    if (typeof realm === 'string') {
      const fault: Fault = { code: 'auth.malformed_challenge', host, why: realm };
      return { is: 'error', error: pullError(fault, realm) };
    }
    const login = loginFor(this.#context, at.route, host);
    if (login !== undefined) {
      const address = this.#context.wire.pass.reachedAt.get(host);
      const addresses = [withoutBrackets(at.url.hostname), ...(address === undefined ? [] : [address])];
      const trusted = trustRealm(realm, { scheme: at.url.protocol.slice(0, -1), host: at.url.hostname, addresses });
      if (!trusted.ok) return { is: 'error', error: pullError(trusted.fault, trusted.fault.code) };
    }
    this.#handlers.set(host, {
      scheme: 'bearer',
      realm,
      service: challenge.parameters.get('service') ?? '',
      scopes: challenge.parameters.get('scope')?.split(' ') ?? [],
      ...(login === undefined ? {} : { login }),
    });
    return { is: 'again' };
  }

  #deniedByServer(error: string, host: string, presented: Authorization | undefined): PullError {
    const label = presented?.login === undefined ? undefined : presented.as;
    const fault: Fault =
      label === undefined
        ? { code: 'auth.required', host, scheme: 'Bearer' }
        : { code: 'auth.denied', host, as: label, status: 401, message: error.slice(0, 64) };
    return { fault, errorText: { text: `server message: ${error}: authorization failed` }, invalidAuthorization: true };
  }

  #demandBasic(host: string, at: Demand401): Demanded {
    const login = loginFor(this.#context, at.route, host);
    if (login === undefined || login.username === '') {
      if (!this.#context.plan.engine.namesMissingCredentials) return { is: 'final' };
      const fault: Fault = { code: 'auth.required', host, scheme: 'Basic' };
      return {
        is: 'error',
        error: {
          fault,
          errorText: { text: 'authorization failed: no basic auth credentials' },
          invalidAuthorization: true,
        },
      };
    }
    if (at.presented?.scheme === 'basic') return { is: 'final' };
    this.#handlers.set(host, { scheme: 'basic', login });
    return { is: 'again' };
  }
}

/** docker/scope.go GetTokenScopes: the pull's own and the challenge's, sorted, once each. */
function scopesFor(challenged: readonly string[], path: string): readonly string[] {
  return [...new Set([`repository:${path}:pull`, ...challenged])].sort();
}

function readRealm(text: string | undefined): URL | string {
  if (text === undefined) return 'no realm specified for token auth challenge';
  if (!URL.canParse(text)) return 'invalid token auth challenge realm';
  const url = new URL(text);
  return url.protocol === 'http:' || url.protocol === 'https:'
    ? url
    : 'the token auth challenge realm is no http or https URL';
}

function noToken(fault: Fault, why: string): Authorized<AuthorizeError> {
  return { ok: false, error: { is: 'no_token', fault, why } };
}

/** docker/authorizer.go doBearerAuth. */
function noTokenText({ plan: { engine } }: PullContext, { ending, tries }: TokenAsked, { label }: RealmAsked): string {
  const prefix = `failed to fetch ${label === undefined ? 'anonymous' : 'oauth'} token: `;
  const last = tries.at(-1);
  switch (ending.is) {
    case 'granted':
    case 'empty':
      return `${prefix}authorization server did not include a token in the response`;
    case 'undecodable':
      return `${prefix}unable to decode token response: ${ending.why}`;
    case 'unreachable':
      return last === undefined || last.asked.outcome.ok
        ? prefix
        : prefix + urlError(last, last.asked.outcome.fault, engine);
    case 'refused':
      return last === undefined ? prefix : prefix + tokenStatusText(last, ending.status, engine);
  }
}

/**
 * Which login a host gets that demands one. The kubelet's credential goes to any host that demands one; without it, containerd's own for that
 * host does. A credential without a user name is none (but for an identity token of containerd's own), and one without a password is
 * never presented. Imitates containerd internal/cri/server/images/image_pull.go (registryHosts, ParseAuth).
 */
function loginFor(context: PullContext, route: number, host: string): Login | undefined {
  const { credential, label } = context.identity;
  if (credential !== undefined) {
    const { username, password } = credential;
    return username === '' || password.isEmpty ? undefined : { label, username, secret: password };
  }
  const own = valueAt(context.plan.staticAuths, writtenHost(context, route, host));
  if (own === undefined) return undefined;
  const secret = own.username === '' ? own.identityToken : own.password;
  if (secret === undefined || secret.isEmpty) return undefined;
  return { label: `containerd's own credential for ${host}`, username: own.username, secret };
}

/** A host as its configuration writes it: URLs leave out the scheme's usual port, Go and its maps do not. */
function writtenHost(context: PullContext, route: number, host: string): string {
  const at = context.routes[route];
  if (at === undefined) return host;
  const usual = at.scheme === 'https' ? ':443' : ':80';
  return at.authority === `${host}${usual}` ? at.authority : host;
}
