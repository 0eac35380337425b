/**
 * Remembers what each host demanded and answers it. Imitates containerd core/remotes/docker/authorizer.go (Authorize,
 * AddResponses, invalidAuthorization): never preemptive, handlers by the URL's host, Bearer before Basic.
 * containerd makes one for the resolve and another for the fetch of every pull; one is enough to get the same answers.
 */
import type { Challenge } from '#runtime/containerd/challenge.ts';
import { readChallenges } from '#runtime/containerd/challenge.ts';
import type { Fault } from '#report/fault.ts';
import type { Route } from '#runtime/plan.ts';
import { trustRealm } from '#registry/http/token-realm.ts';
import type { Secret } from '#report/secret.ts';
import { tokenStatusText } from '#runtime/containerd/error-texts.ts';
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
import { loginFor } from './login.ts';
import { refusedToken } from './refused-token.ts';
import { record, type AttemptContext } from '#runtime/attempt/context.ts';
import { trouble, type Tried, type Trouble } from '#runtime/attempt/trouble.ts';
import { LoginLocks } from '#runtime/attempt/turns.ts';

interface Bearer {
  readonly scheme: 'bearer';
  readonly realm: URL;
  readonly service: string;
  readonly scopes: readonly string[];
  readonly login?: Login;
}
type Handler = { readonly scheme: 'basic'; readonly login: Login } | Bearer;

export interface Authorization {
  readonly value: Secret;
  readonly as: string;
  readonly login?: string;
  /** Where a refusal of this login is remembered: the registry for Basic, the realm for Bearer. */
  readonly place: string;
  readonly scheme: 'basic' | 'bearer';
}

export type Demanded =
  /** Ask again: there is something new to present. */
  | { readonly is: 'again' }
  /** containerd would ask again with the same header and be answered the same; or it understands no scheme. */
  | { readonly is: 'final' }
  | { readonly is: 'trouble'; readonly trouble: Trouble };

export interface Demand401 {
  readonly url: URL;
  readonly route: number;
  /** What that request carried. */
  readonly presented?: Authorization;
  /** The same method and URL were asked just before (auth handler sameRequest). */
  readonly repeated: boolean;
}

export class Authorizer {
  readonly #handlers = new Map<string, Handler>();
  readonly #scene: AttemptContext;
  readonly #locks: LoginLocks;

  constructor(context: AttemptContext) {
    this.#scene = context;
    this.#locks = new LoginLocks(context);
  }

  /** What became of the logins that were presented is known now: others may present theirs. */
  releaseAll(): void {
    this.#locks.end();
  }

  /** What to present to a URL's host: nothing until it has asked. */
  async authorize(host: string, route: number): Promise<Tried<Authorization | undefined>> {
    const handler = this.#handlers.get(host);
    if (handler === undefined) return { ok: true, value: undefined };
    if (handler.scheme === 'basic') return this.#basic(handler.login, host);
    return this.#bearer(handler, host, route);
  }

  async #basic(login: Login, host: string): Promise<Tried<Authorization>> {
    const { memory } = this.#scene.wire;
    const print = loginFingerprint(login);
    await this.#locks.take(print, host);
    const before = memory.refusal(print, host, this.#scene.plan.image.path);
    if (before !== undefined) return { ok: false, trouble: trouble(before, '') };
    return { ok: true, value: { value: basic(login), as: login.label, login: print, place: host, scheme: 'basic' } };
  }

  async #bearer(handler: Bearer, host: string, route: number): Promise<Tried<Authorization>> {
    const { wire, plan } = this.#scene;
    const { login, realm } = handler;
    const print = login === undefined ? undefined : loginFingerprint(login);
    if (print !== undefined) await this.#locks.take(print, realm.host);
    const scoped = { ...handler, scopes: scopesFor(handler.scopes, plan.image.path) };
    const before = print === undefined ? undefined : wire.memory.refusal(print, realm.host, '');
    if (before?.code === 'auth.rejected') {
      const text = tokenStatusText({ method: 'GET', url: tokenUrl(scoped) }, before.status, plan.engine);
      return { ok: false, trouble: trouble(before, `failed to authorize: failed to fetch oauth token: ${text}`) };
    }
    const key = [print ?? 'anonymous', realm.href, handler.service, ...scoped.scopes].join('\n');
    const { limits } = wire.memory;
    const nowMs = wire.elapsedMs();
    const locked = print === undefined ? undefined : limits.at(`${print}@${realm.host}`, nowMs);
    const limited = wire.tokens.has(key) ? undefined : (locked ?? limits.at(realm.host, nowMs));
    if (limited !== undefined) {
      const text = tokenStatusText({ method: 'GET', url: tokenUrl(scoped) }, limited.status, plan.engine);
      const kind = print === undefined ? 'anonymous' : 'oauth';
      return { ok: false, trouble: trouble(limited, `failed to authorize: failed to fetch ${kind} token: ${text}`) };
    }
    const asked = await this.#token(key, scoped, route);
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
    const refused = refusedToken(this.#scene, asked, { realm: realm.host, host, label: login?.label, print });
    if (print !== undefined && refused.fault.code === 'auth.rejected')
      wire.memory.keepRefusal({ login: print, place: realm.host, path: '' }, refused.fault);
    return { ok: false, trouble: refused };
  }

  async #token(key: string, handler: Bearer, route: number): Promise<TokenAsked> {
    const { wire } = this.#scene;
    const held = await wire.tokens.get(key);
    if (held !== undefined && (held.ending.is !== 'granted' || held.ending.token.endsMs > wire.elapsedMs() + 5_000))
      return held;
    const asking = fetchToken(wire.connections, this.#tokenAsk(handler, route), wire.elapsedMs());
    wire.tokens.set(key, asking);
    const asked = await asking;
    for (const { method, url, asked: one, because } of asked.tries) {
      const as = handler.login === undefined ? {} : { as: handler.login.label };
      record(this.#scene, { act: 'token', route, because }, { method, url, ...as }, one);
    }
    return asked;
  }

  #tokenAsk(handler: Bearer, route: number): TokenAsk {
    const { plan, routes, signal, wire } = this.#scene;
    const at: Route | undefined = routes[route];
    return {
      realm: handler.realm,
      service: handler.service,
      scopes: handler.scopes,
      ...(handler.login === undefined ? {} : { login: handler.login }),
      userAgent: plan.engine.userAgent,
      headers: at?.realmHeaders ?? [],
      tls: at?.tls ?? { verify: true, extraRoots: [], clients: [] },
      dialTimeoutMs: at?.dialTimeoutMs ?? 30_000,
      headerTimeoutMs: plan.engine.headerTimeoutMs ?? wire.manners.patienceMs,
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
      if (at.repeated) return { is: 'trouble', trouble: this.#deniedByServer(error, host, at.presented) };
    }
    const existing = this.#handlers.get(host);
    if (existing !== undefined) return at.presented?.scheme === existing.scheme ? { is: 'final' } : { is: 'again' };
    const realm = readRealm(challenge.parameters.get('realm'));
    if (typeof realm === 'string') {
      const fault: Fault = { code: 'auth.malformed_challenge', host, why: realm };
      return { is: 'trouble', trouble: trouble(fault, realm) };
    }
    const login = loginFor(this.#scene, at.route, host);
    if (login !== undefined) {
      const address = this.#scene.wire.reachedAt.get(host);
      const addresses = [at.url.hostname.replace(/^\[|\]$/g, ''), ...(address === undefined ? [] : [address])];
      const trusted = trustRealm(realm, { scheme: at.url.protocol.slice(0, -1), host: at.url.hostname, addresses });
      if (!trusted.ok) return { is: 'trouble', trouble: trouble(trusted.fault, trusted.fault.code) };
    }
    const scope = challenge.parameters.get('scope');
    const scopes = scope === undefined ? [] : scope.split(' ');
    this.#handlers.set(host, {
      scheme: 'bearer',
      realm,
      service: challenge.parameters.get('service') ?? '',
      scopes,
      ...(login === undefined ? {} : { login }),
    });
    return { is: 'again' };
  }

  #deniedByServer(error: string, host: string, presented: Authorization | undefined): Trouble {
    const label = presented?.login === undefined ? undefined : presented.as;
    const fault: Fault =
      label === undefined
        ? { code: 'auth.required', host, scheme: 'Bearer' }
        : { code: 'auth.denied', host, as: label, status: 401, message: error.slice(0, 64) };
    return { fault, errorText: { text: `server message: ${error}: authorization failed` }, invalidAuthorization: true };
  }

  #demandBasic(host: string, at: Demand401): Demanded {
    const login = loginFor(this.#scene, at.route, host);
    if (login === undefined || login.username === '') {
      if (!this.#scene.plan.engine.namesMissingCredentials) return { is: 'final' };
      const fault: Fault = { code: 'auth.required', host, scheme: 'Basic' };
      return {
        is: 'trouble',
        trouble: {
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

/** docker/scope.go GetTokenScopes: our own and the challenge's, sorted, once each. */
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
