/** Images of the kit's, made into what they should not be: their JSON rewritten, under the digests that it then has. */
import { stored, type BuiltImage, type Stored } from './image.ts';

export interface Described {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}
export interface ManifestJson {
  readonly config: Described;
  readonly layers: readonly Described[];
}
export interface ConfigJson {
  readonly os: string;
  readonly architecture: string;
  readonly rootfs: { readonly type: string; readonly diff_ids: readonly string[] };
}
export interface IndexJson {
  readonly manifests: readonly (Described & { readonly platform?: unknown })[];
}

/** The one manifest that the tag points at, rewritten; `blobs` are stored beside it. */
export function withManifest(
  built: BuiltImage,
  rewrite: (json: ManifestJson) => object,
  blobs: readonly Stored[] = [],
): BuiltImage {
  const json = JSON.parse(built.top.bytes.toString()) as ManifestJson;
  const top = stored(built.top.mediaType, JSON.stringify(rewrite(json)));
  return { ...built, top, blobs: [...built.blobs, ...blobs] };
}

/** With another configuration: a text as it is, or JSON. */
export function withConfig(
  built: BuiltImage,
  rewrite: (json: ConfigJson) => object | string,
  mediaType?: string,
): BuiltImage {
  const { config } = built.manifests[0];
  const written = rewrite(JSON.parse(config.bytes.toString()) as ConfigJson);
  const made = stored(mediaType ?? config.mediaType, typeof written === 'string' ? written : JSON.stringify(written));
  return withManifest(built, (json) => ({ ...json, config: described(made) }), [made]);
}

/** Layers whose descriptors say where they lie as well. */
export function withLayersAt(built: BuiltImage, urls: (digest: string) => readonly string[]): BuiltImage {
  return withManifest(built, (json) => ({
    ...json,
    layers: json.layers.map((layer) => ({ ...layer, urls: urls(layer.digest) })),
  }));
}

/** Layers of another media type. */
export function withLayerType(built: BuiltImage, mediaType: string): BuiltImage {
  return withManifest(built, (json) => ({ ...json, layers: json.layers.map((layer) => ({ ...layer, mediaType })) }));
}

/** A Helm chart: neither its configuration nor its layer is of an image. */
export function chart(built: BuiltImage): BuiltImage {
  const json = (): object => ({ name: 'shop', version: '1.0.0', apiVersion: 'v2' });
  return withLayerType(
    withConfig(built, json, 'application/vnd.cncf.helm.config.v1+json'),
    'application/vnd.cncf.helm.chart.content.v1.tar+gzip',
  );
}

/** The index that the tag points at, rewritten. */
export function withIndex(built: BuiltImage, rewrite: (json: IndexJson) => object): BuiltImage {
  const json = JSON.parse(built.top.bytes.toString()) as IndexJson;
  return { ...built, top: stored(built.top.mediaType, JSON.stringify(rewrite(json))) };
}

/** Its entries name no platform. */
export function withoutPlatforms(built: BuiltImage): BuiltImage {
  return withIndex(built, ({ manifests, ...json }) => ({
    ...json,
    manifests: manifests.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  }));
}

function described({ mediaType, digest, bytes }: Stored): Described {
  return { mediaType, digest, size: bytes.length };
}
