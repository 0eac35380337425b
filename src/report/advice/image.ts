/** Words for references and manifests: what was asked for. */
import { listed, place, plain, quoted, word } from './phrases.ts';
import type { About, FaultMessages } from './phrases.ts';
import { createSecret } from './commands.ts';
import { registryAt } from './registries.ts';

type Codes =
  | 'image.malformed'
  | 'image.never_pulled'
  | 'manifest.unknown_repository'
  | 'manifest.unknown_tag'
  | 'manifest.unknown_digest'
  | 'manifest.tag_moved'
  | 'manifest.no_platform'
  | 'manifest.digest_mismatch'
  | 'manifest.malformed'
  | 'manifest.unsupported'
  | 'manifest.oversize';

const pushAgain = 'Build the image and push it again';

export const imageMessages: FaultMessages<Codes> = {
  'image.malformed': {
    meaning: 'The image reference cannot be read. The kubelet asks no registry.',
    next: 'correct the image reference',
    shows:
      'InvalidImageName: Failed to apply default image tag "X": couldn\'t parse image name "X": invalid reference format',
    cause: ({ image, why }) => `The image reference "${plain(image)}" cannot be read: ${plain(why)}.`,
    remedy: ({ image }, about) => remedyOf(image, about),
  },
  'image.never_pulled': {
    meaning: 'imagePullPolicy is Never, and the image is not on the node.',
    next: 'put the image on the node',
    shows: 'ErrImageNeverPull: Container image "X" is not present with pull policy of Never',
    cause: ({ image }) =>
      `imagePullPolicy is Never, and ${plain(image)} is not on this node. The kubelet does not ask the registry.`,
    remedy: (_fault, about) =>
      `Set imagePullPolicy to IfNotPresent${place(about)}, or put the image on the node first: \`ctr -n k8s.io images import FILE.tar\`.`,
  },
  'manifest.unknown_repository': {
    meaning: 'The registry does not know the repository.',
    next: 'correct the repository name',
    shows: '…: X: not found (the same text as for a missing tag)',
    cause: ({ image, host, message }) => `${plain(host)} knows no repository of ${plain(image)}.${quoted(message)}`,
    remedy: (_fault, about) =>
      `Correct registry and repository${place(about)}. ${meant(about)}If the repository is private, some registries say the same: add a pull secret with ${createSecret(about)}.`,
  },
  'manifest.unknown_tag': {
    meaning: 'The repository has no such tag.',
    next: 'use a tag that exists',
    shows:
      'rpc error: code = NotFound desc = failed to pull and unpack image "X": failed to resolve image: X: not found',
    cause: ({ image, host, message }) =>
      `${plain(host)} has no tag ${tagOf(image)} of ${plain(image)}.${quoted(message)}`,
    remedy: (_fault, about) =>
      `Use a tag that exists${place(about)}, or push this one. ${untagged(about)}A digest (@sha256:…) of an image that already runs cannot be moved or overwritten.`,
  },
  'manifest.unknown_digest': {
    meaning: 'The repository has no manifest of this digest.',
    next: 'use a digest that exists',
    shows:
      'rpc error: code = NotFound desc = failed to pull and unpack image "X": failed to resolve image: X: not found',
    cause: ({ image, host, message }) =>
      `${plain(host)} has no manifest of the digest in ${plain(image)}.${quoted(message)}`,
    remedy: (_fault, about) =>
      `The image was deleted, cleaned up or never pushed there. Use the digest of an image that exists${place(about)}. If a tag stands beside the digest, only the digest counts.`,
  },
  'manifest.tag_moved': {
    meaning: 'The tag leads to other content than the one that already runs. A forecast; it stops no pull.',
    next: 'pin the digest',
    shows: 'nothing: the pull succeeds and brings other content',
    cause: ({ image, was, now }) =>
      `${plain(image)} leads to ${plain(now, 80)} now, and ${plain(was, 80)} is what runs.`,
    remedy: (_fault, about) =>
      `Roll the workload out anew where the new content is meant; where it is not, pin the digest that runs${place(about)}: REPOSITORY@sha256:….`,
  },
  'manifest.no_platform': {
    meaning: "The image exists, but not for this node's platform.",
    next: 'build it for this platform',
    shows: '…: no match for platform in manifest sha256:…: not found',
    cause: ({ platform, offered }) =>
      `There is no build for ${plain(platform)}. There are builds for ${listed(offered, 'nothing at all')}.`,
    remedy: ({ platform }, about) =>
      `Build and push for it too: \`docker buildx build --platform ${word(platform, 'PLATFORM')} --push …\`, or keep the Pod on other nodes with a nodeSelector on kubernetes.io/arch${place(about)}.`,
  },
  'manifest.digest_mismatch': {
    meaning: 'The manifest that came has another digest than the one asked for.',
    next: 'push the image again',
    shows:
      '…: failed commit on ref "manifest-sha256:…": unexpected commit digest sha256:A, expected sha256:B: failed precondition',
    cause: ({ digest, got, host }) => `${plain(host)} was asked for ${plain(digest)} and sent ${plain(got)}.`,
    remedy: ({ host }) =>
      `${pushAgain}. If it is right elsewhere, a cache or proxy on the way to ${plain(host)} changes or mixes up answers: clear or bypass it.`,
  },
  'manifest.malformed': {
    meaning: 'The manifest is not valid.',
    next: 'push the image again',
    shows: '…: unexpected media type text/html for sha256:…: not found, or a JSON decoding error',
    cause: ({ digest, host, why }) => `The manifest ${plain(digest)} from ${plain(host)} is not valid: ${plain(why)}.`,
    remedy: ({ host }) =>
      `${pushAgain}. If it is right elsewhere, look at what stands between the node and ${plain(host)}.`,
  },
  'manifest.unsupported': {
    meaning: 'What the reference names is no image that this runtime takes.',
    next: 'push it as an OCI image',
    shows:
      '…: media type "application/vnd.docker.distribution.manifest.v1+prettyjws" is no longer supported since containerd v2.0',
    cause: ({ mediaType, host }) =>
      `${plain(host)} has ${plain(mediaType)} there, which this runtime does not take as an image.`,
    remedy: ({ mediaType }, about) =>
      /manifest\.v1\+/.test(mediaType)
        ? 'This is the old schema 1 format. Build the image with a current tool and push it again.'
        : `Name an image${place(about)}: charts, signatures and other artifacts live in registries too.`,
  },
  'manifest.oversize': {
    meaning: 'The manifest is larger than the runtime accepts.',
    next: 'shrink the manifest',
    shows: '…: rejecting N byte manifest for X: not found',
    cause: ({ bytes, host }) =>
      `The manifest from ${plain(host)} has ${bytes} bytes; containerd takes about 4.4 MB at most.`,
    remedy: () => 'Build the image with fewer layers, platforms or annotations, and push it again.',
  },
};

function remedyOf(image: string, about: About): string {
  const where = place(about);
  const shown = plain(image);
  if (/^[a-z]+:\/\//i.test(shown)) return `Leave out the scheme${where}: write ${shown.replace(/^[a-z]+:\/\//i, '')}.`;
  if (/[{}$<>]/.test(shown)) return `A template variable was left unfilled: fill it${where}.`;
  if (shown !== image || /\s/.test(shown)) return `Remove the blanks and invisible characters${where}.`;
  const [, repository = '', rest = ''] = /^([^@]*?)((?::[^/:@]*)?(?:@.*)?)$/.exec(shown) ?? [];
  if (/[A-Z]/.test(repository))
    return `Write the repository in lower case${where}: ${repository.toLowerCase()}${rest}.`;
  return `Correct it${where}. The form is REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:DIGEST, with the repository in lower case.`;
}

function meant({ image, reference }: About): string {
  if (
    image === undefined ||
    reference === undefined ||
    !reference.startsWith('docker.io/') ||
    /docker\.io\//.test(image)
  )
    return '';
  return 'For another registry write its host first: REGISTRY/REPOSITORY. ';
}

function untagged({ image, registry }: About): string {
  if (image === undefined || /@|:[^/]*$/.test(image)) return '';
  return `No tag is written, so latest is meant${registryAt(registry) === undefined ? '' : ', which a repository need not have'}. `;
}

function tagOf(image: string): string {
  return plain(/:([^/:@]+)(?:@|$)/.exec(image)?.[1] ?? 'latest', 128);
}
