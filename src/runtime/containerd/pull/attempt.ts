/**
 * One whole pull under one identity: resolve, manifest, config, layers, stopping short of the layers' bytes.
 * Imitates containerd client.Pull (local engine) and core/transfer/local/pull.go (transfer service), and image.Config after it.
 */
import type { Fault } from '#report/fault.ts';
import { goQuote } from '#go/quote.ts';
import type { Image } from '#image/reference.ts';
import {
  childrenFor,
  kindOfMediaType,
  offered,
  readManifest,
  type Descriptor,
  type ImageIndex,
} from '#image/manifest.ts';
import { formatPlatform, matcherFor } from '#image/platform.ts';
import type { Content, Ending, Attempt } from '#report/rehearsal.ts';
import { pullFailed, resolveFailed, type ErrorText } from '#runtime/containerd/error-texts.ts';
import { Authorizer } from './authorizer.ts';
import { fetchBlobs, type ImageManifest } from './blobs.ts';
import { failed, wrapFetch } from './ending.ts';
import { fetchBlob, fetchManifest } from './fetch.ts';
import { convertedSchema1, emptyContent, notAManifest, quotaUsedUp, schema1Refused } from './odd-content.ts';
import { isMetered } from '#runtime/attempt/metered.ts';
import { missingOf } from './missing-layers.ts';
import { resolve } from './resolve.ts';
import type { Resolved } from './resolve-ending.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import { askerOf, placeOf } from './short-cut.ts';
import { unpackFlaw } from './unpack.ts';

/** Platforms that are kept in a report; no honest image has more. */
const mostOffered = 32;

export async function attempt(context: AttemptContext): Promise<Attempt> {
  const ending = await pull(context);
  return { as: context.identity.label, exchanges: context.exchanges, ending };
}

async function pull(context: AttemptContext): Promise<Ending> {
  const { image, engine } = context.plan;
  if (image.registry.startsWith('[') && !engine.takesIpv6Registries) return unreadable(image);
  const authorizer = new Authorizer(context);
  const resolved = await resolve(context, authorizer);
  if (resolved.is === 'failed')
    return failed(resolved.trouble, resolveFailed(image.runtime, resolved.trouble.errorText, engine));
  if (resolved.is === 'held_back') return { is: 'undetermined', fault: resolved.fault, stage: 'manifest' };
  remember(context, resolved.value);
  return fetchAll(context, authorizer, resolved.value);
}

/** The kubelet reads the reference, and its runtime does not (pkg/cri/server/image_pull.go PullImage). */
function unreadable({ written, sent }: Image): Ending {
  const why = 'invalid reference format';
  const errorText: ErrorText = { text: `failed to parse image reference ${goQuote(sent)}: ${why}` };
  return failed({ fault: { code: 'image.malformed', image: written, why }, errorText }, errorText);
}

function remember(context: AttemptContext, { digest, mediaType, size, etag, route, shown }: Resolved): void {
  const at = context.routes[route];
  const { image } = context.plan;
  if (at === undefined || image.digest !== undefined) return;
  const tagged = { digest, mediaType, size, ...(etag === undefined ? {} : { etag }) };
  const nowMs = context.wire.elapsedMs();
  context.wire.memory.tags.keep({ place: placeOf(at), ...askerOf(context) }, tagged, { shown, nowMs });
}

async function fetchAll(context: AttemptContext, authorizer: Authorizer, resolved: Resolved): Promise<Ending> {
  const { engine } = context.plan;
  const top: Descriptor = { mediaType: resolved.mediaType, digest: resolved.digest, size: resolved.size, urls: [] };
  const shallow: Content = {
    digest: resolved.digest,
    mediaType: resolved.mediaType,
    resolvedBy: resolved.route,
    layers: 0,
    bytes: 0,
    blobHosts: [],
    depth: 'resolved',
  };
  const usedUp = quotaUsedUp(context, resolved);
  if (usedUp !== undefined) return usedUp;
  if (kindOfMediaType(resolved.mediaType) === 'schema1' && !engine.convertsSchema1)
    return schema1Refused(context, resolved);
  if (resolved.size === 0) return emptyContent(context, top);
  if (kindOfMediaType(top.mediaType) === 'other') return notAManifest(context, authorizer, top);
  if (isMetered(context, resolved.route) && (await context.wire.localContent(top.digest)) === undefined)
    return { is: 'pulled', content: shallow };
  const found = await walk(context, authorizer, top);
  if (found.is === 'ending') {
    const { ending } = found;
    const heldBack = ending.is === 'undetermined' && ending.fault.code === 'agent.spends_quota';
    return heldBack && isMetered(context, resolved.route) ? { is: 'pulled', content: shallow } : ending;
  }
  if (found.is === 'leaf') return notAManifest(context, authorizer, top);
  const { manifest, chosen } = found;
  const blobs = await fetchBlobs(context, authorizer, manifest);
  if (!blobs.ok) return failed(blobs.trouble, wrapFetch(context, blobs.trouble));
  const flaw = unpackFlaw(context, { top, chosen, manifest, blobs: blobs.value });
  if (flaw !== undefined) return failed(flaw, flaw.errorText);
  const bytes = manifest.config.size + manifest.layers.reduce((sum, layer) => sum + layer.size, 0);
  const content: Content = {
    ...shallow,
    ...(chosen.platform === undefined ? {} : { platform: chosen.platform }),
    ...(found.offered === undefined ? {} : { offered: found.offered.slice(0, mostOffered) }),
    layers: manifest.layers.length,
    bytes,
    ...(await missingOf(context, manifest)),
    blobHosts: blobs.value.hosts,
    depth: blobs.value.verified ? 'blobs_verified' : 'blobs_sampled',
  };
  return { is: 'pulled', content };
}

type Walked =
  | {
      readonly is: 'found';
      readonly manifest: ImageManifest;
      readonly chosen: Descriptor;
      readonly offered?: readonly string[];
    }
  /** Nothing to unpack: an entry of an index that is no image. */
  | { readonly is: 'leaf' }
  | { readonly is: 'ending'; readonly ending: Ending };

/** From the top descriptor down to the one image manifest for this node. */
async function walk(context: AttemptContext, authorizer: Authorizer, top: Descriptor, depth = 0): Promise<Walked> {
  if (top.flaw !== undefined) return flawed(context, top, top.flaw);
  if (kindOfMediaType(top.mediaType) === 'other') return asLeaf(context, authorizer, top);
  const fetched = await fetchManifest(context, authorizer, top);
  if (!fetched.ok) return { is: 'ending', ending: failed(fetched.trouble, wrapFetch(context, fetched.trouble)) };
  const read = readManifest(Buffer.from(fetched.value.body).toString('utf8'), top.mediaType, {
    digest: top.digest,
    host: fetched.value.host,
  });
  if (!read.ok) return malformed(context, read.fault, { digest: top.digest, host: fetched.value.host });
  const manifest = read.value;
  switch (manifest.kind) {
    case 'image':
      return { is: 'found', manifest, chosen: top };
    case 'index':
      return depth > 4
        ? malformed(
            context,
            { code: 'manifest.malformed', digest: top.digest, host: '', why: 'indexes within indexes' },
            { digest: top.digest, host: '' },
          )
        : descend(context, authorizer, { index: manifest, top, depth });
    case 'schema1':
      return { is: 'ending', ending: convertedSchema1(context, fetched.value.body, top) };
    case 'other':
      return malformed(
        context,
        { code: 'manifest.unsupported', mediaType: top.mediaType, host: fetched.value.host },
        { digest: top.digest, host: fetched.value.host },
      );
  }
}

/** What is no manifest is fetched as a blob and not looked into (handlers.go childrenHandler). */
async function asLeaf(context: AttemptContext, authorizer: Authorizer, top: Descriptor): Promise<Walked> {
  const fetched = await fetchBlob(context, authorizer, top, { act: 'layer', again: false });
  if (fetched.ok) return { is: 'leaf' };
  return { is: 'ending', ending: failed(fetched.trouble, wrapFetch(context, fetched.trouble)) };
}

/** A descriptor that no request is made for: its digest is none, or its size cannot be. */
function flawed(context: AttemptContext, { digest }: Descriptor, why: string): Walked {
  const errorText: ErrorText = {
    text: why,
    ...(why.endsWith(': invalid argument') ? { code: 'InvalidArgument' } : {}),
  };
  const fault: Fault = { code: 'manifest.malformed', digest, host: '', why };
  return { is: 'ending', ending: failed({ fault, errorText }, pullFailed(context.plan.image.runtime, errorText)) };
}

async function descend(
  context: AttemptContext,
  authorizer: Authorizer,
  at: { readonly index: ImageIndex; readonly top: Descriptor; readonly depth: number },
): Promise<Walked> {
  const { platform, engine } = context.plan;
  const children = childrenFor(at.index, matcherFor(platform, engine.platforms, engine.osFeatures), engine.platforms);
  let result: Extract<Walked, { readonly is: 'found' }> | undefined;
  for (const child of children) {
    const walked = await walk(context, authorizer, child, at.depth + 1);
    if (walked.is === 'ending') return walked;
    if (walked.is === 'found') result ??= walked;
  }
  if (result !== undefined) return { ...result, offered: offered(at.index) };
  const fault: Fault = {
    code: 'manifest.no_platform',
    platform: formatPlatform(platform),
    offered: offered(at.index),
    digest: at.top.digest,
  };
  const errorText = nothingFits(context, at);
  return { is: 'ending', ending: failed({ fault, errorText }, errorText) };
}

/** The transfer service fetches exact builds only, and afterwards looks for any that would run (client GetImage). */
function nothingFits(
  { plan: { platform, engine, image } }: AttemptContext,
  { index, top }: { readonly index: ImageIndex; readonly top: Descriptor },
): ErrorText {
  const code = 'NotFound';
  if (engine.kind === 'local')
    return pullFailed(image.runtime, { text: 'no match for platform in manifest: not found', code });
  const [runs] = childrenFor(index, matcherFor(platform, 'compatible', engine.osFeatures), 'compatible');
  const why = runs === undefined ? `no match for platform in manifest ${top.digest}` : `content digest ${runs.digest}`;
  return { text: `get image config descriptor: ${why}: not found`, code };
}

function malformed(
  context: AttemptContext,
  fault: Fault,
  at: { readonly digest: string; readonly host: string },
): Walked {
  const placed: Fault = fault.code === 'manifest.malformed' ? { ...fault, digest: at.digest, host: at.host } : fault;
  const why = fault.code === 'manifest.malformed' ? fault.why : fault.code;
  const text = isOfMediaType(why) ? `children: invalid desc ${at.digest}: ${why}` : why;
  const errorText: ErrorText = { text, ...(why.endsWith(': invalid argument') ? { code: 'InvalidArgument' } : {}) };
  return {
    is: 'ending',
    ending: failed({ fault: placed, errorText }, pullFailed(context.plan.image.runtime, errorText)),
  };
}

/** Complaints of validateMediaType, the first to decode a manifest (images/image.go Children). */
function isOfMediaType(why: string): boolean {
  return /^(?:media-type: |invalid character |unexpected end of JSON input|json: .*\bunknownDocument\b)/.test(why);
}
