import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ImageIndex, Manifest } from '#image/manifest.ts';
import { childrenFor, manifestMediaType, offered, readManifest } from '#image/manifest.ts';
import type { PlatformRule } from '#image/platform.ts';
import { matcherFor } from '#image/platform.ts';

const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
const ociIndex = 'application/vnd.oci.image.index.v1+json';
const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json';
const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json';
const schema1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
const digestOf = (n: number): string => `sha256:${n.toString(16).padStart(64, '0')}`;
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: digestOf(1), size: 10 };
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: digestOf(2), size: 20 };

function read(document: unknown, mediaType: string): Manifest | string {
  const manifest = readManifest(typeof document === 'string' ? document : JSON.stringify(document), mediaType);
  if (manifest.ok) return manifest.value;
  return manifest.fault.code === 'manifest.malformed' ? manifest.fault.why : manifest.fault.code;
}

/** An index of entries such as `linux/arm/v7`; the empty text names no platform. */
function indexOf(...platforms: readonly string[]): ImageIndex {
  const manifests = platforms.map((text, n) => {
    const [os, architecture, variant] = text.split('/');
    const platform = text === '' ? {} : { platform: { os, architecture, variant } };
    return { mediaType: ociManifest, digest: digestOf(n), size: 5, ...platform };
  });
  const index = read({ schemaVersion: 2, mediaType: ociIndex, manifests }, ociIndex);
  if (typeof index === 'string' || index.kind !== 'index') throw new Error('no index');
  return index;
}

describe('a manifest is read by its declared type (containerd core/images/image.go Children)', () => {
  test.each([ociManifest, dockerManifest])('%s is an image', (mediaType) => {
    expect(
      read({ schemaVersion: 2, mediaType, config, layers: [layer, { ...layer, urls: ['https://cdn/x'] }] }, mediaType),
    ).toEqual({
      kind: 'image',
      config: { ...config, urls: [] },
      layers: [
        { ...layer, urls: [] },
        { ...layer, urls: ['https://cdn/x'] },
      ],
    });
  });

  test.each([ociIndex, dockerList])('%s is an index', (mediaType) => {
    const manifests = [
      {
        mediaType: dockerManifest,
        digest: digestOf(3),
        size: 3,
        platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
      },
      { mediaType: ociIndex, digest: digestOf(4), size: 4 },
      {
        mediaType: ociManifest,
        digest: digestOf(5),
        size: 5,
        platform: { os: 'windows', architecture: 'amd64', 'os.version': '10.0', 'os.features': ['win32k'] },
      },
      { mediaType: ociManifest, digest: digestOf(6), size: 6, platform: null },
    ];
    expect(read({ manifests }, mediaType)).toEqual({
      kind: 'index',
      children: [
        { ...manifests[0], urls: [] },
        { ...manifests[1], urls: [] },
        {
          ...manifests[2],
          urls: [],
          platform: { os: 'windows', architecture: 'amd64', osVersion: '10.0', osFeatures: ['win32k'] },
        },
        { mediaType: ociManifest, digest: digestOf(6), size: 6, urls: [] },
      ],
    });
  });

  test('schema 1 and other types are not looked into', () => {
    expect(read('not even JSON', schema1)).toEqual({ kind: 'schema1' });
    expect(read('<html>', 'text/html')).toEqual({ kind: 'other' });
    expect(read({ config, layers: [layer] }, `${ociManifest}; charset=utf-8`)).toEqual({ kind: 'other' });
    expect(read({ config, layers: [layer] }, '')).toEqual({ kind: 'other' });
  });

  test.each([
    [`${ociManifest}; charset=utf-8`, ociManifest],
    [ociIndex, ociIndex],
    ['text/plain; charset=utf-8', schema1],
    ['text/html', 'text/html'],
    [undefined, ''],
  ])('a response of %s is taken for %s', (contentType, mediaType) => {
    expect(manifestMediaType(contentType)).toBe(mediaType);
  });

  test('an empty manifest has no configuration to fetch, an empty index no children', () => {
    const zero = 'unable to fetch descriptor () which reports content size of zero: invalid argument';
    expect(read('{}', ociManifest)).toBe(zero);
    expect(read('null', ociManifest)).toBe(zero);
    expect(read('{}', ociIndex)).toEqual({ kind: 'index', children: [] });
    expect(read({ manifests: [] }, ociIndex)).toEqual({ kind: 'index', children: [] });
  });

  test('keys match without regard to case, and the last of equal keys counts', () => {
    const text = `{"Config":{},"config":${JSON.stringify(config)},"LAYERS":[{"MEDIATYPE":"a","Digest":"${digestOf(2)}","SIZE":1,"size":2}]}`;
    expect(read(text, ociManifest)).toMatchObject({ kind: 'image', config, layers: [{ mediaType: 'a', size: 2 }] });
  });
});

describe('the document must agree with its declared type (validateMediaType)', () => {
  test.each([
    [{ manifests: [] }, ociManifest, `media-type: expected manifest but found index (${ociManifest})`],
    ['{"manifests":null}', dockerManifest, `media-type: expected manifest but found index (${dockerManifest})`],
    [
      { mediaType: dockerList, config, layers: [] },
      ociManifest,
      `media-type: expected manifest but found index (${ociManifest})`,
    ],
    [{ config }, ociIndex, `media-type: expected index but found manifest (${ociIndex})`],
    [{ layers: [] }, dockerList, `media-type: expected index but found manifest (${dockerList})`],
    [
      { mediaType: dockerManifest, manifests: [] },
      ociIndex,
      `media-type: expected index but found manifest (${ociIndex})`,
    ],
    [{ schemaVersion: 1, fsLayers: [], history: [] }, dockerManifest, 'media-type: schema 1 not supported'],
    [{ fslayers: [] }, ociIndex, 'media-type: schema 1 not supported'],
    ['', ociManifest, 'unexpected end of JSON input'],
    ['<html>', ociManifest, "invalid character '<' looking for beginning of value"],
    ['[]', ociManifest, 'json: cannot unmarshal array into Go value of type images.unknownDocument'],
    [
      '{"mediaType":5}',
      ociManifest,
      'json: cannot unmarshal number into Go struct field unknownDocument.mediaType of type string',
    ],
  ])('%j as %s', (document, mediaType, why) => {
    expect(read(document, mediaType)).toBe(why);
  });

  test('an OCI manifest may call itself a Docker one, and say nothing of its type', () => {
    expect(read({ mediaType: dockerManifest, config, layers: [] }, ociManifest)).toMatchObject({ kind: 'image' });
    expect(read({ config, layers: null }, ociManifest)).toMatchObject({ kind: 'image', layers: [] });
    expect(read({ mediaType: 'application/x', config, layers: [] }, ociManifest)).toMatchObject({ kind: 'image' });
  });
});

describe('what cannot be fetched is malformed', () => {
  const go = 'json: cannot unmarshal';
  test.each([
    [{ config: 'x', layers: [] }, `${go} string into Go struct field Manifest.config of type v1.Descriptor`],
    [{ config, layers: {} }, `${go} object into Go struct field Manifest.layers of type []v1.Descriptor`],
    [{ config, layers: [5] }, `${go} number into Go struct field Manifest.layers of type v1.Descriptor`],
    [
      { config, layers: [{ ...layer, size: '20' }] },
      `${go} string into Go struct field Manifest.layers.size of type int64`,
    ],
    [
      { config, layers: [{ ...layer, digest: 5 }] },
      `${go} number into Go struct field Manifest.layers.digest of type digest.Digest`,
    ],
    [
      { config, layers: [{ ...layer, urls: 'u' }] },
      `${go} string into Go struct field Manifest.layers.urls of type []string`,
    ],
    [
      { config, layers: [{ ...layer, size: 1.5 }] },
      `${go} number 1.5 into Go struct field Manifest.layers.size of type int64`,
    ],
    [
      { config, layers: [{ ...layer, size: 1e30 }] },
      `${go} number 1e+30 into Go struct field Manifest.layers.size of type int64`,
    ],
    [
      { config, layers: [{ ...layer, size: 0 }] },
      `unable to fetch descriptor (${digestOf(2)}) which reports content size of zero: invalid argument`,
    ],
    [{ config, layers: [{ ...layer, size: -1 }] }, `invalid size -1 in ${digestOf(2)}`],
    [{ config: { ...config, digest: '' }, layers: [] }, 'invalid checksum digest format'],
    [
      { config: { ...config, digest: 'sha256:../../x' }, layers: [] },
      'cannot calculate blob path from invalid digest: invalid checksum digest length: invalid argument',
    ],
    [{ config, layers: Array.from({ length: 10_001 }, () => layer) }, 'layers has more than 10000 entries'],
  ])('document %#', (document, why) => {
    expect(read(document, ociManifest)).toBe(why);
  });

  test('the fault says where the manifest came from', () => {
    expect(readManifest('', ociManifest, { digest: digestOf(9), host: 'reg.io' })).toEqual({
      ok: false,
      fault: { code: 'manifest.malformed', digest: digestOf(9), host: 'reg.io', why: 'unexpected end of JSON input' },
    });
  });

  test('a flaw in an entry of an index counts only where it is fetched', () => {
    const manifests = [{ mediaType: ociManifest, digest: 'x', size: 0 }];
    expect(read({ manifests }, ociIndex)).toMatchObject({
      kind: 'index',
      children: [
        { flaw: 'cannot calculate blob path from invalid digest: invalid checksum digest format: invalid argument' },
      ],
    });
  });
});

describe('the entries that are fetched (handlers.go FilterPlatforms, LimitManifests; imagestore.go ImageFilter)', () => {
  function chosen(node: string, rule: PlatformRule, ...platforms: readonly string[]): string {
    const [os = '', architecture = '', variant = ''] = node.split('/');
    const matcher = matcherFor({ os, architecture, variant }, rule);
    return childrenFor(indexOf(...platforms), matcher, rule)
      .map(({ digest }) => Number.parseInt(digest.slice(7), 16))
      .join(' ');
  }

  test.each([
    ['compatible', 'linux/amd64', ['linux/arm64', 'linux/amd64'], '1'],
    ['compatible', 'linux/amd64', ['linux/386', 'linux/amd64'], '1'],
    ['compatible', 'linux/amd64', ['linux/386', 'linux/arm64'], '0'],
    ['compatible', 'linux/amd64', ['linux/amd64', 'linux/amd64'], '0'],
    ['compatible', 'linux/amd64', ['', 'linux/386'], '1'],
    ['compatible', 'linux/amd64', ['', ''], '0'],
    ['compatible', 'linux/amd64', ['linux/arm64', ''], '1'],
    ['compatible', 'linux/amd64', ['linux/amd64/v2', 'linux/arm64'], ''],
    ['compatible', 'linux/arm64', ['linux/arm/v6', 'linux/arm/v7', 'linux/amd64'], '1'],
    ['compatible', 'linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6', 'linux/arm64'], '1'],
    ['compatible', 'linux/amd64', [], ''],
    ['exact', 'linux/amd64', ['linux/386', 'linux/amd64'], '1'],
    ['exact', 'linux/amd64', ['linux/386'], ''],
    ['exact', 'linux/amd64', ['linux/amd64', '', 'linux/amd64/v1', 'linux/arm64'], '0 1 2'],
    ['exact', 'linux/arm64', ['linux/arm/v7'], ''],
    // Attestations come along as unknown/unknown and are for nobody.
    ['compatible', 'linux/amd64', ['unknown/unknown', 'linux/amd64', 'unknown/unknown'], '1'],
    ['exact', 'linux/amd64', ['unknown/unknown', 'linux/amd64'], '1'],
    ['compatible', 'linux/amd64', ['unknown/unknown'], ''],
  ] as const)('%s on %s of %j: %s', (rule, node, platforms, expected) => {
    expect(chosen(node, rule, ...platforms)).toBe(expected);
  });
});

test('what an index offers is told without attestations, each platform once', () => {
  const index = indexOf(
    'linux/amd64',
    'linux/arm/v7',
    'unknown/unknown',
    '',
    'linux/x86_64',
    'linux/arm64/v8',
    'windows/amd64',
  );
  expect(offered(index)).toEqual(['linux/amd64', 'linux/arm/v7', 'linux/arm64', 'windows/amd64']);
});

test('reading never throws', () => {
  const types = fc.constantFrom(ociManifest, ociIndex, dockerManifest, dockerList, schema1, 'text/html');
  const value = fc.oneof(fc.jsonValue(), fc.constant([layer]), fc.constant(config), fc.array(fc.jsonValue()));
  const document = fc.record(
    { config: value, layers: value, manifests: value, mediaType: fc.oneof(types, fc.jsonValue()), fsLayers: value },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        document.map((d) => JSON.stringify(d)),
        fc.string(),
        fc.json(),
      ),
      types,
      (text, mediaType) => {
        const manifest = readManifest(text, mediaType);
        if (manifest.ok && manifest.value.kind === 'index') {
          const matcher = matcherFor({ os: 'linux', architecture: 'amd64' }, 'compatible');
          expect(childrenFor(manifest.value, matcher, 'compatible').length).toBeLessThanOrEqual(1);
          expect(offered(manifest.value)).not.toContain('unknown/unknown');
        }
      },
    ),
  );
});
