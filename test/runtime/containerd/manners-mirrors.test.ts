/** A mirror is asked for a tag itself now and then, and for the digest in between; what counts is what the runtime would get. */
import { describe, expect, test } from 'vitest';
import { Memory } from '#runtime/attempt/memory.ts';
import type { Manners } from '#runtime/attempt/wire.ts';
import { FakeRegistry, image, type Script } from '../../kit/fake-registry.ts';
import * as wrong from '../../kit/misbehaviour.ts';
import {
  asked,
  demandFor,
  gist,
  nodeOf,
  plain,
  pullOf,
  pullSecret,
  short,
  toml,
  type PassSketch,
} from '../../kit/stage.ts';
import type { NodeView } from '#node/view.ts';

const app = image({ seed: 'app' });
const other = image({ seed: 'other' });
const images = { 'team/app:v1': app };
const wanted = 'reg.test/team/app:v1';
const byDigest = `HEAD /v2/team/app/manifests/${short(app.top.digest)}?ns=reg.test`;
const byTag = 'HEAD /v2/team/app/manifests/v1?ns=reg.test';
const hourMs = 3_600_000;

/** An agent's own pass, in which no tag is due. */
const between: Partial<Manners> = { tagIsDue: () => false };

function behind(mirror: FakeRegistry, origin?: FakeRegistry): NodeView {
  const at = origin === undefined ? 'reg.test' : `reg.test:${origin.port}`;
  return nodeOf({
    hosts: { 'mirror.test': ['127.0.0.1'], ...(origin === undefined ? {} : { 'reg.test': ['127.0.0.1'] }) },
    dirs: { 'reg.test': toml(plain(at), plain(`mirror.test:${mirror.port}`)) },
  });
}

/** What the mirror was asked about manifests in one pass. */
async function heads(mirror: FakeRegistry, sketch: PassSketch, want = wanted): Promise<readonly string[]> {
  mirror.forget();
  await pullOf(behind(mirror), want, sketch);
  return asked(mirror).filter((line) => line.includes('/manifests/'));
}

describe('a mirror', () => {
  test('that served a tag is asked for its digest until the tag is due', async () => {
    await using mirror = await FakeRegistry.open({ images });
    const memory = new Memory();
    const due: number[] = [];
    let nowMs = 1000;
    const manners: Partial<Manners> = {
      tagIsDue: ({ registry, reference, askedMs, nowMs: at }) => {
        expect([registry, reference]).toEqual(['reg.test', wanted]);
        due.push(askedMs);
        return at >= 4000;
      },
    };
    const sketch = { memory, manners, clockMs: () => nowMs };
    expect((await heads(mirror, sketch))[0]).toBe(byTag);
    nowMs = 2000;
    expect(await heads(mirror, sketch)).toEqual([byDigest]);
    expect(mirror.requests[0]?.headers['if-none-match'], 'the answer shows that the content is there').toBeUndefined();
    nowMs = 3000;
    expect(await heads(mirror, sketch)).toEqual([byDigest]);
    nowMs = 4000;
    expect(await heads(mirror, sketch)).toEqual([byTag]);
    expect(mirror.requests[0]?.headers['if-none-match']).toEqual([`"${app.top.digest}"`]);
    nowMs = 5000;
    expect(await heads(mirror, sketch)).toEqual([byTag]);
    expect(due, 'since the tag itself was asked for').toEqual([1000, 1000, 1000, 4000]);
  });

  test('is asked for the tag by whoever wants to know now', async () => {
    await using mirror = await FakeRegistry.open({ images });
    const memory = new Memory();
    await heads(mirror, { memory, manners: between });
    expect(await heads(mirror, { memory })).toEqual([byTag]);
  });

  test('is asked for the tag where the last verdict was another than `pulls`', async () => {
    await using mirror = await FakeRegistry.open({ images });
    const memory = new Memory();
    const sketch = { memory, manners: between };
    await heads(mirror, sketch);
    memory.tags.judged(wanted, [], false);
    expect(await heads(mirror, sketch), 'and it pulls').toEqual([byTag]);
    expect(await heads(mirror, sketch)).toEqual([byDigest]);
  });

  test('is not asked for a digest that it has not served for two hours', async () => {
    await using mirror = await FakeRegistry.open({ images });
    const memory = new Memory();
    let nowMs = 0;
    const sketch = { memory, manners: between, clockMs: () => nowMs };
    await heads(mirror, sketch);
    nowMs = 2 * hourMs;
    expect(await heads(mirror, sketch)).toEqual([byDigest]);
    nowMs = 4 * hourMs + 1;
    expect(await heads(mirror, sketch)).toEqual([byTag]);
  });

  test('is asked for what is pinned as before', async () => {
    await using mirror = await FakeRegistry.open({ images });
    const memory = new Memory();
    const pinned = `reg.test/team/app:v1@${app.top.digest}`;
    await heads(mirror, { memory, manners: between }, pinned);
    expect(await heads(mirror, { memory, manners: between }, pinned)).toEqual([byDigest]);
  });

  test('whose tag moved in between is seen to when the tag is due', async () => {
    await using mirror = await FakeRegistry.open({ images });
    const memory = new Memory();
    let isDue = false;
    const sketch = { memory, manners: { tagIsDue: () => isDue } };
    const digestNow = async (): Promise<unknown> => {
      const { attempts } = await pullOf(behind(mirror), wanted, sketch);
      return attempts[0]?.ending.is === 'pulled' ? attempts[0].ending.content.digest : undefined;
    };
    expect(await digestNow()).toBe(app.top.digest);
    mirror.put('team/app:v1', other);
    expect(await digestNow()).toBe(app.top.digest);
    isDue = true;
    expect(await digestNow()).toBe(other.top.digest);
  });

  test('beside a registry of its own leaves the registry to be asked by tag', async () => {
    await using mirror = await FakeRegistry.open();
    await using origin = await FakeRegistry.open({ images });
    const memory = new Memory();
    await pullOf(behind(mirror, origin), wanted, { memory, manners: between });
    origin.forget();
    await pullOf(behind(mirror, origin), wanted, { memory, manners: between });
    expect(asked(origin)[0]).toBe(byTag);
  });
});

describe('a cache that misleads', () => {
  /** Knows no manifest by its digest. */
  const tagsAlone = wrong.onManifests(wrong.onMethod('HEAD', wrong.misses(app.top.digest)));

  test('is asked for the tag at once, and for nothing else for some hours', async () => {
    await using mirror = await FakeRegistry.open({ images });
    const memory = new Memory();
    let nowMs = 0;
    const sketch = { memory, manners: between, clockMs: () => nowMs };
    await heads(mirror, sketch);
    mirror.play(tagsAlone);
    expect(await heads(mirror, sketch)).toEqual([byDigest, byTag]);
    expect(await heads(mirror, sketch)).toEqual([byTag]);
    nowMs = 6 * hourMs;
    expect(await heads(mirror, sketch)).toEqual([byTag]);
    expect(await heads(mirror, sketch)).toEqual([byDigest, byTag]);
  });

  test.each<readonly [what: string, script: Script]>([
    ['with another digest', wrong.sends(304, { etag: `"${other.top.digest}"` })],
    ['with a digest in words', wrong.sends(304, { 'docker-content-digest': other.top.digest })],
  ])('by a 304 %s is asked plainly, and on no condition any more', async (_, script) => {
    await using mirror = await FakeRegistry.open({ images });
    const memory = new Memory();
    const asksCondition = wrong.ifSeen(({ headers }) => headers['if-none-match'] !== undefined, script);
    await heads(mirror, { memory });
    mirror.play(asksCondition);
    expect(await heads(mirror, { memory })).toEqual([byTag, byTag]);
    expect(mirror.requests.map(({ headers }) => headers['if-none-match'] !== undefined)).toContain(true);
    expect(await heads(mirror, { memory })).toEqual([byTag]);
    expect(mirror.requests[0]?.headers['if-none-match']).toBeUndefined();
  });

  test('by saying that a tag is as before while its manifest is lost is found out in the next pass', async () => {
    await using mirror = await FakeRegistry.open({ images });
    await using origin = await FakeRegistry.open({ images });
    const memory = new Memory();
    const pass = async (isDue: boolean): Promise<string> =>
      gist(await pullOf(behind(mirror, origin), wanted, { memory, manners: { tagIsDue: () => isDue } }));
    await pass(false);
    // As distribution does: the condition is compared before the manifest is opened.
    const lost = wrong.onManifests((visit) =>
      visit.seen.headers['if-none-match'] === undefined
        ? visit.refuse(404, 'MANIFEST_UNKNOWN', 'manifest unknown')
        : visit.send(304, {}),
    );
    mirror.play(lost);
    expect(await pass(true), 'the condition hides it').toBe('pulls');
    const found = gist(await pullOf(behind(mirror, origin), wanted));
    expect(await pass(false)).toBe(found);
    expect(await pass(true), 'and it is believed no more').toBe(found);
  });
});

describe('a mirror that wants credentials', () => {
  const auth = { scheme: 'bearer', users: { puller: 's3cret' } } as const;

  /** Of a warm pass: method and reference of what was asked of manifests, and how many tokens were. */
  async function warm(
    manners: Partial<Manners>,
  ): Promise<{ readonly asked: readonly string[]; readonly tokens: number }> {
    await using mirror = await FakeRegistry.open({ images, auth });
    const secrets = [
      pullSecret('one', { 'reg.test': ['puller', 'old'] }),
      pullSecret('two', { 'reg.test': ['puller', 's3cret'] }),
    ];
    const memory = new Memory();
    const demand = demandFor(wanted, { secrets });
    expect(gist(await pullOf(behind(mirror), demand, { memory, manners }))).toBe('pulls');
    mirror.forget();
    expect(gist(await pullOf(behind(mirror), demand, { memory, manners }))).toBe('pulls');
    const lines = asked(mirror);
    return {
      asked: lines.filter((line) => line.includes('/manifests/')),
      tokens: lines.filter((line) => line.includes('/token')).length,
    };
  }

  test('is asked by digest for whom it let in, and no oftener than by tag', async () => {
    const [gently, plainly] = [await warm(between), await warm({})];
    expect(gently.asked.at(-1)).toBe(`${byDigest} [Bearer]`);
    expect(gently.asked).toHaveLength(plainly.asked.length);
    expect(gently.tokens).toBe(plainly.tokens);
  });
});

describe('a mirror that has had enough', () => {
  async function afterTooMany(headers: Record<string, string>): Promise<readonly string[]> {
    await using mirror = await FakeRegistry.open({ images });
    const memory = new Memory();
    await heads(mirror, { memory, manners: between });
    mirror.play(wrong.refuses(429, 'TOOMANYREQUESTS', 'slow down', headers));
    return await heads(mirror, { memory, manners: between });
  }

  test('and says how long is not asked again', async () => {
    expect(await afterTooMany({ 'retry-after': '60' })).toEqual([byDigest]);
  });

  test('without saying how long is asked once more, as it would be with the tag alone', async () => {
    expect(await afterTooMany({})).toEqual([byDigest, byTag]);
  });
});
