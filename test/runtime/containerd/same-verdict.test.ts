/** What a gentler question finds is what the runtime would get: the same world, met cold and met warm, has the same verdict. */
import { describe, expect, test } from 'vitest';
import type { PullReport } from '#report/report.ts';
import type { NodeView } from '#node/view.ts';
import { Memory } from '#runtime/attempt/memory.ts';
import { FakeRegistry, image, type Script } from '../../kit/fake-registry.ts';
import * as wrong from '../../kit/misbehaviour.ts';
import { gist, nodeOf, plain, pullOf, toml } from '../../kit/stage.ts';

const app = image({ seed: 'app' });
const images = { 'team/app:v1': app };
const usedUp = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600' };

const worlds: readonly (readonly [what: string, script: Script])[] = [
  ...[204, 400, 401, 402, 403, 404, 405, 408, 410, 412, 416, 418, 429, 500, 501, 502, 503, 504, 999].map(
    (status) => [String(status), wrong.refuses(status)] as const,
  ),
  ['401 with a challenge', wrong.refuses(401, 'UNAUTHORIZED', 'no', { 'www-authenticate': 'Basic realm="x"' })],
  ['429 for a minute', wrong.refuses(429, 'TOOMANYREQUESTS', 'slow down', { 'retry-after': '60' })],
  ['a 429 that passes', wrong.atFirst(1, wrong.refuses(429))],
  ['two 429 that pass', wrong.atFirst(2, wrong.refuses(429))],
  ['a 408 that passes', wrong.atFirst(1, wrong.refuses(408))],
  ['used up', ({ found, send }) => found && send(200, { ...usedUp, ...headersOf(found) }, found.bytes)],
  ['a captive portal', wrong.captivePortal()],
  ['an empty answer', wrong.sends(200, {})],
  ['another digest', wrong.wrongDigest()],
  ['a digest that is none', wrong.wrongDigest('sha256:xyz')],
  ['no digest', wrong.noDigest()],
  ['a redirect to itself', wrong.redirectsToItself()],
  ['a redirect to nowhere', wrong.redirects('http://nowhere.invalid')],
  ['a reset', wrong.resets()],
  ['a hang-up', wrong.hangsUp()],
  ['bytes that are not HTTP', wrong.sendsGarbage()],
];

function headersOf({ digest, mediaType }: typeof app.top): Record<string, string> {
  return { 'docker-content-digest': digest, 'content-type': mediaType };
}

type Place = 'the registry itself' | 'a registry that refuses HEAD' | 'a mirror' | 'a mirror before nothing';

/** Who misbehaves, what it is asked when it does, and a node that asks it. */
async function withPlace<T>(
  place: Place,
  version: string,
  use: (at: { readonly bad: FakeRegistry; readonly view: NodeView; readonly wanted: string }) => Promise<T>,
): Promise<T> {
  await using bad = await FakeRegistry.open({ images });
  if (place === 'the registry itself' || place === 'a registry that refuses HEAD') {
    const view = nodeOf({ version, registries: { 'reg.test': bad } });
    return await use({ bad, view, wanted: `reg.test:${bad.port}/team/app:v1` });
  }
  await using origin = await FakeRegistry.open(place === 'a mirror' ? { images } : {});
  const view = nodeOf({
    version,
    hosts: { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'] },
    dirs: { 'reg.test': toml(plain(`reg.test:${origin.port}`), plain(`mirror.test:${bad.port}`)) },
  });
  return await use({ bad, view, wanted: 'reg.test/team/app:v1' });
}

function played(place: Place, script: Script): readonly Script[] {
  if (place !== 'a registry that refuses HEAD') return [wrong.onManifests(wrong.onMethod('HEAD', script))];
  return [
    wrong.onManifests(wrong.headNotAllowed()),
    wrong.ifSeen(({ url }) => url.endsWith('/v1'), wrong.onManifests(wrong.onMethod('GET', script))),
  ];
}

/** The verdict, and all that the kubelet would print; the port that a socket had on this side is nobody's. */
function shown(report: PullReport): readonly string[] {
  const errorText = report.kubelet?.waitingMessage ?? '';
  return [gist(report), errorText.replace(/127\.0\.0\.1:\d+->/g, '127.0.0.1:…->')];
}

async function judgesAlike(at: {
  readonly place: Place;
  readonly version: string;
  readonly script: Script;
  readonly patienceMs?: number;
}): Promise<void> {
  const { place, version, script } = at;
  const patience = at.patienceMs === undefined ? {} : { patienceMs: at.patienceMs };
  const [calm, bad] = [played(place, () => undefined), played(place, script)];
  await withPlace(place, version, async ({ bad: registry, view, wanted }) => {
    registry.play(...bad);
    const cold = shown(await pullOf(view, wanted, { manners: patience }));
    for (const isDue of [false, true]) {
      const known = { memory: new Memory(), manners: { tagIsDue: () => isDue } };
      registry.play(...calm);
      expect(gist(await pullOf(view, wanted, known))).toBe('pulls');
      registry.play(...bad);
      expect(
        shown(await pullOf(view, wanted, { ...known, manners: { ...known.manners, ...patience } })),
        `tag due: ${isDue}`,
      ).toEqual(cold);
    }
  });
}

describe.each<Place>(['the registry itself', 'a registry that refuses HEAD', 'a mirror', 'a mirror before nothing'])(
  '%s',
  (place) => {
    /** The oldest and the newest: they differ most in what they ask again and in what they say. */
    test.each(worlds)('with %s is judged alike, whatever was known of it', async (_, script) => {
      for (const version of ['1.6.20', '2.3.4']) await judgesAlike({ place, version, script });
    });

    test('in silence is judged alike, whatever was known of it', async () => {
      await judgesAlike({ place, version: '2.1.9', script: wrong.staysSilent(), patienceMs: 300 });
    });
  },
);
