/**
 * Whether what was fetched can be unpacked: the configuration held against the manifest, and small layers against the
 * configuration. Imitates containerd core/unpack/unpacker.go (unpack), client/image.go (Unpack, getLayers), core/images/image.go
 * (Manifest) and core/diff/apply, v1.6.20 to v2.3.4. What the layers' archives hold is not looked at.
 */
import type { Engine } from '#runtime/containerd/versions.ts';
import type { Fault } from '#report/fault.ts';
import { readImageConfig, type ImageConfig } from '#image/config.ts';
import type { Descriptor } from '#image/manifest.ts';
import { compressionOf, isConfigType, isEncrypted, isLayerType } from '#image/media-type.ts';
import { formatPlatform, matcherFor, normalise } from '#image/platform.ts';
import { pullFailed, type ErrorText } from '#runtime/containerd/error-texts.ts';
import { unpack, type Unpacked } from '#registry/http/decode.ts';
import type { Blobs, ImageManifest } from './blobs.ts';
import { wrapFetch } from './ending.ts';
import { forgetBlob } from './fetch.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import type { Trouble } from '#runtime/attempt/trouble.ts';

export interface Fetched {
  readonly top: Descriptor;
  readonly chosen: Descriptor;
  readonly manifest: ImageManifest;
  readonly blobs: Blobs;
}

/** An archive that is larger is not unpacked to be hashed. */
const mostUnpacked = 8 << 20;

/** The trouble with its words as the CRI error has them. */
export function unpackFlaw(context: AttemptContext, fetched: Fetched): Trouble | undefined {
  const { manifest, blobs } = fetched;
  const { engine } = context.plan;
  const late = blobs.missing === undefined ? undefined : worded(blobs.missing, wrapFetch(context, blobs.missing));
  if (blobs.config === undefined) return late;
  const read = readImageConfig(Buffer.from(blobs.config).toString('utf8'));
  const layers = manifest.layers.filter(({ mediaType }) => isLayerType(mediaType, engine));
  const isUnpacked = isConfigType(manifest.config.mediaType) && layers.length > 0;
  const at: Unpacking = { context, fetched, layers };
  if (!read.ok) return late === undefined || isUnpacked ? badConfig(at, isUnpacked, read.why) : late;
  if (!isUnpacked) return late ?? unknownConfig(at, read.value) ?? wrongPlatform(at, read.value);
  const { diffIds } = read.value;
  if (diffIds.length !== layers.length) {
    const why = `number of layers and diffIDs don't match: ${layers.length} != ${diffIds.length}`;
    return malformed(at, why, pullFailed(context.plan.image.runtime, { text: why }));
  }
  return late ?? brokenLayer(at, read.value) ?? wrongPlatform(at, read.value);
}

interface Unpacking {
  readonly context: AttemptContext;
  readonly fetched: Fetched;
  /** What is a layer by its type. */
  readonly layers: readonly Descriptor[];
}

function worded(trouble: Trouble, errorText: ErrorText): Trouble {
  return { ...trouble, errorText };
}

function malformed({ fetched }: Unpacking, why: string, errorText: ErrorText): Trouble {
  return {
    fault: { code: 'manifest.malformed', digest: fetched.manifest.config.digest, host: hostOf(fetched), why },
    errorText,
  };
}

function unsupported({ fetched }: Unpacking, mediaType: string, errorText: ErrorText): Trouble {
  return { fault: { code: 'manifest.unsupported', mediaType, host: hostOf(fetched) }, errorText };
}

function hostOf({ blobs }: Fetched): string {
  return blobs.hosts[0] ?? '';
}

/** client/image.go Unpack, which the in-process engine goes on to where nothing was unpacked. */
function unpackFailed({ context }: Unpacking, errorText: ErrorText): ErrorText {
  const text = `failed to unpack image on snapshotter overlayfs: ${errorText.text}`;
  return pullFailed(context.plan.image.runtime, { ...errorText, text });
}

function badConfig(at: Unpacking, isUnpacked: boolean, why: string): Trouble {
  const { plan } = at.context;
  if (isUnpacked) return malformed(at, why, pullFailed(plan.image.runtime, { text: `unmarshal image config: ${why}` }));
  if (plan.engine.kind === 'local')
    return malformed(at, why, unpackFailed(at, { text: `failed to resolve rootfs: ${why}` }));
  const id = at.fetched.manifest.config.digest;
  const text = `failed to update image store "${id}": get image info from containerd: get image diffIDs: ${why}`;
  return malformed(at, why, { text });
}

/** No configuration that the runtime knows, or no layer: the transfer service has nothing to unpack then and is content. */
function unknownConfig(at: Unpacking, config: ImageConfig): Trouble | undefined {
  const { context, fetched, layers } = at;
  const { engine } = context.plan;
  if (engine.kind === 'transfer') return undefined;
  const { manifest } = fetched;
  const mismatch = wrongPlatform(at, config);
  if (mismatch !== undefined) {
    const text = mismatch.errorText.text.replace(/^get image config descriptor: /, '');
    return worded(mismatch, unpackFailed(at, { ...mismatch.errorText, text }));
  }
  const wanted = engine.unpacksLayerTypesOnly ? layers : manifest.layers;
  if (config.diffIds.length !== wanted.length) {
    const errorText = unpackFailed(at, { text: 'mismatched image rootfs and manifest layers' });
    return unsupported(at, foreignType(at), errorText);
  }
  for (const [i, layer] of wanted.entries()) {
    const why = whyNotApplied(at, layer);
    if (why === undefined) continue;
    const text = `failed to extract layer ${config.diffIds[i] ?? ''}: ${why.text}`;
    return unsupported(at, foreignType(at), unpackFailed(at, { ...why, text }));
  }
  return undefined;
}

/** The media type that makes it no image. */
function foreignType({ fetched: { manifest }, context }: Unpacking): string {
  const { config, layers } = manifest;
  if (!isConfigType(config.mediaType)) return config.mediaType;
  return layers.find(({ mediaType }) => !isLayerType(mediaType, context.plan.engine))?.mediaType ?? config.mediaType;
}

function whyNotApplied(at: Unpacking, { digest, mediaType }: Descriptor): ErrorText | undefined {
  if (at.layers.some((layer) => layer.digest === digest)) {
    const text = `failed to get reader from content store: content digest ${digest}: not found`;
    return { text, code: 'NotFound' };
  }
  if (compressionOf(mediaType, at.context.plan.engine) !== undefined) return undefined;
  return { text: `failed to get stream processor for ${mediaType}: no processor for media-type: unknown` };
}

/** Layers that were read whole, as far as they can be told from their bytes. */
function brokenLayer(at: Unpacking, config: ImageConfig): Trouble | undefined {
  const { context, fetched, layers } = at;
  const { engine, platform, image } = context.plan;
  const suits = matcherFor(platform, 'compatible', engine.osFeatures).match(normalise(config.platform));
  if (engine.kind === 'transfer' && !suits) return undefined;
  if (engine.checksRootfsType && config.rootfsType !== '' && config.rootfsType !== 'layers') return undefined;
  for (const [i, { digest, mediaType }] of layers.entries()) {
    if (isEncrypted(mediaType)) return undecryptable(mediaType);
    const diffId = config.diffIds[i] ?? '';
    const compression = compressionOf(mediaType, engine);
    if (compression === undefined) {
      const text = `failed to get stream processor for ${mediaType}: no processor for media-type`;
      return unsupported(
        at,
        mediaType,
        pullFailed(image.runtime, { text: `failed to extract layer ${diffId}: ${text}` }),
      );
    }
    const body = fetched.blobs.layers.get(digest);
    const unpacked = body === undefined ? undefined : unpack(body, compression, mostUnpacked);
    if (unpacked === undefined || (unpacked.is === 'archive' && unpacked.digest === diffId)) continue;
    forgetBlob(context, digest);
    const got = unpacked.is === 'archive' ? `an archive of ${unpacked.digest}` : unpacked.why;
    const fault: Fault = { code: 'blob.digest_mismatch', digest, host: hostOf(fetched), got };
    return { fault, errorText: pullFailed(image.runtime, { text: wrongDiffId(engine, { diffId, digest, unpacked }) }) };
  }
  return undefined;
}

function wrongDiffId(
  engine: Engine,
  { diffId, digest, unpacked }: { readonly diffId: string; readonly digest: string; readonly unpacked: Unpacked },
): string {
  if (engine.texts.wrongDiffId === 'bare' || unpacked.is === 'broken')
    return `wrong diff id calculated on extraction "${diffId}"`;
  return `wrong diff id "${unpacked.digest}" calculated on extraction "${diffId}", desc "${digest}"`;
}

function undecryptable(mediaType: string): Trouble {
  const what = `whether this node can decrypt ${mediaType}`;
  const fault: Fault = { code: 'agent.cannot_see', what, why: 'its keys are not looked at' };
  return { fault, errorText: { text: '' } };
}

/** An entry of an index that names no platform is judged by its configuration (images.Manifest), after all else. */
function wrongPlatform({ context, fetched }: Unpacking, config: ImageConfig): Trouble | undefined {
  const { top, chosen } = fetched;
  const { platform, engine } = context.plan;
  if (chosen.digest === top.digest || chosen.platform !== undefined) return undefined;
  if (matcherFor(platform, 'compatible', engine.osFeatures).match(normalise(config.platform))) return undefined;
  const is = formatPlatform(normalise(config.platform));
  const fault: Fault = {
    code: 'manifest.no_platform',
    platform: formatPlatform(platform),
    offered: [is],
    digest: top.digest,
  };
  const text = `get image config descriptor: no match for platform in manifest ${top.digest}: not found`;
  return { fault, errorText: { text, code: 'NotFound' } };
}
