/** Images that are not what they should be, and layers that live elsewhere. */
import { corrupts, misses } from '../kit/misbehaviour.ts';
import { at } from './at.ts';
import type { Case } from './cases.ts';

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
    set: async ({ fake, nobody }) => ({
      image: at(await fake({ blobsAt: `https://cdn.example.test:${await nobody()}` })),
    }),
    gets: /Get "https:\/\/cdn\.example\.test:.*connection refused$/,
  },
];
