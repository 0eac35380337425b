/** No harm: no quota spent, no registry hammered, nothing read twice. */
import { describe, expect, test } from 'vitest';
import { Memory } from '#runtime/attempt/memory.ts';
import { FakeRegistry, image, type RegistryWish, type Script } from '../../kit/fake-registry.ts';
import * as wrong from '../../kit/misbehaviour.ts';
import { asked, demandFor, gist, nodeOf, pass, plain, pullOf, short, toml, type NodeSketch } from '../../kit/stage.ts';

const app = image({ seed: 'app' });
const users = { puller: 's3cret' };
const limits = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' };

/** Docker Hub by its name, at a fake. */
function hubAt(registry: FakeRegistry, name = 'registry-1.docker.io'): NodeSketch {
  return { hosts: { [name]: ['127.0.0.1'] }, dirs: { 'docker.io': toml(plain(`${name}:${registry.port}`)) } };
}

function manifestGets(registry: FakeRegistry): readonly string[] {
  return asked(registry).filter((line) => line.startsWith('GET') && line.includes('/manifests/'));
}

const poorHead = wrong.onMethod('HEAD', wrong.sends(200, { 'content-type': app.top.mediaType }, 'x'));

describe('Docker Hub', () => {
  const sampleRequests: readonly (readonly [what: string, script: Script | undefined, expected: string])[] = [
    ['that is well', undefined, 'pulls'],
    ['that answers 404', wrong.refuses(404, 'MANIFEST_UNKNOWN'), 'fails manifest.unknown_tag'],
    ['that answers 403', wrong.refuses(403, 'DENIED'), 'fails auth.denied'],
    ['that answers HEAD with 405', wrong.headNotAllowed(), 'unknown agent.spends_quota'],
    ['that names no digest', poorHead, 'unknown agent.spends_quota'],
    ['that answers 429', wrong.refuses(429), 'fails api.rate_limited'],
    ['that answers 500', wrong.refuses(500), 'fails api.unavailable'],
    [
      'that has no quota left',
      wrong.onMethod(
        'HEAD',
        ({ found, send }) =>
          found &&
          send(
            200,
            {
              ...limits,
              'ratelimit-remaining': '0;w=21600',
              'content-type': found.mediaType,
              'docker-content-digest': found.digest,
            },
            found.bytes,
          ),
      ),
      'fails api.rate_limited',
    ],
  ];

  test.each(sampleRequests)('%s gets no GET of a manifest', async (_, script, expected) => {
    for (const version of ['1.7.34', '2.1.9', '2.3.4']) {
      await using hub = await FakeRegistry.open({
        images: { 'library/nginx:1': app },
        ...(script === undefined ? {} : { onRequest: wrong.onManifests(script) }),
      });
      const report = await pullOf(nodeOf({ version, ...hubAt(hub) }), 'nginx:1');
      expect(gist(report)).toBe(expected);
      expect(manifestGets(hub)).toEqual([]);
    }
  });

  test.each(['registry-1.docker.io', 'index.docker.io', 'mirror.test'])(
    'at %s the tag is resolved and no more is looked at',
    async (name) => {
      await using hub = await FakeRegistry.open({ images: { 'library/nginx:1': app } });
      const report = await pullOf(nodeOf(hubAt(hub, name)), 'nginx:1');
      expect(gist(report)).toBe('pulls');
      expect(report.verdict.confidence).toMatchObject({ is: 'approximate' });
      expect(asked(hub).map((line) => line.split(' ')[0])).toEqual(['HEAD']);
    },
  );

  test('by digest is as free', async () => {
    await using hub = await FakeRegistry.open({ images: { 'library/nginx:1': app } });
    expect(gist(await pullOf(nodeOf(hubAt(hub)), `nginx@${app.top.digest}`))).toBe('pulls');
    expect(manifestGets(hub)).toEqual([]);
  });

  test('as a registry of its own, by its other names', async () => {
    await using hub = await FakeRegistry.open({ images: { 'library/nginx:1': app } });
    const name = 'registry-1.docker.io';
    const node = nodeOf({ hosts: { [name]: ['127.0.0.1'] }, registries: { [name]: hub } });
    await pullOf(node, `${name}:${hub.port}/library/nginx:1`);
    expect(manifestGets(hub)).toEqual([]);
  });

  test('with --spend is asked like any other', async () => {
    await using hub = await FakeRegistry.open({ images: { 'library/nginx:1': app } });
    const report = await pullOf(nodeOf(hubAt(hub)), 'nginx:1', { manners: { spend: true } });
    expect(gist(report)).toBe('pulls');
    expect(report.verdict.confidence).toEqual({ is: 'exact', because: [] });
    expect(manifestGets(hub)).toHaveLength(1);
  });

  test('a manifest that is on the node is looked at all the same', async () => {
    await using hub = await FakeRegistry.open({ images: { 'library/nginx:1': app } });
    const content = new Map([[app.top.digest, new Uint8Array(app.top.bytes)]]);
    const report = await pullOf(nodeOf(hubAt(hub)), 'nginx:1', { content });
    expect(report.verdict.confidence).toEqual({ is: 'exact', because: [] });
    expect(manifestGets(hub)).toEqual([]);
    expect(asked(hub)).toHaveLength(3);
  });

  test('an index on the node whose manifest is not leads to no GET', async () => {
    const built = image({ platforms: ['linux/amd64', 'linux/arm64'] });
    await using hub = await FakeRegistry.open({ images: { 'library/nginx:1': built } });
    const content = new Map([[built.top.digest, new Uint8Array(built.top.bytes)]]);
    const report = await pullOf(nodeOf(hubAt(hub)), 'nginx:1', { content });
    expect(gist(report)).toBe('pulls');
    expect(manifestGets(hub)).toEqual([]);
  });
});

describe('a registry that says it counts', () => {
  test('is believed from the first answer on', async () => {
    await using registry = await FakeRegistry.open({
      images: { 'team/app:v1': app, 'team/app:v2': app },
      headers: limits,
    });
    const host = `reg.test:${registry.port}`;
    const node = nodeOf({ registries: { 'reg.test': registry } });
    const memory = new Memory();
    const both = [`${host}/team/app:v1`, `${host}/team/app:v2`];
    await pass(node, both, { memory });
    await pass(node, both, { memory });
    expect(manifestGets(registry)).toEqual([]);
  });

  test('is believed also when what it says comes with an answer that is no good', async () => {
    for (const script of [
      poorHeadWith(limits),
      wrong.refuses(404, 'MANIFEST_UNKNOWN', 'gone', limits),
      wrong.refuses(403, 'DENIED', 'no', limits),
    ]) {
      await using registry = await FakeRegistry.open({
        images: { 'team/app:v1': app },
        onRequest: wrong.onManifests(script),
      });
      await pullOf(
        nodeOf({ version: '2.3.4', registries: { 'reg.test': registry } }),
        `reg.test:${registry.port}/team/app:v1`,
      );
      expect(manifestGets(registry)).toEqual([]);
    }
  });

  test('HEAD 405 with what it counts is not turned into a GET', async () => {
    const script = wrong.onMethod('HEAD', wrong.sends(405, limits));
    await using registry = await FakeRegistry.open({
      images: { 'team/app:v1': app },
      onRequest: wrong.onManifests(script),
    });
    const report = await pullOf(
      nodeOf({ registries: { 'reg.test': registry } }),
      `reg.test:${registry.port}/team/app:v1`,
    );
    expect(gist(report)).toBe('unknown agent.spends_quota');
    expect(manifestGets(registry)).toEqual([]);
  });

  test('and is configured as such needs not say so', async () => {
    await using registry = await FakeRegistry.open({ images: { 'team/app:v1': app } });
    const memory = new Memory();
    memory.keepMetered(`reg.test:${registry.port}`);
    await pullOf(nodeOf({ registries: { 'reg.test': registry } }), `reg.test:${registry.port}/team/app:v1`, { memory });
    expect(manifestGets(registry)).toEqual([]);
  });

  test('a mirror does not spend what the registry behind it counts', async () => {
    await using mirror = await FakeRegistry.open();
    await using origin = await FakeRegistry.open({ images: { 'team/app:v1': app }, headers: limits });
    const node = nodeOf({
      hosts: { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'] },
      dirs: { 'reg.test': toml(plain(`reg.test:${origin.port}`), plain(`mirror.test:${mirror.port}`)) },
    });
    await pullOf(node, 'reg.test/team/app:v1');
    expect(manifestGets(origin)).toEqual([]);
  });

  test('is not asked for a manifest where an unmetered mirror resolved and then lacks it', async () => {
    await using mirror = await FakeRegistry.open({
      images: { 'team/app:v1': app },
      onRequest: wrong.onManifests(wrong.onMethod('GET', wrong.refuses(404))),
    });
    await using origin = await FakeRegistry.open({ images: { 'team/app:v1': app }, headers: limits });
    const memory = new Memory();
    memory.keepMetered(`reg.test:${origin.port}`);
    const node = nodeOf({
      hosts: { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'] },
      dirs: { 'reg.test': toml(plain(`reg.test:${origin.port}`), plain(`mirror.test:${mirror.port}`)) },
    });
    const report = await pullOf(node, 'reg.test/team/app:v1', { memory });
    expect(gist(report)).toBe('unknown agent.spends_quota');
    expect(manifestGets(origin)).toEqual([]);
  });
});

function poorHeadWith(headers: Readonly<Record<string, string>>): Script {
  return wrong.onMethod('HEAD', wrong.sends(200, { ...headers, 'content-type': app.top.mediaType }, 'x'));
}

describe('"too many"', () => {
  const many = ['one', 'two', 'three', 'four', 'five'];
  const shelf = Object.fromEntries(many.map((name) => [`team/${name}:v1`, app]));

  test.each([
    [
      'the registry',
      wrong.onManifests(wrong.refuses(429, 'TOOMANYREQUESTS', 'slow down', { 'retry-after': '60' })),
      undefined,
    ],
    ['the token service', wrong.onTokens(wrong.refuses(429)), { scheme: 'bearer', users } as const],
    [
      'whoever serves content',
      wrong.onMethod('GET', wrong.refuses(429, 'TOOMANYREQUESTS', 'no', { 'retry-after': '9' })),
      undefined,
    ],
  ])(
    'from %s stops the other images of this pass and of later ones, in the same words, until its time is over',
    async (_, script, auth) => {
      await using registry = await FakeRegistry.open({
        images: shelf,
        onRequest: script,
        ...(auth === undefined ? {} : { auth }),
      });
      const host = `reg.test:${registry.port}`;
      const node = nodeOf({ registries: { 'reg.test': registry } });
      let nowMs = 0;
      const own = { memory: new Memory(), clockMs: () => nowMs };
      const wanted = many.map((name) => `${host}/team/${name}:v1`);
      const reports = await pass(node, wanted, own);
      const limited = registry.requests.length;
      expect(reports.map(gist)).toEqual(many.map(() => 'fails api.rate_limited'));
      expect(limited).toBeLessThanOrEqual(4);
      for (const report of reports.slice(1)) expect(report.kubelet?.waitingMessage).toContain('429 Too Many Requests');
      expect(reports[1]?.kubelet?.waitingMessage).not.toContain('api.rate_limited');
      nowMs = 8_000;
      expect((await pass(node, wanted.slice(0, 1), own)).map(gist)).toEqual(['fails api.rate_limited']);
      expect(registry.requests).toHaveLength(limited);
      nowMs = 61_000;
      await pass(node, wanted.slice(0, 1), own);
      expect(registry.requests.length).toBeGreaterThan(limited);
    },
  );

  test('at one registry is nothing to another', async () => {
    await using busy = await FakeRegistry.open({
      images: shelf,
      onRequest: wrong.refuses(429, 'X', 'x', { 'retry-after': '9' }),
    });
    await using calm = await FakeRegistry.open({ images: shelf });
    const node = nodeOf({ registries: { 'busy.test': busy, 'calm.test': calm } });
    const reports = await pass(node, [`busy.test:${busy.port}/team/one:v1`, `calm.test:${calm.port}/team/one:v1`]);
    expect(reports.map(gist)).toEqual(['fails api.rate_limited', 'pulls']);
  });

  test('at a mirror leaves the registry itself to be asked', async () => {
    await using mirror = await FakeRegistry.open({ onRequest: wrong.refuses(429, 'X', 'x', { 'retry-after': '9' }) });
    await using origin = await FakeRegistry.open({ images: shelf });
    const node = nodeOf({
      hosts: { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'] },
      dirs: { 'reg.test': toml(plain(`reg.test:${origin.port}`), plain(`mirror.test:${mirror.port}`)) },
    });
    const reports = await pass(
      node,
      many.map((name) => `reg.test/team/${name}:v1`),
    );
    expect(reports.every(({ verdict }) => verdict.is === 'pulls' || verdict.is === 'at_risk')).toBe(true);
    expect(mirror.requests).toHaveLength(1);
  });
});

describe('content', () => {
  test('is fetched once over two passes; after that the tag is asked for, and one small blob, to see that its host answers', async () => {
    await using registry = await FakeRegistry.open({ images: { 'team/app:v1': app } });
    const node = nodeOf({ registries: { 'reg.test': registry } });
    const memory = new Memory();
    const wanted = `reg.test:${registry.port}/team/app:v1`;
    await pullOf(node, wanted, { memory });
    const before = registry.requests.length;
    const second = await pullOf(node, wanted, { memory });
    expect(gist(second)).toBe('pulls');
    const config = short(app.manifests[0].config.digest);
    expect(asked(registry).slice(before)).toEqual([
      'HEAD /v2/team/app/manifests/v1',
      `GET /v2/team/app/blobs/${config}`,
    ]);
    expect(second.attempts[0]?.ending).toMatchObject({
      content: { blobHosts: [`reg.test:${registry.port}`], depth: 'blobs_sampled' },
    });
  });

  test('that failed is asked for again', async () => {
    await using registry = await FakeRegistry.open({
      images: { 'team/app:v1': app },
      onRequest: wrong.onBlobs(wrong.refuses(503)),
    });
    const node = nodeOf({ registries: { 'reg.test': registry } });
    const memory = new Memory();
    const wanted = `reg.test:${registry.port}/team/app:v1`;
    expect(gist(await pullOf(node, wanted, { memory }))).toBe('fails blob.unavailable');
    registry.play();
    expect(gist(await pullOf(node, wanted, { memory }))).toBe('pulls');
  });

  test('of another repository is asked for there', async () => {
    await using registry = await FakeRegistry.open({ images: { 'team/app:v1': app } });
    const host = `reg.test:${registry.port}`;
    const node = nodeOf({ registries: { 'reg.test': registry } });
    const reports = await pass(node, [`${host}/team/app:v1`, `${host}/team/other@${app.top.digest}`]);
    expect(reports.map(gist)).toEqual(['pulls', 'fails manifest.unknown_repository']);
  });

  test('a mirror is asked whether the tag still is what it was', async () => {
    await using mirror = await FakeRegistry.open({ images: { 'team/app:v1': app } });
    const node = nodeOf({
      hosts: { 'mirror.test': ['127.0.0.1'] },
      dirs: { 'reg.test': toml(plain('reg.test'), plain(`mirror.test:${mirror.port}`)) },
    });
    const memory = new Memory();
    await pullOf(node, 'reg.test/team/app:v1', { memory });
    mirror.forget();
    expect(gist(await pullOf(node, 'reg.test/team/app:v1', { memory }))).toBe('pulls');
    expect(mirror.requests[0]?.headers['if-none-match']).toEqual([`"${app.top.digest}"`]);
    expect(manifestGets(mirror)).toEqual([]);
  });

  test('of a tag that moved is the new one', async () => {
    await using mirror = await FakeRegistry.open({ images: { 'team/app:v1': app } });
    const node = nodeOf({
      hosts: { 'mirror.test': ['127.0.0.1'] },
      dirs: { 'reg.test': toml(plain('reg.test'), plain(`mirror.test:${mirror.port}`)) },
    });
    const memory = new Memory();
    await pullOf(node, 'reg.test/team/app:v1', { memory });
    const moved = image({ seed: 'moved' });
    mirror.put('team/app:v1', moved);
    const report = await pullOf(node, 'reg.test/team/app:v1', { memory });
    expect(report.attempts[0]?.ending).toMatchObject({ content: { digest: moved.top.digest } });
  });
});

describe('a large layer', () => {
  const large = image({ layers: [3_000_000], seed: 'large' });
  const [layer] = large.manifests[0].layers;

  async function bytesRead(
    request: RegistryWish,
    manners = {},
  ): Promise<{ readonly gist: string; readonly bytes: number; readonly depth: unknown }> {
    await using registry = await FakeRegistry.open({ images: { 'team/app:v1': large }, ...request });
    const report = await pullOf(
      nodeOf({ registries: { 'reg.test': registry } }),
      `reg.test:${registry.port}/team/app:v1`,
      { manners },
    );
    const facts = report.attempts.flatMap(({ exchanges }) => exchanges).findLast(({ act }) => act === 'layer')?.outcome;
    const ending = report.attempts[0]?.ending;
    return {
      gist: gist(report),
      bytes: facts?.ok === true ? facts.value.bytes : -1,
      depth: ending?.is === 'pulled' ? ending.content.depth : undefined,
    };
  }

  test('is sampled', async () => {
    expect(await bytesRead({})).toEqual({ gist: 'pulls', bytes: 4096, depth: 'blobs_sampled' });
  });

  test('from a server that knows no ranges is read no further', async () => {
    const whole = wrong.ifSeen(
      ({ url }) => url.includes(layer?.digest ?? ''),
      ({ found, send }) => found && send(200, {}, found.bytes),
    );
    expect(await bytesRead({ onRequest: whole })).toEqual({ gist: 'pulls', bytes: 4096, depth: 'blobs_sampled' });
  });

  test('from a server that refuses ranges is asked for without one', async () => {
    const refuses = wrong.ifSeen(({ headers }) => headers['range'] !== undefined, wrong.refuses(416));
    expect(await bytesRead({ onRequest: refuses })).toMatchObject({ gist: 'pulls', bytes: 4096 });
  });

  test('of another size than announced is found out', async () => {
    const other = wrong.ifSeen(
      ({ url }) => url.includes(layer?.digest ?? ''),
      ({ send }) => send(206, { 'content-range': 'bytes 0-4095/9999999' }, Buffer.alloc(4096)),
    );
    expect((await bytesRead({ onRequest: other })).gist).toBe('fails blob.digest_mismatch');
    const shorter = wrong.ifSeen(
      ({ url }) => url.includes(layer?.digest ?? ''),
      ({ send }) => send(200, {}, Buffer.alloc(5000)),
    );
    expect((await bytesRead({ onRequest: shorter })).gist).toBe('fails blob.interrupted');
  });

  test('with --verify is read and hashed whole', async () => {
    expect(await bytesRead({}, { verify: true })).toMatchObject({ gist: 'pulls', depth: 'blobs_verified' });
    const corrupt = wrong.corrupts(layer?.digest ?? '');
    expect((await bytesRead({ onRequest: corrupt }, { verify: true })).gist).toBe('fails blob.digest_mismatch');
    expect((await bytesRead({ onRequest: corrupt })).gist).toBe('pulls');
  });
});

test('no blob is read beyond 64 KiB, whatever is sent', async () => {
  const built = image({ layers: [55_000, 64_000, 70_000], seed: 'sizes' });
  await using registry = await FakeRegistry.open({
    images: { 'team/app:v1': built },
    onRequest: wrong.onBlobs(wrong.neverEnds()),
  });
  const report = await pullOf(
    nodeOf({ registries: { 'reg.test': registry } }),
    `reg.test:${registry.port}/team/app:v1`,
  );
  expect(report.verdict.is).toBe('fails');
  for (const { outcome, act } of report.attempts.flatMap(({ exchanges }) => exchanges)) {
    if (outcome.ok && (act === 'layer' || act === 'config')) expect(outcome.value.bytes).toBeLessThanOrEqual(64 * 1024);
  }
});

test('connections are kept and few', async () => {
  await using registry = await FakeRegistry.open({ images: { 'team/app:v1': app } });
  const host = `reg.test:${registry.port}`;
  await pass(nodeOf({ registries: { 'reg.test': registry } }), [`${host}/team/app:v1`]);
  expect(registry.connections).toBe(1);
});

test('policy Never asks nobody', async () => {
  await using registry = await FakeRegistry.open({ images: { 'team/app:v1': app } });
  const written = `reg.test:${registry.port}/team/app:v1`;
  const node = nodeOf({ registries: { 'reg.test': registry } });
  const never = (present: 'yes' | 'no' | 'unknown') => demandFor(written, { policy: 'Never', present });
  expect(gist(await pullOf(node, never('yes')))).toBe('pulls');
  expect(gist(await pullOf(node, never('no')))).toBe('fails image.never_pulled');
  expect(gist(await pullOf(node, never('unknown')))).toBe('unknown agent.cannot_see');
  expect(registry.requests).toEqual([]);
});
