/** A registry itself gets the runtime's own question; only the GET that stands in for a HEAD carries a condition. */
import { describe, expect, test } from 'vitest';
import { Memory } from '#runtime/attempt/memory.ts';
import { FakeRegistry, image, type Script } from '../../kit/fake-registry.ts';
import * as wrong from '../../kit/misbehaviour.ts';
import { gist, nodeOf, pullOf, type PassSketch } from '../../kit/stage.ts';

const app = image({ seed: 'app' });
const images = { 'team/app:v1': app };
const hourMs = 3_600_000;
const between = { tagIsDue: () => false };
const found = { 'content-type': app.top.mediaType };

/** HEAD names no digest. */
const poorHead: Script = wrong.onManifests(wrong.onMethod('HEAD', wrong.sends(200, found, 'x')));
const noHead: Script = wrong.onManifests(wrong.headNotAllowed());

/** Answers GET of a manifest with this ETag, and conditions on it; bodies are counted. */
function tagged(etag: string, bodies: { sent: number }): Script {
  return wrong.onManifests(
    wrong.onMethod('GET', ({ seen, send }) => {
      if (seen.headers['if-none-match']?.[0] === etag) return send(304, { etag });
      bodies.sent += 1;
      return send(200, { ...found, etag }, app.top.bytes);
    }),
  );
}

async function ask(registry: FakeRegistry, sketch: PassSketch): Promise<string> {
  const node = nodeOf({ registries: { 'reg.test': registry } });
  registry.forget();
  return gist(await pullOf(node, `reg.test:${registry.port}/team/app:v1`, sketch));
}

/** `HEAD`, `GET if "…"`: what was asked of the tag. */
function askedOfTag({ requests }: FakeRegistry): readonly string[] {
  return requests
    .filter(({ url }) => url.endsWith('/manifests/v1'))
    .map(({ method, headers }) => [method, ...(headers['if-none-match'] ?? []).map((etag) => `if ${etag}`)].join(' '));
}

test('a HEAD to the registry itself is never made conditional', async () => {
  await using registry = await FakeRegistry.open({ images });
  const memory = new Memory();
  for (const manners of [between, between, { tagIsDue: () => true }, {}]) {
    expect(await ask(registry, { memory, manners })).toBe('pulls');
    expect(askedOfTag(registry)).toEqual(['HEAD']);
  }
});

test('a tag whose manifest is lost is seen at once where the registry compares conditions first', async () => {
  await using registry = await FakeRegistry.open({ images });
  const memory = new Memory();
  expect(await ask(registry, { memory, manners: between })).toBe('pulls');
  registry.play(
    wrong.onManifests((visit) =>
      visit.seen.headers['if-none-match'] === undefined
        ? visit.refuse(404, 'MANIFEST_UNKNOWN', 'manifest unknown')
        : visit.send(304, {}),
    ),
  );
  expect(await ask(registry, { memory, manners: between })).toBe('fails manifest.unknown_tag');
});

describe.each([
  ['that names no digest to HEAD', poorHead],
  ['that refuses HEAD', noHead],
] as const)('a registry %s', (_, head) => {
  test('is asked for the body on the condition that it is another', async () => {
    const bodies = { sent: 0 };
    await using registry = await FakeRegistry.open({ images, onRequest: [head, tagged('"abc-1"', bodies)] });
    const memory = new Memory();
    let nowMs = 0;
    const sketch = { memory, manners: between, clockMs: () => nowMs };
    expect(await ask(registry, sketch)).toBe('pulls');
    expect(askedOfTag(registry)).toEqual(['HEAD', 'GET']);
    const first = bodies.sent;
    nowMs = hourMs / 2;
    expect(await ask(registry, sketch)).toBe('pulls');
    expect(askedOfTag(registry)).toEqual(['HEAD', 'GET if "abc-1"']);
    expect(bodies.sent).toBe(first);
    nowMs = hourMs;
    expect(await ask(registry, sketch), 'an hour after the body was seen').toBe('pulls');
    expect(askedOfTag(registry)).toEqual(['HEAD', 'GET']);
    expect(bodies.sent).toBe(first + 1);
  });

  test('is asked without a condition by whoever wants to know now, and where it did not pull', async () => {
    await using registry = await FakeRegistry.open({ images, onRequest: [head, tagged('"abc-1"', { sent: 0 })] });
    const memory = new Memory();
    await ask(registry, { memory, manners: between });
    await ask(registry, { memory });
    expect(askedOfTag(registry)).toEqual(['HEAD', 'GET']);
    memory.tags.judged(`reg.test:${registry.port}/team/app:v1`, [], false);
    await ask(registry, { memory, manners: between });
    expect(askedOfTag(registry)).toEqual(['HEAD', 'GET']);
  });

  test('whose content has moved gives the new one', async () => {
    await using registry = await FakeRegistry.open({ images, onRequest: head });
    const memory = new Memory();
    await ask(registry, { memory, manners: between });
    const moved = image({ seed: 'moved' });
    registry.put('team/app:v1', moved);
    const node = nodeOf({ registries: { 'reg.test': registry } });
    const wanted = `reg.test:${registry.port}/team/app:v1`;
    const report = await pullOf(node, wanted, { memory, manners: between });
    expect(report.attempts[0]?.ending).toMatchObject({ content: { digest: moved.top.digest } });
  });

  const conditional = (script: Script): Script =>
    wrong.onManifests(wrong.ifSeen(({ headers }) => headers['if-none-match'] !== undefined, script));

  test.each<readonly [what: string, script: Script]>([
    ['404', wrong.refuses(404)],
    ['412', wrong.refuses(412)],
    ['500', wrong.refuses(500)],
    ['304 with another ETag', wrong.sends(304, { etag: '"another"' })],
    ['304 with another digest', wrong.sends(304, { 'docker-content-digest': image({ seed: 'x' }).top.digest })],
  ])('and answers a condition with %s is asked plainly, and then always', async (__, script) => {
    await using registry = await FakeRegistry.open({ images, onRequest: head });
    const memory = new Memory();
    await ask(registry, { memory, manners: between });
    registry.play(conditional(script), head);
    expect(await ask(registry, { memory, manners: between })).toBe('pulls');
    expect(askedOfTag(registry).at(-1)).toBe('GET');
    expect(await ask(registry, { memory, manners: between })).toBe('pulls');
    expect(askedOfTag(registry)).toEqual(['HEAD', 'GET']);
  });

  test.each([429, 403] as const)('and answers a condition with %i is not asked again for that', async (status) => {
    await using registry = await FakeRegistry.open({ images, onRequest: head });
    const memory = new Memory();
    await ask(registry, { memory, manners: between });
    registry.play(conditional(wrong.refuses(status, 'X', 'no', { 'retry-after': '60' })), head);
    expect(await ask(registry, { memory, manners: between })).toMatch(/^fails/);
    expect(askedOfTag(registry).filter((line) => line.startsWith('GET'))).toEqual([`GET if "${app.top.digest}"`]);
  });
});

test.each([
  ['strong', '"abc"', 'GET if "abc"'],
  ['weak, which vouches for no bytes', 'W/"abc"', 'GET if "DIGEST"'],
  ['the digest', `"${app.top.digest}"`, 'GET if "DIGEST"'],
  ['the digest, weakened on the way', `W/"${app.top.digest}"`, 'GET if "DIGEST"'],
  ['no quoted text', 'abc', 'GET if "DIGEST"'],
  ['beyond measure', `"${'x'.repeat(201)}"`, 'GET if "DIGEST"'],
])('an ETag that is %s is taken for what it is', async (_, etag, expected) => {
  await using registry = await FakeRegistry.open({ images, onRequest: [poorHead, tagged(etag, { sent: 0 })] });
  const memory = new Memory();
  await ask(registry, { memory, manners: between });
  expect(await ask(registry, { memory, manners: between })).toBe('pulls');
  expect(askedOfTag(registry)[1]?.replace(app.top.digest, 'DIGEST')).toBe(expected);
});

test('a registry that counts what it serves is asked for no body on any condition', async () => {
  await using registry = await FakeRegistry.open({ images, onRequest: poorHead });
  const memory = new Memory();
  await ask(registry, { memory, manners: between });
  memory.keepMetered(`reg.test:${registry.port}`);
  expect(await ask(registry, { memory, manners: between })).toBe('unknown agent.spends_quota');
  expect(askedOfTag(registry)).toEqual(['HEAD']);
});
