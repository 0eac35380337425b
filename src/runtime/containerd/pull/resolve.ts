/**
 * The first half of a pull: a tag or digest becomes a descriptor, over the hosts that may resolve. One host at a time is asked: by a cheaper
 * request where that is enough (tag-conditions.ts), else as containerd asks, by HEAD, and by GET where the HEAD lacks something.
 *
 * Imitates containerd core/remotes/docker/resolver.go (dockerResolver.Resolve), v1.6.20 to v2.3.4.
 */
import type { Fault } from '#report/fault.ts';
import type { Header } from '#node/view.ts';
import { digestFlaw, digestOf } from '#image/digest.ts';
import { kindOfMediaType, manifestMediaType } from '#image/manifest.ts';
import { header, type Answer } from '#registry/wire.ts';
import { refusal } from '#runtime/attempt/faults.ts';
import type { KnownTag } from '#runtime/attempt/known-tags.ts';
import { isMetered } from '#runtime/attempt/metered.ts';
import type { Reply } from '#runtime/attempt/request.ts';
import type { PullContext } from '../plan.ts';
import type { Authorizer } from './authorize.ts';
import type { PullError } from './pull-error.ts';
import {
  accept,
  asBefore,
  described,
  limitIn,
  manifestNotFound,
  maxManifestBytes,
  refused,
  stopped,
  targetOf,
  unanswered,
  type Host,
  type HostError,
  type HostResult,
  type Resolution,
} from './resolve-answer.ts';
import { asksToWait, send, type Request } from './send-request.ts';
import {
  etagOf,
  identityOf,
  isSameContent,
  placeOf,
  readCondition,
  shortcutFor,
  type Condition,
} from './tag-conditions.ts';

export async function resolve(context: PullContext, authorizer: Authorizer): Promise<Resolution> {
  const { image, engine } = context.plan;
  const reference = image.digest ?? image.tag ?? 'latest';
  const routes = [...context.routes.keys()].filter((i) => mayAsk(context, i));
  if (routes.length === 0) return { is: 'failed', error: noHosts(context) };
  const errors: HostError[] = [];
  for (const kind of image.digest === undefined ? ['manifests'] : ['manifests', 'blobs']) {
    if (kind === 'blobs' && engine.asksBlobsAfterNotFoundOnly && errors.some(({ progress }) => progress > 2)) break;
    for (const route of routes) {
      const because =
        errors.length === 0
          ? 'the first host that may resolve'
          : `${errors.at(-1)?.error.fault.code ?? ''} at the host before`;
      const host: Host = { object: `${kind}/${reference}`, route, isLast: route === routes.at(-1), because };
      const result = await askHost(context, authorizer, host);
      if (result.is !== 'next_host') return result;
      errors.push(result);
    }
  }
  return { is: 'failed', error: shownError(errors, context) };
}

function mayAsk(context: PullContext, i: number): boolean {
  const route = context.routes[i];
  if (route === undefined || !route.mayPull) return false;
  return context.plan.image.digest !== undefined || route.mayResolve;
}

function noHosts({ plan, routes }: PullContext): PullError {
  const { registry } = plan.image;
  const fault: Fault = { code: 'hosts.none_may_resolve', registry, file: routes[0]?.because ?? '' };
  return { fault, errorText: { text: 'no resolve hosts: not found', code: 'NotFound' }, notFound: true };
}

/** Which host's error the kubelet shows. */
function shownError(errors: readonly HostError[], context: PullContext): PullError {
  const { engine, image } = context.plan;
  const furthest = Math.max(...errors.map(({ progress }) => progress));
  const shown =
    engine.shows === 'first_not_404'
      ? (errors.find(({ progress }) => progress !== 2) ?? errors[0])
      : errors.find(({ progress }) => progress === furthest);
  return shown?.error ?? manifestNotFound(context, image.registry, '');
}

/** The cheaper request gave no answer that counts: containerd's own must follow. */
interface Inconclusive {
  readonly is: 'inconclusive';
  /** Of containerd's tries, so many are used up by it. */
  readonly tries: 0 | 1;
}

async function askHost(context: PullContext, authorizer: Authorizer, host: Host): Promise<HostResult> {
  const shortcut = shortcutFor(context, host.route);
  const result =
    shortcut?.is === 'by_digest'
      ? await askByDigest(context, authorizer, { host, known: shortcut.known })
      : await askForTag(context, authorizer, { host, ...(shortcut === undefined ? {} : { condition: shortcut }) });
  if (result.is !== 'inconclusive') return result;
  const at = context.routes[host.route];
  const { tags } = context.wire.memory;
  if (at !== undefined) tags.drop(placeOf(at), identityOf(context));
  const plain = await askForTag(context, authorizer, { host, tries: result.tries });
  if (plain.is === 'inconclusive') return stopped({ code: 'agent.bug', where: 'askHost', what: 'inconclusive' });
  const isSame = plain.is === 'resolved' && plain.value.digest === shortcut?.known.digest;
  if (at !== undefined && isSame) tags.mistrust(at.authority, context.wire.elapsedMs());
  return plain;
}

async function askByDigest(
  context: PullContext,
  authorizer: Authorizer,
  { host, known }: { readonly host: Host; readonly known: KnownTag },
): Promise<HostResult | Inconclusive> {
  const sent = await send(context, authorizer, {
    method: 'HEAD',
    ...targetOf(host),
    object: `manifests/${known.digest}`,
    headers: [accept],
    maxBytes: maxManifestBytes,
    once: true,
    purpose: { act: 'resolve', because: `${host.because}; by digest, for a cache asks its upstream for each tag` },
  });
  if (!sent.ok) return unanswered(asForTag(sent.error, context, known));
  const { answer } = sent.value;
  if (isSameContent(answer, known)) return asBefore(context, known, { route: host.route, answer, shown: 'content' });
  if (answer.status !== 429) return { is: 'inconclusive', tries: 0 };
  if (!asksToWait(answer, context.wire.now())) return { is: 'inconclusive', tries: 1 };
  // The limit is remembered, so that it answers containerd's own request in place of the host.
  refusal(sent.value, context);
  return { is: 'inconclusive', tries: 0 };
}

/** Without an answer, containerd's own request would have met the same: its text names the tag. */
function asForTag(error: PullError, { plan: { image } }: PullContext, { digest }: KnownTag): PullError {
  const { errorText } = error;
  return { ...error, errorText: { ...errorText, text: errorText.text.replaceAll(digest, image.tag ?? 'latest') } };
}

interface TagRequest {
  readonly host: Host;
  readonly condition?: Condition;
  readonly tries?: number;
}

async function askForTag(
  context: PullContext,
  authorizer: Authorizer,
  request: TagRequest,
): Promise<HostResult | Inconclusive> {
  const { host, condition } = request;
  const sent = await send(context, authorizer, headFor(request));
  if (!sent.ok) return unanswered(sent.error);
  const reply = sent.value;
  const { answer } = reply;
  const conditional = conditionalResult(context, { host, condition }, reply);
  if (conditional !== undefined) return conditional;
  if (answer.status > 299) return refused(context, authorizer, host, reply);
  const size = sizeOf(answer);
  const digest = context.plan.image.digest ?? digestHeader(answer, size);
  const flaw = digest === undefined ? undefined : digestFlaw(digest);
  if (digest !== undefined && flaw !== undefined) {
    const why = `"${digest.slice(0, 80)}" in header not a valid digest: ${flaw}`;
    return stopped({ code: 'api.malformed', host: reply.url.host, why });
  }
  if (digest !== undefined && size !== undefined) {
    const mediaType = manifestMediaType(header(answer, 'content-type'));
    const found = { digest, size, mediaType, route: host.route, shown: 'tag' as const };
    return described(context, { ...found, ...limitIn(context, answer) }, reply);
  }
  if (reply.method === 'GET' && answer.whole) return fromBody(context, host, reply, digest);
  if (isMetered(context, host.route)) {
    const what = 'HEAD lacks a digest or a length, so only a GET could tell';
    const authority = context.routes[host.route]?.authority ?? '';
    return { is: 'withheld', fault: { code: 'agent.spends_quota', host: authority, what } };
  }
  return askByGet(context, authorizer, { host, digest, condition });
}

function headFor({ host, condition, tries }: TagRequest): Request {
  const conditional: readonly Header[] = condition === undefined ? [] : [['If-None-Match', condition.etag]];
  return {
    method: 'HEAD',
    ...targetOf(host),
    headers: condition?.on === 'every' ? [accept, ...conditional] : [accept],
    headersOfGet: condition?.on === 'GET' ? conditional : [],
    maxBytes: maxManifestBytes,
    ...(tries === undefined ? {} : { triesBefore: tries }),
    purpose: { act: 'resolve', because: host.because },
  };
}

/** undefined: the answer is that of an unconditional request. */
function conditionalResult(
  context: PullContext,
  { host, condition }: { readonly host: Host; readonly condition: Condition | undefined },
  reply: Reply,
): HostResult | Inconclusive | undefined {
  if (condition === undefined) return undefined;
  switch (readCondition(condition, reply)) {
    case 'answer':
      return undefined;
    case 'nothing':
      return { is: 'inconclusive', tries: 0 };
    case 'as_before':
      return asBefore(context, condition.known, { route: host.route, answer: reply.answer, shown: 'same_tag' });
  }
}

function sizeOf(answer: Answer): number | undefined {
  const length = header(answer, 'content-length');
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}

function digestHeader(answer: Answer, size: number | undefined): string | undefined {
  const digest = header(answer, 'docker-content-digest');
  return digest === undefined || digest === '' || size === undefined ? undefined : digest;
}

interface GetRequest {
  readonly host: Host;
  /** What the HEAD named. */
  readonly digest: string | undefined;
  readonly condition: Condition | undefined;
}

/** The GET that replaces a HEAD without a digest or a length. */
async function askByGet(
  context: PullContext,
  authorizer: Authorizer,
  { host, digest, condition }: GetRequest,
): Promise<HostResult | Inconclusive> {
  const sent = await send(context, authorizer, {
    method: 'GET',
    ...targetOf(host),
    lastHost: true,
    headers: condition === undefined ? [accept] : [accept, ['If-None-Match', condition.etag]],
    maxBytes: maxManifestBytes + 1,
    purpose: { act: 'resolve', because: 'HEAD lacked a digest or a length' },
  });
  if (!sent.ok) return { is: 'failed', error: sent.error };
  const conditional = conditionalResult(context, { host, condition }, sent.value);
  if (conditional !== undefined) return conditional;
  const { status } = sent.value.answer;
  if (status >= 400 && (context.plan.engine.checksResolveGet || status === 429)) {
    const result = await refused(context, authorizer, host, sent.value);
    return result.is === 'next_host' ? { is: 'failed', error: result.error } : result;
  }
  return fromBody(context, host, sent.value, digest);
}

function fromBody(context: PullContext, host: Host, reply: Reply, named: string | undefined): HostResult {
  const { answer } = reply;
  const { body } = answer;
  if (answer.bodyFault !== undefined && !answer.bodyFault.ok) return stopped(answer.bodyFault.fault);
  const at = { route: host.route, shown: 'tag' as const };
  if (!answer.whole) return described(context, { digest: 'sha256:', size: body.length, mediaType: '', ...at }, reply);
  const mediaType = manifestMediaType(header(answer, 'content-type'));
  if (kindOfMediaType(mediaType) === 'schema1' && !context.plan.engine.convertsSchema1)
    return stopped({ code: 'manifest.unsupported', mediaType, host: reply.url.host });
  const digest = named ?? digestOf(body);
  const etag = etagOf(answer, digest);
  const found = { digest, size: body.length, mediaType, body, ...(etag === undefined ? {} : { etag }) };
  return described(context, { ...found, ...at }, reply);
}
