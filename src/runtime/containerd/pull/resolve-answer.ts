/**
 * How the answer of one host ends the resolve there: a descriptor, an error with containerd's text, or nothing that the agent may find out.
 * Imitates containerd core/remotes/docker/resolver.go (Resolve, withErrorCheck, withGETErrorBody), v1.6.20 to v2.3.4.
 */
import type { Fault, RateLimit } from '#report/fault.ts';
import type { Header } from '#node/view.ts';
import { containerdMessage } from '#registry/http/error-body.ts';
import { readRateLimit } from '#registry/http/rate-limit.ts';
import type { Answer } from '#registry/wire.ts';
import { refusal, textOf, unknownManifest } from '#runtime/attempt/faults.ts';
import type { Shown, Tagged } from '#runtime/attempt/known-tags.ts';
import { isMetered } from '#runtime/attempt/metered.ts';
import type { Reply } from '#runtime/attempt/request.ts';
import { resolveStatusText } from '../error-texts.ts';
import type { PullContext } from '../plan.ts';
import type { Authorizer } from './authorize.ts';
import { pullError, type PullError } from './pull-error.ts';
import { send, type Request } from './send-request.ts';

/** Resolver's Accept, as docker.NewResolver sets it. */
export const accept: Header = [
  'Accept',
  [
    'application/vnd.docker.distribution.manifest.v2+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.oci.image.index.v1+json',
    '*/*',
  ].join(', '),
];

/** remotes.MaxManifestSize */
export const maxManifestBytes = 4 * 1048 * 1048;

/** What is asked of one host. */
export interface Host {
  /** `manifests/v1`, below the repository. */
  readonly object: string;
  readonly route: number;
  readonly isLast: boolean;
  readonly because: string;
}

export function targetOf({ object, route, isLast }: Host): Pick<Request, 'object' | 'route' | 'lastHost'> {
  return { object, route, lastHost: isLast };
}

export interface Resolved extends Tagged {
  readonly route: number;
  /** What the host was asked, and what that shows. */
  readonly shown: Shown;
  /** The body, where a GET replaced the HEAD. */
  readonly body?: Uint8Array;
  readonly rateLimit?: RateLimit;
}

export type Resolution =
  | { readonly is: 'resolved'; readonly value: Resolved }
  | { readonly is: 'failed'; readonly error: PullError }
  /** To go on would spend quota that is the kubelet's. */
  | { readonly is: 'withheld'; readonly fault: Fault };

/** One host's error, after which the next host is asked. */
export interface HostError {
  readonly is: 'next_host';
  readonly error: PullError;
  /** How far it got: transport or login 1, 404 2, other status 3, too large 4. */
  readonly progress: 1 | 2 | 3 | 4;
}

export type HostResult = Resolution | HostError;

export function described(context: PullContext, value: Resolved, reply: Reply): HostResult {
  if (value.size <= maxManifestBytes) return { is: 'resolved', value };
  const fault: Fault = { code: 'manifest.oversize', bytes: value.size, host: reply.url.host };
  const text = `rejecting ${value.size} byte manifest for ${context.plan.image.runtime}: not found`;
  const error: PullError = { fault, errorText: { text, code: 'NotFound' }, notFound: true };
  return { is: 'next_host', error, progress: 4 };
}

/** What a host showed of a tag before still holds. */
export function asBefore(
  context: PullContext,
  { digest, mediaType, size, etag }: Tagged,
  at: { readonly route: number; readonly answer: Answer; readonly shown: Shown },
): Resolution {
  const { route, answer, shown } = at;
  const tagged = { digest, mediaType, size, ...(etag === undefined ? {} : { etag }) };
  return { is: 'resolved', value: { ...tagged, route, shown, ...limitIn(context, answer) } };
}

export function limitIn(context: PullContext, answer: Answer): { readonly rateLimit?: RateLimit } {
  const rateLimit = readRateLimit(answer.headers, '', context.wire.now());
  return rateLimit === undefined ? {} : { rateLimit };
}

/** The request got no answer, or the login failed. */
export function unanswered(error: PullError): HostResult {
  if (error.fault.code.startsWith('agent.') && error.fault.code !== 'agent.distrusts_realm')
    return { is: 'failed', error };
  if (error.invalidAuthorization !== true) return { is: 'next_host', error, progress: error.answered === true ? 3 : 1 };
  const text = `pull access denied, repository does not exist or may require authorization: ${error.errorText.text}`;
  return { is: 'next_host', error: { ...error, errorText: { ...error.errorText, text } }, progress: 1 };
}

/** The resolve ends here: no further host is asked. */
export function stopped(fault: Fault): Resolution {
  const why = fault.code === 'api.malformed' ? fault.why : fault.code;
  return { is: 'failed', error: pullError(fault, why) };
}

export async function refused(
  context: PullContext,
  authorizer: Authorizer,
  host: Host,
  reply: Reply,
): Promise<HostResult> {
  const { status } = reply.answer;
  if (status === 404) return { is: 'next_host', error: await notFound(context, authorizer, host, reply), progress: 2 };
  const fault = refusal(reply, context);
  const message =
    status === 403 ? await forbiddenMessage(context, authorizer, host, reply) : containerdMessage(textOf(reply.answer));
  const path = host.object.replace('/', ' ');
  const errorText = resolveStatusText(
    { method: reply.method, url: reply.url },
    { status, authority: context.routes[host.route]?.authority ?? '', path, message },
    context.plan.engine,
  );
  const error = { fault, errorText };
  return status < 400 ? { is: 'failed', error } : { is: 'next_host', error, progress: 3 };
}

/** resolver.go withGETErrorBody: a HEAD has no body that explains a refusal. */
async function forbiddenMessage(
  context: PullContext,
  authorizer: Authorizer,
  host: Host,
  reply: Reply,
): Promise<string> {
  const { engine } = context.plan;
  if (!engine.asksWhyForbidden || reply.method === 'GET' || isMetered(context, host.route))
    return containerdMessage(textOf(reply.answer));
  const sent = await send(context, authorizer, {
    ...errorBodyRequest(host, 'a HEAD that answers 403 has no body that explains why'),
    lastHost: false,
  });
  return sent.ok ? containerdMessage(textOf(sent.value.answer)) : '';
}

/** After a 404, the agent asks the origin once more, by GET, whether it is the repository or the tag that is unknown. */
async function notFound(context: PullContext, authorizer: Authorizer, host: Host, reply: Reply): Promise<PullError> {
  const route = context.routes[host.route];
  const asksWhy =
    host.isLast && route?.role === 'origin' && host.object.startsWith('manifests/') && !isMetered(context, host.route);
  const body = textOf(reply.answer);
  if (body !== '' || !asksWhy) return manifestNotFound(context, reply.url.host, body);
  const because = "a HEAD that answers 404 does not show what is missing (the agent's own request, not the runtime's)";
  const sent = await send(context, authorizer, errorBodyRequest(host, because));
  const found = sent.ok && sent.value.answer.status === 404 ? textOf(sent.value.answer) : '';
  return manifestNotFound(context, reply.url.host, found);
}

function errorBodyRequest(host: Host, because: string): Request {
  return {
    method: 'GET',
    ...targetOf(host),
    headers: [accept],
    maxBytes: 64_000,
    purpose: { act: 'resolve', because },
  };
}

export function manifestNotFound({ plan: { image } }: PullContext, host: string, body: string): PullError {
  return {
    fault: unknownManifest(image, host, body),
    errorText: { text: `${image.runtime}: not found`, code: 'NotFound' },
    notFound: true,
  };
}
