/**
 * A refusing or failing answer as a fault: of a registry, of a token service, of a blob's host. What a refusal shows is remembered, so that
 * no request is sent in vain twice.
 */
import type { Fault } from '#report/fault.ts';
import type { Image } from '#image/reference.ts';
import type { Stage } from '#report/rehearsal.ts';
import { messageFor, readRegistryErrors } from '#registry/http/error-body.ts';
import { readRateLimit } from '#registry/http/rate-limit.ts';
import type { TokenAsked } from '#registry/token/fetch-token.ts';
import type { Answer } from '#registry/wire.ts';
import type { AttemptContext } from './context.ts';
import type { FailedAt, Reply } from './request.ts';

export function textOf(answer: Answer): string {
  return Buffer.from(answer.body).toString('utf8');
}

/** The stage of a pull at which a fault happens. */
export function stageOf(fault: Fault): Stage {
  const stage = fault.code.slice(0, fault.code.indexOf('.'));
  switch (stage) {
    case 'dns':
    case 'proxy':
    case 'tcp':
    case 'tls':
    case 'api':
    case 'auth':
    case 'manifest':
    case 'blob':
      return stage;
    default:
      return 'plan';
  }
}

/** A status that refuses; 404 is the caller's to name. A Basic login that is refused here is remembered and not presented here again. */
export function refusal(reply: Reply, context: AttemptContext): Fault {
  const fault = statusFault(reply, context);
  const { presented } = reply;
  if (fault.code === 'auth.rejected' && presented?.login !== undefined && presented.scheme === 'basic') {
    const { login, place } = presented;
    context.wire.memory.keepRefusal({ login, place, path: context.plan.image.path }, fault);
  }
  if (fault.code === 'api.rate_limited')
    context.wire.memory.limits.keep(reply.url.host, fault, context.wire.elapsedMs());
  return fault;
}

function statusFault(reply: Reply, context: AttemptContext): Fault {
  const { answer, presented } = reply;
  const host = reply.url.host;
  const body = textOf(answer);
  const message = messageFor(body);
  const { status } = answer;
  if (status === 429) {
    const limit = readRateLimit(answer.headers, body, context.wire.now()) ?? { scope: 'unknown' as const };
    return { code: 'api.rate_limited', host, status, limit, message };
  }
  if (status === 401) return unauthorized(reply, host, message);
  if (status === 403) return { code: 'auth.denied', host, as: presented?.as ?? 'anonymous', status, message };
  if (status >= 500) return { code: 'api.unavailable', host, status, message };
  return { code: 'api.rejected', host, status, message };
}

function unauthorized(reply: Reply, host: string, message: string): Fault {
  const lines = reply.answer.headers['www-authenticate'] ?? [];
  const schemes = lines.map((line) => /^\s*([^\s,]*)/.exec(line)?.[1]?.toLowerCase() ?? '');
  const { presented } = reply;
  if (presented?.login !== undefined) return { code: 'auth.rejected', host, as: presented.as, status: 401, message };
  if (lines.length === 0) return { code: 'auth.malformed_challenge', host, why: '401 without WWW-Authenticate' };
  if (schemes.some((scheme) => scheme === 'basic' || scheme === 'bearer'))
    return { code: 'auth.required', host, scheme: schemes[0] ?? '' };
  return { code: 'auth.unsupported', host, schemes };
}

/** The token service that was asked, and for whom. */
export interface RealmAsked {
  readonly realm: string;
  /** The registry that demands the token. */
  readonly host: string;
  readonly label: string | undefined;
  readonly fingerprint: string | undefined;
}

/** Why a token service gave no token. */
export function tokenFault(context: AttemptContext, asked: TokenAsked, from: RealmAsked): Fault {
  const { realm } = from;
  const { ending } = asked;
  const outcome = asked.tries.at(-1)?.asked.outcome;
  switch (ending.is) {
    case 'granted':
    case 'empty':
      return { code: 'auth.empty_token', realm };
    case 'undecodable':
      return { code: 'auth.realm_failed', realm, status: 200, message: ending.why };
    case 'unreachable': {
      if (outcome === undefined || outcome.ok) return { code: 'agent.bug', where: 'token', what: 'no fault' };
      const cause = outcome.fault;
      return cause.code.startsWith('agent.') ? cause : { code: 'auth.realm_unreachable', realm, cause };
    }
    case 'refused':
      return tokenRefusal(context, ending, { ...from, answer: outcome?.ok === true ? outcome.value : undefined });
  }
}

function tokenRefusal(
  context: AttemptContext,
  ending: { readonly status: number; readonly body: string },
  from: RealmAsked & { readonly answer: Answer | undefined },
): Fault {
  const { status } = ending;
  const { realm, host, label } = from;
  const message = messageFor(ending.body);
  if (status === 429) {
    const unknown = { scope: 'unknown' as const };
    const limit = readRateLimit(from.answer?.headers ?? {}, ending.body, context.wire.now()) ?? unknown;
    const fault = { code: 'api.rate_limited', host: realm, status, limit, message } as const;
    // A lock is on the login, not on the other logins of this address.
    const place = limit.scope === 'login' && from.fingerprint !== undefined ? `${from.fingerprint}@${realm}` : realm;
    context.wire.memory.limits.keep(place, fault, context.wire.elapsedMs());
    return fault;
  }
  if (status >= 500) return { code: 'auth.realm_failed', realm, status, message };
  if (label === undefined) {
    if (status === 401 || status === 403) return { code: 'auth.required', host, scheme: 'Bearer' };
    return { code: 'auth.realm_failed', realm, status, message };
  }
  if (status === 401 || status === 400) return { code: 'auth.rejected', host: realm, as: label, status, message };
  if (status === 403) return { code: 'auth.denied', host: realm, as: label, status, message };
  return { code: 'auth.realm_failed', realm, status, message };
}

/** A manifest that a host does not have: whether the repository, the tag or the digest is unknown to it. */
export function unknownManifest(image: Image, host: string, body: string): Fault {
  const codes = readRegistryErrors(body).map(({ code }) => code);
  const facts = { image: image.runtime, host, message: messageFor(body) };
  if (codes.includes('NAME_UNKNOWN')) return { code: 'manifest.unknown_repository', ...facts };
  return { code: image.digest === undefined ? 'manifest.unknown_tag' : 'manifest.unknown_digest', ...facts };
}

/** A fault of the network or of the registry as a fault of the blob that it withholds, so that the blob's host is the one to fix. */
export function blobFault({ fault, at }: { readonly fault: Fault; readonly at?: FailedAt }, digest: string): Fault {
  switch (stageOf(fault)) {
    case 'dns':
    case 'proxy':
    case 'tcp':
    case 'tls':
      return unreachableBlob(fault, at, digest);
    case 'api':
      if (fault.code === 'api.rate_limited') return fault;
      if (fault.code !== 'api.unavailable' && fault.code !== 'api.rejected') return unreachableBlob(fault, at, digest);
      return { code: 'blob.unavailable', digest, host: fault.host, status: fault.status };
    case 'auth':
      if (fault.code !== 'auth.denied' && fault.code !== 'auth.rejected') return unreachableBlob(fault, at, digest);
      return { code: 'blob.denied', digest, host: fault.host, status: fault.status };
    case 'plan':
    case 'manifest':
    case 'blob':
      return fault;
  }
}

function unreachableBlob(fault: Fault, at: FailedAt | undefined, digest: string): Fault {
  const host = at?.host ?? ('host' in fault ? fault.host : '');
  return at?.redirectedBy === undefined
    ? { code: 'blob.unreachable', digest, host, cause: fault }
    : { code: 'blob.redirect_failed', digest, host: at.redirectedBy, target: host, cause: fault };
}
