/**
 * One descriptor of a manifest or index: OCI image-spec v1 Descriptor over Go's encoding/json, and why the runtime could not
 * fetch it. Imitates containerd v2.1.9 core/remotes/handlers.go (Fetch) and plugins/content/local/store.go (blobPath).
 */
import { fieldValues, type GoJson, lastText, mismatch } from '#go/json.ts';
import { readDigest } from './reference.ts';
import type { Platform } from './platform.ts';

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

/** The runtime has no such bound; no honest layer lives at more places. */
const maxUrls = 100;

/** Types are checked for the whole document, as in Go; what the values mean only where they are used. */
export function readDescriptor(json: GoJson, place: string): Descriptor | string {
  if (json.is !== 'object' && json.is !== 'null') return mismatch(json, `Go struct field ${place}`, 'v1.Descriptor');
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
  ['platform', 'object', 'v1.Platform'],
];

function wrongType(json: GoJson, place: string): string | undefined {
  for (const [field, is, goType] of fieldTypes) {
    const wrong = fieldValues(json, field).find((value) => value.is !== is && value.is !== 'null');
    if (wrong !== undefined) return mismatch(wrong, `Go struct field ${place}.${field}`, goType);
  }
  const annotation = wrongAnnotation(json, place);
  if (annotation !== undefined) return annotation;
  const fraction = fieldValues(json, 'size').find((value) => value.is === 'number' && !/^-?\d{1,18}$/.test(value.text));
  if (fraction?.is !== 'number') return undefined;
  return `json: cannot unmarshal number ${fraction.text.slice(0, 40)} into Go struct field ${place}.size of type int64`;
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

function textsOf(json: GoJson, field: string): readonly string[] {
  const list = fieldValues(json, field).at(-1);
  return list?.is === 'array' ? list.items.flatMap((item) => (item.is === 'string' ? [item.value] : [])) : [];
}

export function wrongAnnotation(json: GoJson, place: string): string | undefined {
  const tables = fieldValues(json, 'annotations');
  const table = tables.find(({ is }) => is !== 'object' && is !== 'null');
  if (table !== undefined) return mismatch(table, `Go struct field ${place}.annotations`, 'map[string]string');
  const values = tables.flatMap((one) => (one.is === 'object' ? one.members.map(({ value }) => value) : []));
  const value = values.find(({ is }) => is !== 'string' && is !== 'null');
  return value === undefined ? undefined : mismatch(value, `Go struct field ${place}.annotations`, 'string');
}
