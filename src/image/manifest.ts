/**
 * Manifests and indexes as the runtime reads them, and the entries of an index that it would fetch.
 *
 * Imitates containerd v2.1.9 core/images/image.go (validateMediaType, Children), handlers.go (FilterPlatforms, LimitManifests),
 * core/remotes/handlers.go (Fetch) and core/transfer/image/imagestore.go (ImageFilter) over Go's encoding/json.
 */
import { readDescriptor, wrongAnnotation, type Descriptor } from './descriptor.ts';
import type { Fault } from '#report/fault.ts';
import type { GoJson } from '#go/json.ts';
import { fieldValues, readGoJson } from '#go/json.ts';
import { lastText, mismatch } from '#go/json.ts';
import type { Outcome } from '#report/outcome.ts';
import { bad, good } from '#report/outcome.ts';
import type { Platform, PlatformMatcher, PlatformRule } from './platform.ts';
import { formatPlatform, normalise } from './platform.ts';

export type { Descriptor };

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

/** What Go refuses in a document itself: the fields that the runtime never looks at must be of their types, too. */
function wrongInDocument(json: GoJson, type: 'Index' | 'Manifest'): string | undefined {
  const version = fieldValues(json, 'schemaVersion').find(({ is }) => is !== 'number' && is !== 'null');
  if (version !== undefined) return mismatch(version, `Go struct field ${type}.schemaVersion`, 'int');
  return wrongAnnotation(json, type);
}

function readIndex(json: GoJson): ImageIndex | string {
  const wrong = wrongInDocument(json, 'Index');
  if (wrong !== undefined) return wrong;
  const children = readDescriptors(json, 'manifests');
  return typeof children === 'string' ? children : { kind: 'index', children };
}

function readImage(json: GoJson): Manifest | string {
  const wrong = wrongInDocument(json, 'Manifest');
  if (wrong !== undefined) return wrong;
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
  if (list.is !== 'array') return mismatch(list, `Go struct field ${place}`, '[]v1.Descriptor');
  if (list.items.length > maxEntries) return `${field} has more than ${maxEntries} entries`;
  const descriptors: Descriptor[] = [];
  for (const item of list.items) {
    const descriptor = readDescriptor(item, place);
    if (typeof descriptor === 'string') return descriptor;
    descriptors.push(descriptor);
  }
  return descriptors;
}

function has(json: GoJson, field: string): boolean {
  return fieldValues(json, field).length > 0;
}
