/** Registries that answer, but not with the image. */
import * as wrong from '../kit/misbehaviour.ts';
import type { RegistryWish } from '../kit/fake-registry.ts';
import { at } from './at.ts';
import type { Case, AttemptContext } from './cases.ts';
import type { Stage } from './stage.ts';

/** A registry whose every answer about manifests is this one. */
function answering(onRequest: NonNullable<RegistryWish['onRequest']>): (stage: Stage) => Promise<AttemptContext> {
  return async ({ fake }) => ({ image: at(await fake({ onRequest })) });
}

export const answerCases: readonly Case[] = [
  {
    world: 'a tag that is not there',
    set: async ({ registry }) => ({ image: at(await registry()).replace(':v1', ':gone') }),
    gets: /:\d+\/team\/app:gone: not found$/,
  },
  {
    world: 'a repository that is not there',
    set: async ({ registry }) => ({ image: at(await registry()).replace('/app', '/nope') }),
    gets: /:\d+\/team\/nope:v1: not found$/,
  },
  {
    world: '429',
    set: answering(wrong.onManifests(wrong.rateLimited(30))),
    gets: /\[manifests v1\]: 429 Too Many Requests$/,
  },
  {
    world: '429, and better at the third time',
    set: answering(wrong.onManifests(wrong.atFirst(2, wrong.rateLimited()))),
    gets: 'pulled',
  },
  {
    world: '500',
    set: answering(wrong.onManifests(wrong.refuses(500))),
    gets: /\[manifests v1\]: 500 Internal Server Error$/,
  },
  {
    world: '503',
    set: answering(wrong.onManifests(wrong.refuses(503))),
    gets: /\[manifests v1\]: 503 Service Unavailable$/,
  },
  {
    world: '403',
    set: answering(wrong.onManifests(wrong.refuses(403, 'DENIED'))),
    gets: /\[manifests v1\]: 403 Forbidden$/,
  },
  { world: '405 to HEAD', set: answering(wrong.onManifests(wrong.headNotAllowed())), gets: 'pulled' },
  {
    world: 'no digest in the headers',
    set: answering(wrong.onMethod('HEAD', wrong.onManifests(wrong.noDigest()))),
    gets: 'pulled',
  },
  {
    world: 'a digest in the headers that is none',
    set: answering(wrong.onManifests(wrong.wrongDigest('sha256:abc'))),
    gets: /invalid checksum digest length$/,
  },
  {
    world: 'a captive portal',
    set: answering(wrong.captivePortal()),
    gets: /unexpected media type text\/html for sha256:[0-9a-f]{64}: not found$/,
    unlike: {
      theirs: 'snapshotter native',
      ours: 'snapshotter overlayfs',
      because: "the node's own snapshotter is not looked at, and overlayfs is what nodes have",
    },
  },
  { world: 'nine redirects', set: answering(wrong.redirectsTimes(9)), gets: 'pulled' },
  { world: 'ten redirects', set: answering(wrong.redirectsTimes(10)), gets: /stopped after 10 redirects$/ },
  { world: 'a redirect to itself', set: answering(wrong.redirectsToItself()), gets: /stopped after 10 redirects$/ },
  { world: 'a connection reset', set: answering(wrong.resets()), gets: /connection reset by peer$/ },
  { world: 'a connection closed without a word', set: answering(wrong.hangsUp()), gets: /: EOF$/ },
  {
    world: 'bytes that are not HTTP',
    set: answering(wrong.sendsGarbage()),
    gets: /malformed HTTP status code "this"$/,
    unlike: {
      theirs: 'malformed HTTP status code "this"',
      ours: 'malformed HTTP response: Expected HTTP/, RTSP/ or ICE/',
      because: 'what a server sends is not repeated in a report',
    },
  },
  {
    world: 'eleven megabytes of headers',
    set: answering(wrong.hugeHeaders(11 << 20)),
    gets: /response headers exceeded 10485760 bytes; aborted$/,
  },
];
