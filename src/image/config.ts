/**
 * An image's configuration, as far as it decides whether the image can be unpacked: OCI image-spec v1 Image over encoding/json,
 * as containerd reads it (core/unpack/unpacker.go unpack, core/images/image.go RootFS and ConfigPlatform).
 */
import { fieldValues, readGoJson, type GoJson, lastText, mismatch } from '#go/json.ts';
import { isRfc3339 } from '#go/time.ts';
import type { Platform } from './platform.ts';

export interface ImageConfig {
  readonly platform: Platform;
  /** `rootfs.type`; empty where none is written. */
  readonly rootfsType: string;
  /** The digest of each layer's archive. */
  readonly diffIds: readonly string[];
}

export type ImageConfigRead =
  { readonly ok: true; readonly value: ImageConfig } | { readonly ok: false; readonly why: string };

const types: readonly (readonly [field: string, is: GoJson['is'], goType: string])[] = [
  ['author', 'string', 'string'],
  ['architecture', 'string', 'string'],
  ['variant', 'string', 'string'],
  ['os', 'string', 'string'],
  ['os.version', 'string', 'string'],
  ['os.features', 'array', '[]string'],
  ['config', 'object', 'v1.ImageConfig'],
  ['rootfs', 'object', 'v1.RootFS'],
  ['history', 'array', '[]v1.History'],
];

export function readImageConfig(text: string): ImageConfigRead {
  const json = readGoJson(text);
  if (!json.ok) return json;
  const why = whyNone(json.value);
  if (why !== undefined) return { ok: false, why };
  const rootfs = fieldValues(json.value, 'rootfs').at(-1) ?? { is: 'null' };
  const [os, architecture, variant] = ['os', 'architecture', 'variant'].map((name) => lastText(json.value, name));
  const platform: Platform = {
    os: os ?? '',
    architecture: architecture ?? '',
    ...(variant === undefined || variant === '' ? {} : { variant }),
  };
  return { ok: true, value: { platform, rootfsType: lastText(rootfs, 'type'), diffIds: diffIdsOf(rootfs) } };
}

function whyNone(json: GoJson): string | undefined {
  if (json.is === 'null') return undefined;
  if (json.is !== 'object') return mismatch(json, 'Go value', 'v1.Image');
  for (const [field, is, goType] of types) {
    const wrong = fieldValues(json, field).find((value) => value.is !== is && value.is !== 'null');
    if (wrong !== undefined) return mismatch(wrong, `Go struct field Image.${field}`, goType);
  }
  const created = fieldValues(json, 'created').find(({ is }) => is !== 'null');
  if (created !== undefined && created.is !== 'string') return 'Time.UnmarshalJSON: input is not a JSON string';
  if (created?.is === 'string' && !isRfc3339(created.value)) return 'its "created" is no RFC 3339 time';
  const diffIds = fieldValues(json, 'rootfs').flatMap((rootfs) => fieldValues(rootfs, 'diff_ids'));
  const list = diffIds.find(({ is }) => is !== 'array' && is !== 'null');
  if (list !== undefined) return mismatch(list, 'Go struct field RootFS.rootfs.diff_ids', '[]digest.Digest');
  const items = diffIds.flatMap((value) => (value.is === 'array' ? value.items : []));
  const item = items.find(({ is }) => is !== 'string' && is !== 'null');
  return item === undefined ? undefined : mismatch(item, 'Go struct field RootFS.rootfs.diff_ids', 'digest.Digest');
}

function diffIdsOf(rootfs: GoJson): readonly string[] {
  const list = fieldValues(rootfs, 'diff_ids').at(-1);
  return list?.is === 'array' ? list.items.map((item) => (item.is === 'string' ? item.value : '')) : [];
}

/** null leaves a Go string as it is. */
