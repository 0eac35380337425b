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
import type { Content, Ending, Performance } from '#report/rehearsal.ts';
import { pullFailed, resolveFailed, type Wording } from '#runtime/containerd/error-texts.ts';
import { Authorizer } from './authorizer.ts';
import { fetchBlobs, type ImageManifest } from './blobs.ts';
import { failed, wrapFetch } from './ending.ts';
import { fetchBlob, fetchManifest } from './fetch.ts';
import { convertedSchema1, emptyContent, notAManifest, quotaUsedUp, schema1Refused } from './odd-content.ts';
import { isMetered } from '#runtime/attempt/metered.ts';
import { missingOf } from './missing-layers.ts';
import { resolve } from './resolve.ts';
import type { Resolved } from './resolve-ending.ts';
import type { Scene } from '#runtime/attempt/context.ts';
import { askerOf, placeOf } from './short-cut.ts';
import { unpackFlaw } from './unpack.ts';

/** Platforms that are kept in a report; no honest image has more. */
const mostOffered = 32;

export async function perform(scene: Scene): Promise<Performance> {
  const ending = await pull(scene);
  return { as: scene.identity.label, exchanges: scene.exchanges, ending };
}

async function pull(scene: Scene): Promise<Ending> {
  const { image, engine } = scene.plan;
  if (image.registry.startsWith('[') && !engine.takesIpv6Registries) return unreadable(image);
  const authorizer = new Authorizer(scene);
  const resolved = await resolve(scene, authorizer);
  if (resolved.is === 'failed')
    return failed(resolved.trouble, resolveFailed(image.runtime, resolved.trouble.words, engine));
  if (resolved.is === 'held_back') return { is: 'untold', fault: resolved.fault, stage: 'manifest' };
  remember(scene, resolved.value);
  return fetchAll(scene, authorizer, resolved.value);
}

/** The kubelet reads the reference, and its runtime does not (pkg/cri/server/image_pull.go PullImage). */
function unreadable({ written, sent }: Image): Ending {
  const why = 'invalid reference format';
  const words: Wording = { text: `failed to parse image reference ${goQuote(sent)}: ${why}` };
  return failed({ fault: { code: 'image.malformed', image: written, why }, words }, words);
}

function remember(scene: Scene, { digest, mediaType, size, etag, route, shown }: Resolved): void {
  const at = scene.routes[route];
  const { image } = scene.plan;
  if (at === undefined || image.digest !== undefined) return;
  const tagged = { digest, mediaType, size, ...(etag === undefined ? {} : { etag }) };
  const nowMs = scene.wire.elapsedMs();
  scene.wire.memory.tags.keep({ place: placeOf(at), ...askerOf(scene) }, tagged, { shown, nowMs });
}

async function fetchAll(scene: Scene, authorizer: Authorizer, resolved: Resolved): Promise<Ending> {
  const { engine } = scene.plan;
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
  const usedUp = quotaUsedUp(scene, resolved);
  if (usedUp !== undefined) return usedUp;
  if (kindOfMediaType(resolved.mediaType) === 'schema1' && !engine.convertsSchema1)
    return schema1Refused(scene, resolved);
  if (resolved.size === 0) return emptyContent(scene, top);
  if (kindOfMediaType(top.mediaType) === 'other') return notAManifest(scene, authorizer, top);
  if (isMetered(scene, resolved.route) && (await scene.wire.localContent(top.digest)) === undefined)
    return { is: 'pulled', content: shallow };
  const found = await walk(scene, authorizer, top);
  if (found.is === 'ending') {
    const { ending } = found;
    const heldBack = ending.is === 'untold' && ending.fault.code === 'agent.spends_quota';
    return heldBack && isMetered(scene, resolved.route) ? { is: 'pulled', content: shallow } : ending;
  }
  if (found.is === 'leaf') return notAManifest(scene, authorizer, top);
  const { manifest, chosen } = found;
  const blobs = await fetchBlobs(scene, authorizer, manifest);
  if (!blobs.ok) return failed(blobs.trouble, wrapFetch(scene, blobs.trouble));
  const flaw = unpackFlaw(scene, { top, chosen, manifest, blobs: blobs.value });
  if (flaw !== undefined) return failed(flaw, flaw.words);
  const bytes = manifest.config.size + manifest.layers.reduce((sum, layer) => sum + layer.size, 0);
  const content: Content = {
    ...shallow,
    ...(chosen.platform === undefined ? {} : { platform: chosen.platform }),
    ...(found.offered === undefined ? {} : { offered: found.offered.slice(0, mostOffered) }),
    layers: manifest.layers.length,
    bytes,
    ...(await missingOf(scene, manifest)),
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
async function walk(scene: Scene, authorizer: Authorizer, top: Descriptor, depth = 0): Promise<Walked> {
  if (top.flaw !== undefined) return flawed(scene, top, top.flaw);
  if (kindOfMediaType(top.mediaType) === 'other') return asLeaf(scene, authorizer, top);
  const fetched = await fetchManifest(scene, authorizer, top);
  if (!fetched.ok) return { is: 'ending', ending: failed(fetched.trouble, wrapFetch(scene, fetched.trouble)) };
  const read = readManifest(Buffer.from(fetched.value.body).toString('utf8'), top.mediaType, {
    digest: top.digest,
    host: fetched.value.host,
  });
  if (!read.ok) return malformed(scene, read.fault, { digest: top.digest, host: fetched.value.host });
  const manifest = read.value;
  switch (manifest.kind) {
    case 'image':
      return { is: 'found', manifest, chosen: top };
    case 'index':
      return depth > 4
        ? malformed(
            scene,
            { code: 'manifest.malformed', digest: top.digest, host: '', why: 'indexes within indexes' },
            { digest: top.digest, host: '' },
          )
        : descend(scene, authorizer, { index: manifest, top, depth });
    case 'schema1':
      return { is: 'ending', ending: convertedSchema1(scene, fetched.value.body, top) };
    case 'other':
      return malformed(
        scene,
        { code: 'manifest.unsupported', mediaType: top.mediaType, host: fetched.value.host },
        { digest: top.digest, host: fetched.value.host },
      );
  }
}

/** What is no manifest is fetched as a blob and not looked into (handlers.go childrenHandler). */
async function asLeaf(scene: Scene, authorizer: Authorizer, top: Descriptor): Promise<Walked> {
  const fetched = await fetchBlob(scene, authorizer, top, { act: 'layer', again: false });
  if (fetched.ok) return { is: 'leaf' };
  return { is: 'ending', ending: failed(fetched.trouble, wrapFetch(scene, fetched.trouble)) };
}

/** A descriptor that no request is made for: its digest is none, or its size cannot be. */
function flawed(scene: Scene, { digest }: Descriptor, why: string): Walked {
  const words: Wording = { text: why, ...(why.endsWith(': invalid argument') ? { code: 'InvalidArgument' } : {}) };
  const fault: Fault = { code: 'manifest.malformed', digest, host: '', why };
  return { is: 'ending', ending: failed({ fault, words }, pullFailed(scene.plan.image.runtime, words)) };
}

async function descend(
  scene: Scene,
  authorizer: Authorizer,
  at: { readonly index: ImageIndex; readonly top: Descriptor; readonly depth: number },
): Promise<Walked> {
  const { platform, engine } = scene.plan;
  const children = childrenFor(at.index, matcherFor(platform, engine.platforms, engine.osFeatures), engine.platforms);
  let result: Extract<Walked, { readonly is: 'found' }> | undefined;
  for (const child of children) {
    const walked = await walk(scene, authorizer, child, at.depth + 1);
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
  const words = nothingFits(scene, at);
  return { is: 'ending', ending: failed({ fault, words }, words) };
}

/** The transfer service fetches exact builds only, and afterwards looks for any that would run (client GetImage). */
function nothingFits(
  { plan: { platform, engine, image } }: Scene,
  { index, top }: { readonly index: ImageIndex; readonly top: Descriptor },
): Wording {
  const code = 'NotFound';
  if (engine.kind === 'local')
    return pullFailed(image.runtime, { text: 'no match for platform in manifest: not found', code });
  const [runs] = childrenFor(index, matcherFor(platform, 'compatible', engine.osFeatures), 'compatible');
  const why = runs === undefined ? `no match for platform in manifest ${top.digest}` : `content digest ${runs.digest}`;
  return { text: `get image config descriptor: ${why}: not found`, code };
}

function malformed(scene: Scene, fault: Fault, at: { readonly digest: string; readonly host: string }): Walked {
  const placed: Fault = fault.code === 'manifest.malformed' ? { ...fault, digest: at.digest, host: at.host } : fault;
  const why = fault.code === 'manifest.malformed' ? fault.why : fault.code;
  const text = isOfMediaType(why) ? `children: invalid desc ${at.digest}: ${why}` : why;
  const words: Wording = { text, ...(why.endsWith(': invalid argument') ? { code: 'InvalidArgument' } : {}) };
  return {
    is: 'ending',
    ending: failed({ fault: placed, words }, pullFailed(scene.plan.image.runtime, words)),
  };
}

/** Complaints of validateMediaType, the first to decode a manifest (images/image.go Children). */
function isOfMediaType(why: string): boolean {
  return /^(?:media-type: |invalid character |unexpected end of JSON input|json: .*\bunknownDocument\b)/.test(why);
}
