/**
 * What a rehearsal may ask in place of what the runtime asks, where that is gentler on whoever answers. Only a plain yes is taken
 * from it ("as before"); whatever else comes, the runtime's own question follows, and that answer counts.
 *
 * No HEAD to a registry itself is made conditional: it would cost as many requests, its answer has no body to save, and a 304 can
 * hide what the runtime would meet. distribution compares the condition with the tag's link before it opens the manifest
 * (registry/handlers/manifests.go GetManifest, v2.8 and v3), Harbor with its database before it asks its registry
 * (src/server/registry/manifest.go getManifest): both answer 304 for a tag whose manifest is lost, as it is found after garbage
 * collections (distribution issues 1755, 3254), and 404 to a plain HEAD. Quay knows no conditions (endpoints/v2/manifest.py) and
 * answers 200; who counts requests counts a 304 as one. What is saved at a registry itself is the body of the GET that stands in
 * for a HEAD, with those that name no digest or no length (containerd issues 3238, 5124) or refuse HEAD.
 *
 * A pull-through cache asks its upstream for each tag (distribution registry/proxy/proxytagservice.go Get), and for the manifest
 * too if it has lost it, unless a condition is met before. By digest it answers from what it has, and asks upstream only for what
 * it lacks (proxymanifeststore.go Get; Harbor: src/controller/proxy/controller.go UseLocalManifest), which shows at the same time
 * that it still has the content.
 */
import { manifestMediaType } from '#image/manifest.ts';
import type { Route } from '#runtime/plan.ts';
import { header, type Answer } from '#registry/wire.ts';
import type { Reply } from './hop.ts';
import type { Asker, KnownTag } from '#runtime/attempt/known-tags.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';

export type ShortCut =
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

/** What a cache served within so long it has not thrown away: distribution keeps content for a week. */
const latelyMs = 2 * 60 * 60 * 1000;
/** A body that came is taken to come for this long, as blobs are. */
const bodyMemoryMs = 60 * 60 * 1000;

export function shortCut(context: AttemptContext, route: number): ShortCut | undefined {
  const at = context.routes[route];
  if (at === undefined || context.plan.image.digest !== undefined) return undefined;
  const { tags } = context.wire.memory;
  const nowMs = context.wire.elapsedMs();
  const known = tags.at(placeOf(at), askerOf(context));
  if (known === undefined || tags.isMistrusted(at.authority, nowMs)) return undefined;
  if (at.role === 'mirror') {
    if (mayAskByDigest(context, known, nowMs)) return { is: 'by_digest', known };
    return { is: 'conditional', known, etag: `"${known.digest}"`, on: 'every' };
  }
  const etag = known.etag ?? `"${known.digest}"`;
  if (!isQuiet(context) || nowMs - known.contentMs >= bodyMemoryMs) return undefined;
  return { is: 'conditional', known, etag, on: 'GET' };
}

/** Host and path: what a host said of a tag is remembered there alone. */
export function placeOf({ authority, path }: Route): string {
  return `${authority}${path}`;
}

export function askerOf({ plan, identity }: AttemptContext): Asker {
  return { reference: plan.image.runtime, as: identity.label };
}

/** An agent's own pass over an image that pulled last: nobody waits for this very answer, and nothing speaks against it. */
function isQuiet(context: AttemptContext): boolean {
  const { manners, memory } = context.wire;
  return manners.tagIsDue !== undefined && memory.tags.isPulling(askerOf(context));
}

function mayAskByDigest(context: AttemptContext, { tagMs, contentMs }: KnownTag, nowMs: number): boolean {
  if (!isQuiet(context) || nowMs - Math.max(tagMs, contentMs) > latelyMs) return false;
  const { registry, runtime: reference } = context.plan.image;
  return context.wire.manners.tagIsDue?.({ registry, reference, askedMs: tagMs, nowMs }) === false;
}

/** `as_before`: it is what it was; `answer`: as the plain question would be answered; `nothing`: ask plainly. */
export function readCondition(
  { etag, known, on }: Condition,
  { answer, method }: Reply,
): 'as_before' | 'answer' | 'nothing' {
  const { status } = answer;
  if (on === 'GET' && method !== 'GET') return 'answer';
  if (status === 304) return isOf(answer, etag, known.digest) ? 'as_before' : 'nothing';
  // A demand for credentials, a refusal and "too many" have nothing to do with a condition, and are not provoked twice.
  return status < 400 || status === 401 || status === 403 || status === 429 ? 'answer' : 'nothing';
}

/** RFC 9110 §15.4.5: what a 304 names must be what was asked about. Weak comparison, as If-None-Match has it (§13.1.2). */
function isOf(answer: Answer, etag: string, digest: string): boolean {
  const named = header(answer, 'etag');
  const found = header(answer, 'docker-content-digest');
  return (named === undefined || opaque(named) === opaque(etag)) && (found === undefined || found === digest);
}

/** A HEAD of the digest found what the tag led to, in every respect. */
export function isThere(answer: Answer, known: KnownTag): boolean {
  const digest = header(answer, 'docker-content-digest');
  return (
    answer.status === 200 &&
    (digest === undefined || digest === known.digest) &&
    header(answer, 'content-length') === String(known.size) &&
    manifestMediaType(header(answer, 'content-type')) === known.mediaType
  );
}

/** The entity tag of a body, if it can vouch for these very bytes. */
export function etagOf(answer: Answer, digest: string): string | undefined {
  const etag = header(answer, 'etag');
  if (etag === undefined || !/^(W\/)?"[\x21\x23-\x7e]{1,200}"$/.test(etag)) return undefined;
  // A compressing proxy weakens the registry's own, which is the digest.
  if (opaque(etag) === digest) return `"${digest}"`;
  return etag.startsWith('W/') ? undefined : etag;
}

function opaque(etag: string): string {
  return etag
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1');
}
