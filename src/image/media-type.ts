/**
 * What the runtime takes for a configuration and for a layer, and how it would unpack a layer, by media type alone.
 * Imitates containerd core/images/mediatypes.go (IsConfigType, IsLayerType, DiffCompression) and core/diff/stream.go
 * (compressedHandler), v1.6.20 to v2.3.4.
 */
import type { Engine } from '#runtime/containerd/versions.ts';

const configTypes = ['application/vnd.docker.container.image.v1+json', 'application/vnd.oci.image.config.v1+json'];
const ociLayer = 'application/vnd.oci.image.layer.';
const ociTars = ['application/vnd.oci.image.layer.v1.tar', 'application/vnd.oci.image.layer.nondistributable.v1.tar'];
const dockerTars = [
  'application/vnd.docker.image.rootfs.diff.tar',
  'application/vnd.docker.image.rootfs.foreign.diff.tar',
  'application/vnd.docker.image.rootfs.diff.tar.gzip',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
];
const dockerZstd = 'application/vnd.docker.image.rootfs.diff.tar.zstd';

export function isConfigType(mediaType: string): boolean {
  return configTypes.includes(mediaType);
}

export function isLayerType(mediaType: string, engine: Engine): boolean {
  return mediaType.startsWith(ociLayer) || isDockerLayer(baseOf(mediaType), engine);
}

/** `detected`: by its first bytes, whatever the type says. `none`: taken as an archive as it is. Absent: nothing unpacks it. */
export function compressionOf(mediaType: string, engine: Engine): 'detected' | 'none' | undefined {
  const [base = '', ...suffixes] = mediaType.split('+');
  if (isDockerLayer(base, engine)) return suffixes.length > 0 ? 'none' : 'detected';
  if (!ociTars.includes(base)) return undefined;
  const last = suffixes.toSorted().at(-1);
  return last === 'gzip' || last === 'zstd' ? 'detected' : 'none';
}

/** Encrypted layers go to a program of the node's first (stream_processors), whose keys we do not know. */
export function isEncrypted(mediaType: string): boolean {
  return mediaType.endsWith('+encrypted');
}

function isDockerLayer(base: string, engine: Engine): boolean {
  return dockerTars.includes(base) || (engine.knowsDockerZstd && base === dockerZstd);
}

function baseOf(mediaType: string): string {
  return mediaType.split('+', 1)[0] ?? '';
}
