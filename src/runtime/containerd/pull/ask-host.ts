/** One host is asked which digest a tag has: gently where that will do, and else as the runtime asks. */
import type { Header } from '#node/view.ts';
import { digestFlaw } from '#image/digest.ts';
import { manifestMediaType } from '#image/manifest.ts';
import { header, type Answer } from '#registry/wire.ts';
import type { Authorizer } from './authorizer.ts';
import { askByGet, fromBody } from './get-in-place.ts';
import type { Request } from './hop.ts';
import type { KnownTag } from '#runtime/attempt/known-tags.ts';
import { isMetered } from '#runtime/attempt/metered.ts';
import { accept, pick, type Host } from './missing.ts';
import { refusal } from './refusal.ts';
import { asksToWait, send } from './request.ts';
import {
  abort,
  asBefore,
  described,
  heldBack,
  limitIn,
  maxManifestBytes,
  refused,
  unreached,
  type Failure,
  type ResolveEnding,
  type Unsaid,
} from './resolve-ending.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import { askerOf, isThere, placeOf, readCondition, shortCut, type Condition } from './short-cut.ts';
import type { Trouble } from '#runtime/attempt/trouble.ts';

type Ending = ResolveEnding | Failure;
export async function askHost(context: AttemptContext, authorizer: Authorizer, host: Host): Promise<Ending> {
  const cut = shortCut(context, host.route);
  const gentle =
    cut?.is === 'by_digest'
      ? await askByDigest(context, authorizer, { host, known: cut.known })
      : await askForTag(context, authorizer, { host, ...(cut === undefined ? {} : { condition: cut }) });
  if (!('is' in gentle) || gentle.is !== 'unsaid') return gentle;
  const at = context.routes[host.route];
  const { tags } = context.wire.memory;
  if (at !== undefined) tags.drop(placeOf(at), askerOf(context));
  const plain = await askForTag(context, authorizer, { host, tries: gentle.tries });
  if ('is' in plain && plain.is === 'unsaid') return abort({ code: 'agent.bug', where: 'askHost', what: 'unsaid' });
  const isSame = 'is' in plain && plain.is === 'resolved' && plain.value.digest === cut?.known.digest;
  if (at !== undefined && isSame) tags.mistrust(at.authority, context.wire.elapsedMs());
  return plain;
}

async function askByDigest(
  context: AttemptContext,
  authorizer: Authorizer,
  { host, known }: { readonly host: Host; readonly known: KnownTag },
): Promise<Ending | Unsaid> {
  const tried = await send(context, authorizer, {
    method: 'HEAD',
    ...pick(host),
    object: `manifests/${known.digest}`,
    headers: [accept],
    maxBytes: maxManifestBytes,
    once: true,
    purpose: { act: 'resolve', because: `${host.because}; by digest, for a cache asks its upstream for each tag` },
  });
  if (!tried.ok) return unreached(ofTag(tried.trouble, context, known));
  const { answer } = tried.value;
  if (isThere(answer, known)) return asBefore(context, known, { route: host.route, answer, shown: 'content' });
  if (answer.status !== 429) return { is: 'unsaid', tries: 0 };
  if (!asksToWait(answer, context.wire.now())) return { is: 'unsaid', tries: 1 };
  // Remembered, so that the runtime's question is answered by it and not sent.
  refusal(tried.value, context);
  return { is: 'unsaid', tries: 0 };
}

/** Where no answer came: the runtime would have met the same with its own question. */
function ofTag(found: Trouble, { plan: { image } }: AttemptContext, { digest }: KnownTag): Trouble {
  return {
    ...found,
    errorText: { ...found.errorText, text: found.errorText.text.replaceAll(digest, image.tag ?? 'latest') },
  };
}

interface ForTag {
  readonly host: Host;
  readonly condition?: Condition;
  readonly tries?: number;
}

async function askForTag(context: AttemptContext, authorizer: Authorizer, asking: ForTag): Promise<Ending | Unsaid> {
  const { host, condition } = asking;
  const tried = await send(context, authorizer, requestFor(asking));
  if (!tried.ok) return unreached(tried.trouble);
  const reply = tried.value;
  const { answer } = reply;
  const answered = condition === undefined ? 'answer' : readCondition(condition, reply);
  if (answered === 'nothing') return { is: 'unsaid', tries: 0 };
  if (condition !== undefined && answered === 'as_before')
    return asBefore(context, condition.known, { route: host.route, answer, shown: 'same_tag' });
  if (answer.status > 299) return refused(context, authorizer, host, reply);
  const size = sizeOf(answer);
  const digest = context.plan.image.digest ?? digestHeader(answer, size);
  const flaw = digest === undefined ? undefined : digestFlaw(digest);
  if (digest !== undefined && flaw !== undefined) {
    const why = `"${digest.slice(0, 80)}" in header not a valid digest: ${flaw}`;
    return abort({ code: 'api.malformed', host: reply.url.host, why });
  }
  if (digest !== undefined && size !== undefined) {
    const mediaType = manifestMediaType(header(answer, 'content-type'));
    const found = { digest, size, mediaType, route: host.route, shown: 'tag' as const };
    return described(context, { ...found, ...limitIn(context, answer) }, reply);
  }
  if (reply.method === 'GET' && answer.whole) return fromBody(context, host, reply, digest);
  if (isMetered(context, host.route))
    return heldBack(context, host, 'HEAD lacks a digest or a length, so only a GET could tell');
  return askByGet(context, authorizer, { host, digest, condition });
}

function requestFor({ host, condition, tries }: ForTag): Request {
  const only: readonly Header[] = condition === undefined ? [] : [['If-None-Match', condition.etag]];
  return {
    method: 'HEAD',
    ...pick(host),
    headers: condition?.on === 'every' ? [accept, ...only] : [accept],
    headersOfGet: condition?.on === 'GET' ? only : [],
    maxBytes: maxManifestBytes,
    ...(tries === undefined ? {} : { triesBefore: tries }),
    purpose: { act: 'resolve', because: host.because },
  };
}

function sizeOf(answer: Answer): number | undefined {
  const length = header(answer, 'content-length');
  return length !== undefined && /^\d+$/.test(length) ? Number(length) : undefined;
}

function digestHeader(answer: Answer, size: number | undefined): string | undefined {
  const digest = header(answer, 'docker-content-digest');
  return digest === undefined || digest === '' || size === undefined ? undefined : digest;
}
