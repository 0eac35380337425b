/** Images built in memory: real tar layers, configuration, manifests and index, as a registry would store them. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

export interface Stored {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface BuiltManifest extends Stored {
  /** `linux/arm64/v8` */
  readonly platform: string;
  readonly config: Stored;
  readonly layers: readonly Stored[];
}

export interface BuiltImage {
  /** What the tag points at: the index, or the only manifest. */
  readonly top: Stored;
  readonly manifests: readonly [BuiltManifest, ...BuiltManifest[]];
  /** Every configuration and layer. */
  readonly blobs: readonly Stored[];
}

export interface ImageWish {
  /** Default: this machine's, `linux/<architecture>`. */
  readonly platforms?: readonly string[];
  /** Default: where there is more than one platform. */
  readonly index?: boolean;
  /** Docker's media types in place of OCI's. */
  readonly docker?: boolean;
  /** Bytes of the one file in each layer. Default: one layer of 1000 bytes. */
  readonly layers?: readonly number[];
  /** What the first layer's file is, which is what the image runs. Default: nothing that runs. */
  readonly program?: Buffer;
  /** Images with different seeds share no layer. */
  readonly seed?: string;
}

const kinds = {
  oci: {
    index: 'application/vnd.oci.image.index.v1+json',
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
  docker: {
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
} as const;

/** Go's name for this machine's processor. */
export const ownPlatform = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;

export function image(request: ImageWish = {}): BuiltImage {
  const [first = ownPlatform, ...others] = request.platforms ?? [ownPlatform];
  const manifests = [build(first, request), ...others.map((platform) => build(platform, request))] as const;
  const wrapped = request.index ?? others.length > 0;
  return {
    top: wrapped ? indexOf(manifests, request) : manifests[0],
    manifests,
    blobs: manifests.flatMap((manifest) => [manifest.config, ...manifest.layers]),
  };
}

/** Any bytes under their digest. */
export function stored(mediaType: string, content: Buffer | string): Stored {
  const bytes = Buffer.from(content);
  return { digest: digestOf(bytes), mediaType, bytes };
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function build(platform: string, request: ImageWish): BuiltManifest {
  const kind = kinds[request.docker === true ? 'docker' : 'oci'];
  const [os, architecture, variant] = platform.split('/');
  const archives = (request.layers ?? [1000]).map((size, at) =>
    tarball(
      `layer-${at}`,
      (at === 0 ? request.program : undefined) ?? noise(size, `${request.seed ?? ''} ${platform} ${at}`),
    ),
  );
  const layers = archives.map((archive) => stored(kind.layer, gzipSync(archive, { level: 1 })));
  const config = stored(
    kind.config,
    JSON.stringify({
      os,
      architecture,
      variant,
      created: '2026-01-01T00:00:00Z',
      config: { Cmd: ['/layer-0'], Labels: { seed: request.seed ?? '' } },
      rootfs: { type: 'layers', diff_ids: archives.map(digestOf) },
    }),
  );
  const manifest = stored(
    kind.manifest,
    JSON.stringify({
      schemaVersion: 2,
      mediaType: kind.manifest,
      config: described(config),
      layers: layers.map(described),
    }),
  );
  return { ...manifest, platform, config, layers };
}

function indexOf(manifests: readonly BuiltManifest[], request: ImageWish): Stored {
  const mediaType = kinds[request.docker === true ? 'docker' : 'oci'].index;
  const entries = manifests.map((manifest) => {
    const [os, architecture, variant] = manifest.platform.split('/');
    return { ...described(manifest), platform: { os, architecture, variant } };
  });
  return stored(mediaType, JSON.stringify({ schemaVersion: 2, mediaType, manifests: entries }));
}

function described({ mediaType, digest, bytes }: Stored) {
  return { mediaType, digest, size: bytes.length };
}

/** A tar archive (POSIX ustar) holding one file. */
function tarball(name: string, content: Buffer): Buffer {
  const head = Buffer.alloc(512);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits - 1, '0')}\0`;
  head.write(name, 0);
  head.write(octal(0o755, 8) + octal(0, 8) + octal(0, 8) + octal(content.length, 12) + octal(0, 12), 100);
  head.write('        0', 148);
  head.write('ustar\x0000', 257);
  head.write(
    `${octal(
      head.reduce((sum, byte) => sum + byte, 0),
      7,
    )} `,
    148,
  );
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([head, content, padding, Buffer.alloc(1024)]);
}

/** Bytes that do not compress, the same for the same seed. */
function noise(size: number, seed: string): Buffer {
  return createHash('shake256', { outputLength: Math.max(size, 1) })
    .update(seed)
    .digest()
    .subarray(0, size);
}
