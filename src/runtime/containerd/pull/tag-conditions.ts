/**
 * Cheaper requests that a rehearsal may send in place of the runtime's own, to spare the registry. Only a plain "as before" counts; after
 * any other answer the runtime's own request follows, and that answer counts.
 *
 * No HEAD to a registry itself is made conditional: it costs as many requests, its answer has no body to save, and a 304 can hide what
 * the runtime would meet. distribution compares the condition with the tag's link before it opens the manifest
 * (registry/handlers/manifests.go GetManifest, v2.8 and v3), Harbor with its database before it asks its registry
 * (src/server/registry/manifest.go getManifest): both answer 304 for a tag whose manifest is lost, as happens after garbage
 * collections (distribution issues 1755, 3254), and 404 to a plain HEAD. Quay knows no conditions (endpoints/v2/manifest.py) and
 * answers 200; a registry that counts requests counts a 304 as one. At a registry itself, a condition saves the body of the GET that
 * replaces a HEAD: with registries that name no digest or no length (containerd issues 3238, 5124) or refuse HEAD.
 *
 * A pull-through cache asks its upstream for each tag (distribution registry/proxy/proxytagservice.go Get), and for the manifest
 * too if it has lost it, unless a condition is met before. By digest it answers from what it has, and asks upstream only for what
 * it lacks (proxymanifeststore.go Get; Harbor: src/controller/proxy/controller.go UseLocalManifest), which shows at the same time
 * that it still has the content.
 */
import { manifestMediaType } from '#image/manifest.ts';
import type { Route } from '#runtime/plan.ts';
import { header, type Answer } from '#registry/wire.ts';
import type { KnownTag, TagIdentity } from '#runtime/attempt/known-tags.ts';
import type { Reply } from '#runtime/attempt/request.ts';
import type { PullContext } from '../plan.ts';

type Shortcut =
  /** HEAD of the digest that the tag led to. */
  { readonly is: 'by_digest'; readonly known: KnownTag } | Condition;

export interface Condition {
  readonly is: 'conditional';
  readonly known: KnownTag;
  /** The entity tag that is sent, quotes included. */
  readonly etag: string;
  /** Which requests carry it. */
  readonly on: 'every' | 'GET';
}

/** A cache still has what it served this recently: distribution keeps content for a week. */
const cachedMs = 2 * 60 * 60 * 1000;
/** A body that came is expected to come again for this long, as blobs are. */
const bodyMemoryMs = 60 * 60 * 1000;

export function shortcutFor(context: PullContext, route: number): Shortcut | undefined {
  const at = context.routes[route];
  if (at === undefined || context.plan.image.digest !== undefined) return undefined;
  const { tags } = context.wire.memory;
  const nowMs = context.wire.elapsedMs();
  const known = tags.at(placeOf(at), identityOf(context));
  if (known === undefined || tags.isMistrusted(at.authority, nowMs)) return undefined;
  if (at.role === 'mirror') {
    if (mayAskByDigest(context, known, nowMs)) return { is: 'by_digest', known };
    return { is: 'conditional', known, etag: `"${known.digest}"`, on: 'every' };
  }
  const etag = known.etag ?? `"${known.digest}"`;
  if (!isBackground(context) || nowMs - known.contentMs >= bodyMemoryMs) return undefined;
  return { is: 'conditional', known, etag, on: 'GET' };
}

/** Host and path: what a host shows of a tag is remembered for that host alone. */
export function placeOf({ authority, path }: Route): string {
  return `${authority}${path}`;
}

export function identityOf({ plan, identity }: PullContext): TagIdentity {
  return { reference: plan.image.runtime, as: identity.label };
}

/** The agent's own pass over an image that pulled last time: no user waits for this answer. */
function isBackground(context: PullContext): boolean {
  const { options, memory } = context.wire;
  return options.tagIsDue !== undefined && memory.tags.isPulling(identityOf(context));
}

function mayAskByDigest(context: PullContext, { tagMs, contentMs }: KnownTag, nowMs: number): boolean {
  if (!isBackground(context) || nowMs - Math.max(tagMs, contentMs) > cachedMs) return false;
  const { registry, runtime: reference } = context.plan.image;
  return context.wire.options.tagIsDue?.({ registry, reference, askedMs: tagMs, nowMs }) === false;
}

/** `as_before`: the tag has not changed. `answer`: the answer of an unconditional request. `nothing`: send an unconditional request. */
export function readCondition(
  { etag, known, on }: Condition,
  { answer, method }: Reply,
): 'as_before' | 'answer' | 'nothing' {
  const { status } = answer;
  if (on === 'GET' && method !== 'GET') return 'answer';
  if (status === 304) return isOf(answer, etag, known.digest) ? 'as_before' : 'nothing';
  // A demand for credentials, a refusal and 429 have nothing to do with a condition: they are not provoked twice.
  return status < 400 || status === 401 || status === 403 || status === 429 ? 'answer' : 'nothing';
}

/** RFC 9110 §15.4.5: a 304 must name what was asked about. Weak comparison, as for If-None-Match (§13.1.2). */
function isOf(answer: Answer, etag: string, digest: string): boolean {
  const named = header(answer, 'etag');
  const found = header(answer, 'docker-content-digest');
  return (named === undefined || opaque(named) === opaque(etag)) && (found === undefined || found === digest);
}

/** A HEAD of the digest found what the tag led to, in every respect. */
export function isSameContent(answer: Answer, known: KnownTag): boolean {
  const digest = header(answer, 'docker-content-digest');
  return (
    answer.status === 200 &&
    (digest === undefined || digest === known.digest) &&
    header(answer, 'content-length') === String(known.size) &&
    manifestMediaType(header(answer, 'content-type')) === known.mediaType
  );
}

/** The entity tag of a body, if it identifies these very bytes. */
export function etagOf(answer: Answer, digest: string): string | undefined {
  const etag = header(answer, 'etag');
  if (etag === undefined || !/^(W\/)?"[\x21\x23-\x7e]{1,200}"$/.test(etag)) return undefined;
  // A compressing proxy weakens the registry's own entity tag, which is the digest.
  if (opaque(etag) === digest) return `"${digest}"`;
  return etag.startsWith('W/') ? undefined : etag;
}

function opaque(etag: string): string {
  return etag
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1');
}
