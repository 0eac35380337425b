/**
 * Manifests and indexes as the runtime reads them, and the entries of an index that it would fetch.
 *
 * Imitates containerd v2.1.9 core/images/image.go (validateMediaType, Children), handlers.go (FilterPlatforms, LimitManifests),
 * core/remotes/handlers.go (Fetch) and core/transfer/image/imagestore.go (ImageFilter) over Go's encoding/json.
 */
import type { Fault } from './fault.ts';
import type { GoJson } from './go-json.ts';
import { fieldValues, readGoJson } from './go-json.ts';
import { readDigest } from './image.ts';
import type { Outcome } from './outcome.ts';
import { bad, good } from './outcome.ts';
import type { Platform, PlatformMatcher, PlatformRule } from './platform.ts';
import { formatPlatform, normalise } from './platform.ts';

export interface Descriptor {
  readonly mediaType: string;
  /** As written; `flaw` says where it is none. */
  readonly digest: string;
  readonly size: number;
  /** Where a foreign layer lives, tried before the registry. */
  readonly urls: readonly string[];
  readonly platform?: Platform;
  /** Why fetching it fails before any request, in the runtime's words. Counts only where it is fetched. */
  readonly flaw?: string;
}

export interface ImageIndex {
  readonly kind: 'index';
  readonly children: readonly Descriptor[];
}
export type Manifest =
  | ImageIndex
  | { readonly kind: 'image'; readonly config: Descriptor; readonly layers: readonly Descriptor[] }
  /** Docker's first format: refused by containerd 2.1 and later, converted by those before. */
  | { readonly kind: 'schema1' }
  /** Anything else: fetched as a leaf and not looked into; the pull fails later for want of an image. */
  | { readonly kind: 'other' };

/** Where the text came from, for the fault. */
export interface ManifestOrigin {
  readonly digest: string;
  readonly host: string;
}

const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
const indexTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
const schema1Type = 'application/vnd.docker.distribution.manifest.v1+prettyjws';

/** The runtime has no such bounds; beyond them a manifest is an attack, and its 4 MiB hold no honest one. */
const maxEntries = 10_000;
const maxUrls = 100;
const maxOffered = 100;

/** What a descriptor of this media type is to the runtime. Parameters such as `; charset=utf-8` make it something else. */
export function kindOfMediaType(mediaType: string): Manifest['kind'] {
  if (manifestTypes.includes(mediaType)) return 'image';
  if (indexTypes.includes(mediaType)) return 'index';
  return mediaType === schema1Type ? 'schema1' : 'other';
}

/** The media type of a resolved manifest (resolver.go getManifestMediaType): plain text is taken for schema 1. */
export function manifestMediaType(contentType: string | undefined): string {
  const [mediaType = ''] = (contentType ?? '').split(';', 1);
  return mediaType === 'text/plain' ? schema1Type : mediaType;
}

export function readManifest(
  text: string,
  mediaType: string,
  origin: ManifestOrigin = { digest: '', host: '' },
): Outcome<Manifest> {
  const kind = kindOfMediaType(mediaType);
  if (kind === 'schema1' || kind === 'other') return good({ kind });
  const malformed = (why: string): Fault => ({ code: 'manifest.malformed', ...origin, why });
  const json = readGoJson(text);
  if (!json.ok) return bad(malformed(json.why));
  const disagreement = disagreementOf(json.value, kind, mediaType);
  if (disagreement !== undefined) return bad(malformed(disagreement));
  const manifest = kind === 'index' ? readIndex(json.value) : readImage(json.value);
  return typeof manifest === 'string' ? bad(malformed(manifest)) : good(manifest);
}

/**
 * The entries that the runtime fetches, in its order. The in-process engine (`compatible`) takes the best one and prefers any
 * that names a platform; the transfer service (`exact`) takes all that fit or name none. An entry without a platform may still
 * turn out wrong by its configuration: the caller has to look. None: the fault is manifest.no_platform.
 */
export function childrenFor(index: ImageIndex, matcher: PlatformMatcher, rule: PlatformRule): readonly Descriptor[] {
  const fitting = index.children.filter(({ platform }) => platform === undefined || matcher.match(platform));
  if (rule === 'exact') return fitting;
  return fitting.toSorted((one, other) => comparePlatforms(one.platform, other.platform, matcher)).slice(0, 1);
}

/** The platforms that an index has builds for, without attestations (`unknown/unknown`), each once. */
export function offered(index: ImageIndex): readonly string[] {
  const names = index.children.flatMap(({ platform }) => {
    if (platform === undefined || platform.os === 'unknown' || platform.architecture === 'unknown') return [];
    return [formatPlatform(normalise(platform))];
  });
  return [...new Set(names)].slice(0, maxOffered);
}

function comparePlatforms(one: Platform | undefined, other: Platform | undefined, matcher: PlatformMatcher): number {
  if (one !== undefined && other !== undefined) return matcher.compare(one, other);
  return Number(one === undefined) - Number(other === undefined);
}

/** validateMediaType, after the checks of the document that it decodes into. A field that is null is there all the same. */
function disagreementOf(json: GoJson, kind: 'image' | 'index', mediaType: string): string | undefined {
  if (json.is !== 'object' && json.is !== 'null') {
    return `json: cannot unmarshal ${json.is} into Go value of type images.unknownDocument`;
  }
  const declared = fieldValues(json, 'mediaType');
  const wrong = declared.find((value) => value.is !== 'string' && value.is !== 'null');
  if (wrong !== undefined) {
    return `json: cannot unmarshal ${wrong.is} into Go struct field unknownDocument.mediaType of type string`;
  }
  if (has(json, 'fsLayers')) return 'media-type: schema 1 not supported';
  const own = kindOfMediaType(lastText(json, 'mediaType'));
  if (kind === 'image' && (has(json, 'manifests') || own === 'index')) {
    return `media-type: expected manifest but found index (${mediaType})`;
  }
  if (kind === 'index' && (has(json, 'config') || has(json, 'layers') || own === 'image')) {
    return `media-type: expected index but found manifest (${mediaType})`;
  }
  return undefined;
}

function readIndex(json: GoJson): ImageIndex | string {
  const children = readDescriptors(json, 'manifests');
  return typeof children === 'string' ? children : { kind: 'index', children };
}

function readImage(json: GoJson): Manifest | string {
  const config = readDescriptor(fieldValues(json, 'config').at(-1) ?? { is: 'null' }, 'Manifest.config');
  if (typeof config === 'string') return config;
  const layers = readDescriptors(json, 'layers');
  if (typeof layers === 'string') return layers;
  return [config, ...layers].find(({ flaw }) => flaw !== undefined)?.flaw ?? { kind: 'image', config, layers };
}

function readDescriptors(json: GoJson, field: 'manifests' | 'layers'): readonly Descriptor[] | string {
  const place = field === 'manifests' ? 'Index.manifests' : 'Manifest.layers';
  const list = fieldValues(json, field).at(-1);
  if (list === undefined || list.is === 'null') return [];
  if (list.is !== 'array') return mismatch(list, place, '[]v1.Descriptor');
  if (list.items.length > maxEntries) return `${field} has more than ${maxEntries} entries`;
  const descriptors: Descriptor[] = [];
  for (const item of list.items) {
    const descriptor = readDescriptor(item, place);
    if (typeof descriptor === 'string') return descriptor;
    descriptors.push(descriptor);
  }
  return descriptors;
}

/** Types are checked for the whole document, as in Go; what the values mean only where they are used. */
function readDescriptor(json: GoJson, place: string): Descriptor | string {
  if (json.is !== 'object' && json.is !== 'null') return mismatch(json, place, 'v1.Descriptor');
  const wrong = wrongType(json, place);
  if (wrong !== undefined) return wrong;
  const digest = lastText(json, 'digest');
  const size = readSize(fieldValues(json, 'size').at(-1));
  const urls = textsOf(json, 'urls').slice(0, maxUrls);
  const platform = fieldValues(json, 'platform').at(-1);
  const flaw = flawOf(digest, size);
  return {
    mediaType: lastText(json, 'mediaType'),
    digest,
    size,
    urls,
    ...(platform?.is === 'object' ? { platform: readPlatform(platform) } : {}),
    ...(flaw === undefined ? {} : { flaw }),
  };
}

const fieldTypes: readonly (readonly [field: string, is: GoJson['is'], goType: string])[] = [
  ['mediaType', 'string', 'string'],
  ['digest', 'string', 'digest.Digest'],
  ['size', 'number', 'int64'],
  ['urls', 'array', '[]string'],
  ['annotations', 'object', 'map[string]string'],
  ['platform', 'object', 'v1.Platform'],
];

function wrongType(json: GoJson, place: string): string | undefined {
  for (const [field, is, goType] of fieldTypes) {
    const wrong = fieldValues(json, field).find((value) => value.is !== is && value.is !== 'null');
    if (wrong !== undefined) return mismatch(wrong, `${place}.${field}`, goType);
  }
  const fraction = fieldValues(json, 'size').find((value) => value.is === 'number' && !/^-?\d{1,18}$/.test(value.text));
  if (fraction?.is !== 'number') return undefined;
  return `json: cannot unmarshal number ${fraction.text.slice(0, 40)} into Go struct field ${place}.size of type int64`;
}

function mismatch(json: GoJson, place: string, goType: string): string {
  return `json: cannot unmarshal ${json.is} into Go struct field ${place} of type ${goType}`;
}

function readSize(json: GoJson | undefined): number {
  return json?.is === 'number' ? Number(json.text) : 0;
}

/** The content store refuses what is no digest; remotes.Fetch refuses a size of zero. */
function flawOf(digest: string, size: number): string | undefined {
  const read = readDigest(digest);
  if (digest !== '' && !read.ok) return `cannot calculate blob path from invalid digest: ${read.why}: invalid argument`;
  if (size === 0) return `unable to fetch descriptor (${digest}) which reports content size of zero: invalid argument`;
  if (!read.ok) return read.why;
  return size < 0 ? `invalid size ${size} in ${digest}` : undefined;
}

function readPlatform(json: GoJson): Platform {
  const [variant, osVersion, osFeatures] = [
    lastText(json, 'variant'),
    lastText(json, 'os.version'),
    textsOf(json, 'os.features'),
  ];
  return {
    os: lastText(json, 'os'),
    architecture: lastText(json, 'architecture'),
    ...(variant === '' ? {} : { variant }),
    ...(osVersion === '' ? {} : { osVersion }),
    ...(osFeatures.length === 0 ? {} : { osFeatures }),
  };
}

function has(json: GoJson, field: string): boolean {
  return fieldValues(json, field).length > 0;
}

function lastText(json: GoJson, field: string): string {
  return fieldValues(json, field).reduce((text, value) => (value.is === 'string' ? value.value : text), '');
}

function textsOf(json: GoJson, field: string): readonly string[] {
  const list = fieldValues(json, field).at(-1);
  return list?.is === 'array' ? list.items.flatMap((item) => (item.is === 'string' ? [item.value] : [])) : [];
}
