/** How the question which digest a tag has ends at one host, in the runtime's words. */
import type { Fault, RateLimit } from '#report/fault.ts';
import { containerdMessage } from '#registry/http/error-body.ts';
import { resolveStatusText } from '#runtime/containerd/error-texts.ts';
import { readRateLimit } from '#registry/http/rate-limit.ts';
import type { Answer } from '#registry/wire.ts';
import type { Authorizer } from './authorizer.ts';
import type { Reply } from './hop.ts';
import type { Shown, Tagged } from '#runtime/attempt/known-tags.ts';
import { missing, text, whyForbidden, type Host } from './missing.ts';
import { refusal } from './refusal.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import { trouble, type Trouble } from '#runtime/attempt/trouble.ts';

export interface Resolved extends Tagged {
  readonly route: number;
  /** What the host was asked, and what that shows. */
  readonly shown: Shown;
  /** The body, where a GET had to stand in for the HEAD. */
  readonly body?: Uint8Array;
  readonly rateLimit?: RateLimit;
}

/** remotes.MaxManifestSize */
export const maxManifestBytes = 4 * 1048 * 1048;

export type ResolveEnding =
  | { readonly is: 'resolved'; readonly value: Resolved }
  | { readonly is: 'failed'; readonly trouble: Trouble }
  /** Going on would spend what is the kubelet's. */
  | { readonly is: 'held_back'; readonly fault: Fault };

/** One host's failure and how far it got: transport or login 1, 404 2, other status 3, too large 4. */
export interface Failure {
  readonly trouble: Trouble;
  readonly reached: 1 | 2 | 3 | 4;
}

/** No plain yes to a gentler question: the runtime's own must follow. */
export interface Unsaid {
  readonly is: 'unsaid';
  /** Of the runtime's tries, so many have been made by this. */
  readonly tries: 0 | 1;
}

export function described(context: AttemptContext, value: Resolved, reply: Reply): ResolveEnding | Failure {
  if (value.size <= maxManifestBytes) return { is: 'resolved', value };
  const fault: Fault = { code: 'manifest.oversize', bytes: value.size, host: reply.url.host };
  const errorText = `rejecting ${value.size} byte manifest for ${context.plan.image.runtime}: not found`;
  return { reached: 4, trouble: { fault, errorText: { text: errorText, code: 'NotFound' }, notFound: true } };
}

/** What a host has said of a tag before holds. */
export function asBefore(
  context: AttemptContext,
  { digest, mediaType, size, etag }: Tagged,
  at: { readonly route: number; readonly answer: Answer; readonly shown: Shown },
): ResolveEnding {
  const { route, answer, shown } = at;
  const tagged = { digest, mediaType, size, ...(etag === undefined ? {} : { etag }) };
  return { is: 'resolved', value: { ...tagged, route, shown, ...limitIn(context, answer) } };
}

export function limitIn(context: AttemptContext, answer: Answer): { readonly rateLimit?: RateLimit } {
  const rateLimit = readRateLimit(answer.headers, '', context.wire.now());
  return rateLimit === undefined ? {} : { rateLimit };
}

/** The host could not be asked, or the login failed. */
export function unreached(found: Trouble): ResolveEnding | Failure {
  if (found.fault.code.startsWith('agent.') && found.fault.code !== 'agent.distrusts_realm')
    return { is: 'failed', trouble: found };
  if (found.invalidAuthorization !== true) return { reached: found.answered === true ? 3 : 1, trouble: found };
  const errorText = `pull access denied, repository does not exist or may require authorization: ${found.errorText.text}`;
  return { reached: 1, trouble: { ...found, errorText: { ...found.errorText, text: errorText } } };
}

export async function refused(
  context: AttemptContext,
  authorizer: Authorizer,
  host: Host,
  reply: Reply,
): Promise<ResolveEnding | Failure> {
  const { status } = reply.answer;
  if (status === 404) return { reached: 2, trouble: await missing(context, authorizer, host, reply) };
  const fault = refusal(reply, context);
  const message =
    status === 403 ? await whyForbidden(context, authorizer, host, reply) : containerdMessage(text(reply.answer));
  const path = host.object.replace('/', ' ');
  const errorText = resolveStatusText(
    { method: reply.method, url: reply.url },
    { status, authority: context.routes[host.route]?.authority ?? '', path, message },
    context.plan.engine,
  );
  if (status < 400) return { is: 'failed', trouble: { fault, errorText } };
  return { reached: 3, trouble: { fault, errorText } };
}

export function heldBack(context: AttemptContext, host: Host, what: string): ResolveEnding {
  return {
    is: 'held_back',
    fault: { code: 'agent.spends_quota', host: context.routes[host.route]?.authority ?? '', what },
  };
}

export function abort(fault: Fault): ResolveEnding {
  const why = fault.code === 'api.malformed' ? fault.why : fault.code;
  return { is: 'failed', trouble: trouble(fault, why) };
}
