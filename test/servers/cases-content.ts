/** Images that are not what they should be, and layers that live elsewhere. */
import { stored, type BuiltImage } from '../kit/image.ts';
import { breaksOff, corrupts, ifSeen, misses, onBlobs, onManifests, onMethod, sends } from '../kit/misbehaviour.ts';
import * as odd from '../kit/odd-images.ts';
import { at, host, hostDir } from './at.ts';
import type { Case, AttemptContext } from './cases.ts';
import type { Stage } from './stage.ts';

/** A registry whose one image is this one. */
function holding(make: (stage: Stage) => BuiltImage): (stage: Stage) => Promise<AttemptContext> {
  return async (stage) => ({ image: at(await stage.fake({ images: { 'team/app:v1': make(stage) } })) });
}

/** What is not known of a mount's path, and of the service that answers for it. */
const extraction = 'where an archive is unpacked, and how far its reading comes, is not foretold';

export const contentCases: readonly Case[] = [
  {
    world: 'an image named by its digest',
    set: async ({ registry, app }) => ({ image: at(await registry()).replace(':v1', `@${app.top.digest}`) }),
    gets: 'pulled',
  },
  {
    world: 'a tag that is not there, and a digest that is',
    set: async ({ registry, app }) => ({ image: at(await registry()).replace(':v1', `:gone@${app.top.digest}`) }),
    gets: 'pulled',
  },
  {
    world: 'a digest that is not there',
    set: async ({ registry }) => ({ image: at(await registry()).replace(':v1', `@sha256:${'0'.repeat(64)}`) }),
    gets: /@sha256:0{64}: not found$/,
  },
  {
    world: 'an index with a build for this platform',
    set: async ({ fake, another }) => {
      const app = another({ platforms: ['linux/s390x', 'linux/amd64', 'linux/arm64'], docker: true });
      return { image: at(await fake({ images: { 'team/app:v1': app } })) };
    },
    gets: 'pulled',
  },
  {
    world: 'an index without a build for this platform',
    set: async ({ fake, another }) => {
      const app = another({ platforms: ['linux/s390x', 'linux/ppc64le'] });
      return { image: at(await fake({ images: { 'team/app:v1': app } })) };
    },
    gets: /no match for platform in manifest: not found$/,
  },
  {
    world: 'one build, for another platform, without an index',
    set: async ({ fake, another }) => ({
      image: at(await fake({ images: { 'team/app:v1': another({ platforms: ['linux/s390x'] }) } })),
    }),
    gets: 'pulled',
  },
  {
    world: 'a layer that the registry has lost, and that lies elsewhere',
    set: async ({ fake, app }) => {
      const there = await fake({ plain: true });
      const built = odd.withLayersAt(app, (digest) => [`http://127.0.0.1:${there}/v2/team/app/blobs/${digest}`]);
      const onRequest = misses(app.manifests[0].layers[0]?.digest ?? '');
      return { image: at(await fake({ images: { 'team/app:v1': built }, onRequest })) };
    },
    gets: 'pulled',
  },
  {
    world: 'a layer that lies elsewhere, where nobody listens',
    set: async ({ fake, app, none }) => {
      const dead = await none();
      const built = odd.withLayersAt(app, (digest) => [`http://127.0.0.1:${dead}/${digest}`]);
      return { image: at(await fake({ images: { 'team/app:v1': built } })) };
    },
    gets: /failed to do request: Get "http:\/\/127\.0\.0\.1:\d+\/sha256:[0-9a-f]{64}": dial tcp 127\.0\.0\.1:\d+: connect: connection refused$/,
  },
  {
    world: 'a layer that lies elsewhere, where a login is asked for',
    set: async ({ fake, app }) => {
      const there = await fake({ plain: true, auth: { scheme: 'basic', users: { puller: 's3cret' } } });
      const built = odd.withLayersAt(app, (digest) => [`http://127.0.0.1:${there}/v2/team/app/blobs/${digest}`]);
      return { image: at(await fake({ images: { 'team/app:v1': built } })), user: ['puller', 's3cret'] };
    },
    gets: /unexpected status code http:\/\/127\.0\.0\.1:\d+\/v2\/team\/app\/blobs\/sha256:[0-9a-f]{64}: 401 Unauthorized/,
  },
  {
    world: 'a layer that is not where its descriptor says, but in the registry',
    set: async ({ fake, app }) => {
      const there = await fake({ plain: true, images: {} });
      const built = odd.withLayersAt(app, (digest) => [
        'ftp://127.0.0.1/layer',
        `http://127.0.0.1:${there}/v2/team/app/blobs/${digest}`,
      ]);
      return { image: at(await fake({ images: { 'team/app:v1': built } })) };
    },
    gets: 'pulled',
  },
  {
    world: 'a layer that the registry has lost',
    set: async ({ fake, app }) => ({
      image: at(await fake({ onRequest: misses(app.manifests[0].layers[0]?.digest ?? '') })),
    }),
    gets: /could not fetch content descriptor sha256:[0-9a-f]{64} \(\S+\) from remote: not found$/,
  },
  {
    world: 'a layer of other bytes than its digest says',
    set: async ({ fake, app }) => ({
      image: at(await fake({ onRequest: corrupts(app.manifests[0].layers[0]?.digest ?? '') })),
    }),
    gets: /unexpected commit digest sha256:[0-9a-f]{64}, expected sha256:[0-9a-f]{64}: failed precondition$/,
  },
  {
    world: 'a configuration that the registry has lost',
    set: async ({ fake, app }) => ({ image: at(await fake({ onRequest: misses(app.manifests[0].config.digest) })) }),
    gets: /could not fetch content descriptor sha256:[0-9a-f]{64} \(\S+\) from remote: not found$/,
  },
  {
    world: 'layers on another host',
    set: async ({ fake }) => ({ image: at(await fake({ blobsAt: `https://cdn.example.test:${await fake()}` })) }),
    gets: 'pulled',
  },
  {
    world: 'layers on another host where nobody listens',
    set: async ({ fake, none }) => ({
      image: at(await fake({ blobsAt: `https://cdn.example.test:${await none()}` })),
    }),
    gets: /Get "https:\/\/cdn\.example\.test:.*connection refused$/,
  },
  {
    world: 'a configuration that is no JSON',
    set: holding(({ app }) => odd.withConfig(app, () => 'no configuration')),
    gets: /unmarshal image config: invalid character 'o' in literal null \(expecting 'u'\)$/,
  },
  {
    world: 'a configuration that names fewer layers than there are',
    set: holding(({ app }) => odd.withConfig(app, (json) => ({ ...json, rootfs: { ...json.rootfs, diff_ids: [] } }))),
    gets: /number of layers and diffIDs don't match: 1 != 0$/,
  },
  {
    world: 'a layer that does not unpack to what the configuration says',
    set: holding(({ app }) =>
      odd.withConfig(app, (json) => ({
        ...json,
        rootfs: { ...json.rootfs, diff_ids: [`sha256:${'0'.repeat(64)}`] },
      })),
    ),
    gets: /wrong diff id calculated on extraction "sha256:0{64}"$/,
  },
  {
    world: 'a Helm chart, which containerd 2 takes without a word',
    set: holding(({ app }) => odd.chart(app)),
    gets: /failed to unpack image on snapshotter native: mismatched image rootfs and manifest layers$/,
    unlike: { theirs: 'snapshotter native', ours: 'snapshotter overlayfs', because: extraction },
  },
  {
    world: 'an image whose configuration is of an unknown type, so that its layers are never fetched',
    set: holding(({ app }) => odd.withConfig(app, (json) => json, 'application/octet-stream')),
    gets: /failed to get reader from content store: content digest sha256:[0-9a-f]{64}: not found$/,
    unlike: { theirs: 'snapshotter native', ours: 'snapshotter overlayfs', because: extraction },
  },
  {
    world: 'layers of an unknown type beside the configuration of an image',
    set: holding(({ app }) => odd.withLayerType(app, 'application/vnd.dev.cosign.simplesigning.v1+json')),
    gets: /failed to get stream processor for application\/vnd\.dev\.cosign\.simplesigning\.v1\+json: no processor/,
    unlike: { theirs: 'snapshotter native', ours: 'snapshotter overlayfs', because: extraction },
  },
  {
    world: 'an index whose only entry names no platform, and is for another',
    set: holding(({ another }) => odd.withoutPlatforms(another({ platforms: ['linux/s390x'], index: true }))),
    gets: /get image config descriptor: no match for platform in manifest sha256:[0-9a-f]{64}: not found$/,
  },
  {
    world: 'an index whose only entry names no platform, and is for this one',
    set: holding(({ another }) => odd.withoutPlatforms(another({ index: true }))),
    gets: 'pulled',
  },
  {
    world: 'an index for the 32-bit processor of the same make',
    set: holding(({ another }) => another({ platforms: ['linux/386', 'linux/s390x'] })),
    gets: 'pulled',
  },
  {
    world: 'a manifest of JSON that breaks off',
    set: holding(({ app }) => ({
      ...app,
      top: stored(app.top.mediaType, '{"schemaVersion": 2,'),
    })),
    gets: /children: invalid desc sha256:[0-9a-f]{64}: unexpected end of JSON input$/,
  },
  {
    world: 'a manifest with an annotation that is a number',
    set: holding(({ app }) => odd.withManifest(app, (json) => ({ ...json, annotations: { size: 5 } }))),
    gets: /json: cannot unmarshal number into Go struct field Manifest\.annotations of type string$/,
    unlike: { theirs: 'annotations.size', ours: 'annotations', because: 'newer Go names the key' },
  },
  {
    world: 'a layer that is shorter than the manifest says',
    set: holding(({ app }) =>
      odd.withManifest(app, (json) => ({
        ...json,
        layers: json.layers.map((layer) => ({ ...layer, size: layer.size + 1 })),
      })),
    ),
    gets: /failed to read expected number of bytes: unexpected EOF$/,
  },
  {
    world: 'a layer that is longer than the manifest says',
    set: holding(({ app }) =>
      odd.withManifest(app, (json) => ({
        ...json,
        layers: json.layers.map((layer) => ({ ...layer, size: layer.size - 1 })),
      })),
    ),
    gets: /failed commit on ref "(layer-sha256:[0-9a-f]{64})": "\1" failed size validation: \d+ != \d+: failed precondition$/,
  },
  {
    world: 'a layer that breaks off each time',
    set: async ({ fake }) => ({ image: at(await fake({ onRequest: onBlobs(breaksOff(20)) })) }),
    gets: /failed to read expected number of bytes: unexpected EOF$/,
  },
  {
    world: 'a manifest that a proxy replaces by a page',
    set: async ({ fake }) => ({
      image: at(
        await fake({ onRequest: onMethod('GET', onManifests(sends(200, { 'content-type': 'text/html' }, '<p>'))) }),
      ),
    }),
    gets: /failed to read expected number of bytes: unexpected EOF$/,
  },
  {
    world: 'a mirror that encodes blobs as nobody asked for, before a registry that does not',
    set: async ({ fake, certsD }) => {
      const origin = await fake();
      const brotli = onBlobs(sends(200, { 'content-encoding': 'br' }, 'not decoded'));
      const mirror = await fake({ onRequest: ifSeen(({ method }) => method === 'GET', brotli) });
      await certsD({ [`${hostDir(origin)}/hosts.toml`]: host(`https://${hostDir(mirror, 'mirror')}`) });
      return { image: at(origin) };
    },
    // Before 2.0 nobody looks at the encoding, and the bytes are taken as they are.
    gets: /failed to read expected number of bytes: unexpected EOF$/,
  },
];
