import { describe, expect, test } from 'vitest';
import { engineOf } from '#runtime/containerd/versions.ts';
import { compressionOf, isConfigType, isLayerType } from '#image/media-type.ts';
import { versionOf } from '../kit/stage.ts';

const old = engineOf(versionOf('1.7.34'), 'local');
const recent = engineOf(versionOf('2.1.9'), 'transfer');

test.each([
  ['application/vnd.oci.image.config.v1+json', true],
  ['application/vnd.docker.container.image.v1+json', true],
  ['application/octet-stream', false],
  ['application/vnd.cncf.helm.config.v1+json', false],
  ['application/vnd.oci.empty.v1+json', false],
  ['', false],
])('%s is the configuration of an image: %s', (mediaType, is) => {
  expect(isConfigType(mediaType)).toBe(is);
});

describe('a layer by its type, and how it is unpacked', () => {
  test.each([
    ['application/vnd.oci.image.layer.v1.tar', true, 'none'],
    ['application/vnd.oci.image.layer.v1.tar+gzip', true, 'detected'],
    ['application/vnd.oci.image.layer.v1.tar+zstd', true, 'detected'],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', true, 'detected'],
    ['application/vnd.oci.image.layer.v1.tar+gzip+encrypted', true, 'detected'],
    ['application/vnd.oci.image.layer.v2.tar', true, undefined],
    ['application/vnd.docker.image.rootfs.diff.tar', true, 'detected'],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip', true, 'detected'],
    ['application/vnd.docker.image.rootfs.diff.tar.gzip+other', true, 'none'],
    ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', true, 'detected'],
    ['application/vnd.cncf.helm.chart.content.v1.tar+gzip', false, undefined],
    ['application/octet-stream', false, undefined],
    ['', false, undefined],
  ])('%s', (mediaType, is, compression) => {
    expect(isLayerType(mediaType, recent)).toBe(is);
    expect(compressionOf(mediaType, recent)).toBe(compression);
  });

  test("Docker's type of a zstd layer is known since 2.0", () => {
    const zstd = 'application/vnd.docker.image.rootfs.diff.tar.zstd';
    expect([isLayerType(zstd, old), isLayerType(zstd, recent)]).toEqual([false, true]);
    expect([compressionOf(zstd, old), compressionOf(zstd, recent)]).toEqual([undefined, 'detected']);
  });
});
