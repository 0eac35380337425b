/**
 * Remembers what each host demanded and answers it. Imitates containerd core/remotes/docker/authorizer.go (Authorize,
 * AddResponses, invalidAuthorization): never preemptive, handlers by the URL's host, Bearer before Basic.
 * containerd makes one for the resolve and another for the fetch of every pull; one is enough to get the same answers.
 */
import type { Challenge } from '#pull/challenge.ts';
import { readChallenges } from '#pull/challenge.ts';
import type { Fault } from '#pull/fault.ts';
import type { Route } from '#pull/plan.ts';
import type { Secret } from '#pull/secret.ts';
import {
  basic,
  fetchToken,
  loginFingerprint,
  trustRealm,
  type Login,
  type TokenAsk,
  type TokenAsked,
} from '../registry/authorize.ts';
import { refusedToken } from './refused-token.ts';
import type { Answer } from '../registry/wire.ts';
import { record, type Scene } from './scene.ts';
import { trouble, type Tried, type Trouble } from './trouble.ts';

type Handler =
  | { readonly scheme: 'basic'; readonly login: Login }
  | {
      readonly scheme: 'bearer';
      readonly realm: URL;
      readonly service: string;
      readonly scopes: readonly string[];
      readonly login?: Login;
    };

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

export class Authorizer {
  readonly #handlers = new Map<string, Handler>();
  readonly #scene: Scene;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** What to present to a URL's host: nothing until it has asked. */
  async authorize(host: string, route: number): Promise<Tried<Authorization | undefined>> {
    const handler = this.#handlers.get(host);
    if (handler === undefined) return { ok: true, value: undefined };
    if (handler.scheme === 'basic') return this.#basic(handler.login, host);
    return this.#bearer(handler, host, route);
  }

  #basic(login: Login, host: string): Tried<Authorization> {
    const print = loginFingerprint(login);
    const before = this.#scene.wire.memory.refusal(print, host);
    if (before !== undefined) return { ok: false, trouble: trouble(before, '') };
    return { ok: true, value: { value: basic(login), as: login.label, login: print, place: host, scheme: 'basic' } };
  }

  async #bearer(handler: Handler & { scheme: 'bearer' }, host: string, route: number): Promise<Tried<Authorization>> {
    const { wire } = this.#scene;
    const { login, realm } = handler;
    const print = login === undefined ? undefined : loginFingerprint(login);
    const before = print === undefined ? undefined : wire.memory.refusal(print, realm.host);
    if (before !== undefined)
      return {
        ok: false,
        trouble: trouble(before, `failed to authorize: failed to fetch oauth token: ${before.code}`),
      };
    const scopes = scopesFor(handler.scopes, this.#scene.plan.image.path);
    const key = [print ?? 'anonymous', realm.href, handler.service, ...scopes].join('\n');
    const asked = await this.#token(key, { ...handler, scopes }, route);
    if (asked.ending.is === 'granted') {
      if (print !== undefined) wire.memory.keepProof(print, realm.host);
      const place = print === undefined ? {} : { login: print };
      return {
        ok: true,
        value: {
          value: asked.ending.token.header,
          as: login?.label ?? 'anonymous',
          ...place,
          place: realm.host,
          scheme: 'bearer',
        },
      };
    }
    const refused = refusedToken(this.#scene, asked, { realm: realm.host, host, label: login?.label });
    if (print !== undefined && refused.fault.code === 'auth.rejected')
      wire.memory.keepRefusal(print, realm.host, refused.fault);
    return { ok: false, trouble: refused };
  }

  async #token(key: string, handler: Handler & { scheme: 'bearer' }, route: number): Promise<TokenAsked> {
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

  #tokenAsk(handler: Handler & { scheme: 'bearer' }, route: number): TokenAsk {
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

  /** After a 401. `presented` is what that request carried; `first` whether nothing was presented before. */
  demand(
    answer: Answer,
    at: { readonly url: URL; readonly route: number; readonly presented?: Authorization; readonly tries: number },
  ): Demanded {
    const host = at.url.host;
    for (const challenge of readChallenges(answer.headers['www-authenticate'] ?? [])) {
      if (challenge.scheme === 'bearer') return this.#demandBearer(challenge, host, at);
      if (challenge.scheme === 'basic') return this.#demandBasic(host, at);
    }
    return { is: 'final' };
  }

  #demandBearer(
    challenge: Challenge,
    host: string,
    at: { readonly url: URL; readonly presented?: Authorization; readonly tries: number },
  ): Demanded {
    const error = challenge.parameters.get('error') ?? '';
    if (error !== '') {
      this.#handlers.delete(host);
      if (at.tries > 1) return { is: 'trouble', trouble: this.#deniedByServer(error, host, at.presented) };
    }
    const existing = this.#handlers.get(host);
    if (existing !== undefined)
      return existing.scheme === 'bearer' && at.presented?.scheme === 'bearer' ? { is: 'final' } : { is: 'again' };
    const realm = readRealm(challenge.parameters.get('realm'));
    if (typeof realm === 'string') {
      const fault: Fault = { code: 'auth.malformed_challenge', host, why: realm };
      return { is: 'trouble', trouble: trouble(fault, realm) };
    }
    const login = this.#login(host);
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
    return { fault, words: { text: `server message: ${error}: authorization failed` }, invalidAuthorization: true };
  }

  #demandBasic(host: string, at: { readonly presented?: Authorization }): Demanded {
    const login = this.#login(host);
    if (login === undefined || login.username === '' || login.secret.isEmpty) {
      if (!this.#scene.plan.engine.namesMissingCredentials) return { is: 'final' };
      const fault: Fault = { code: 'auth.required', host, scheme: 'Basic' };
      return {
        is: 'trouble',
        trouble: {
          fault,
          words: { text: 'authorization failed: no basic auth credentials' },
          invalidAuthorization: true,
        },
      };
    }
    if (at.presented?.scheme === 'basic') return { is: 'final' };
    this.#handlers.set(host, { scheme: 'basic', login });
    return { is: 'again' };
  }

  /** The kubelet's credential goes to whichever host asks; without one, containerd's own for that host (image_pull.go ParseAuth). */
  #login(host: string): Login | undefined {
    const { credential, label } = this.#scene.identity;
    if (credential !== undefined) {
      return credential.username === ''
        ? undefined
        : { label, username: credential.username, secret: credential.password };
    }
    const own = Object.hasOwn(this.#scene.plan.staticAuths, host) ? this.#scene.plan.staticAuths[host] : undefined;
    if (own === undefined) return undefined;
    const named = { label: `containerd's own credential for ${host}`, username: own.username };
    if (own.username === '')
      return own.identityToken === undefined ? undefined : { ...named, secret: own.identityToken };
    return { ...named, secret: own.password };
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
