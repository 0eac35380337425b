/** What is sent, in order, for whole pulls that succeed: the same requests as containerd's, up to the layers' bytes. */
import { describe, expect, test } from 'vitest';
import type { NodeView } from '#node/view.ts';
import type { SeenRequest } from '../../kit/fake-registry.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import * as wrong from '../../kit/misbehaviour.ts';
import {
  asked,
  demandFor,
  engines,
  gist,
  nodeOf,
  pass,
  plain,
  pullOf,
  pullSecret,
  short,
  toml,
} from '../../kit/stage.ts';

const app = image({ seed: 'app' });
const [manifest] = app.manifests;
const [layer] = manifest.layers;
const digests = {
  top: short(app.top.digest),
  config: short(manifest.config.digest),
  layer: short(layer?.digest ?? ''),
};
const at = '/v2/team/app';
const images = { 'team/app:v1': app };
const users = { puller: 's3cret' };

/** The requests of a pull that is asked for nothing but itself. */
const bare = [
  `HEAD ${at}/manifests/v1`,
  `GET ${at}/manifests/${digests.top}`,
  `GET ${at}/blobs/${digests.config}`,
  `GET ${at}/blobs/${digests.layer}`,
];
const with_ = (scheme: string, requests: readonly string[]): readonly string[] =>
  requests.map((line) => `${line} [${scheme}]`);

function value({ headers }: SeenRequest, name: string): readonly string[] | undefined {
  return headers[name];
}

describe.each(engines)('containerd %s', (version) => {
  test('an anonymous pull: HEAD, manifest, config, layer', async () => {
    await using registry = await FakeRegistry.open({ images });
    const report = await pullOf(
      nodeOf({ version, registries: { 'reg.test': registry } }),
      `reg.test:${registry.port}/team/app:v1`,
    );
    expect(gist(report)).toBe('pulls');
    expect(asked(registry)).toEqual(bare);
  });

  test('headers are its own', async () => {
    await using registry = await FakeRegistry.open({ images });
    await pullOf(nodeOf({ version, registries: { 'reg.test': registry } }), `reg.test:${registry.port}/team/app:v1`);
    const [head, get, config] = registry.requests;
    expect(registry.requests.map((one) => value(one, 'user-agent'))).toEqual(Array(4).fill([`containerd/${version}`]));
    expect(registry.requests.map(({ host }) => host)).toEqual(Array(4).fill(`reg.test:${registry.port}`));
    expect(head && value(head, 'accept')).toEqual([
      'application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, ' +
        'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*',
    ]);
    expect(head && value(head, 'accept-encoding')).toBeUndefined();
    expect(get && value(get, 'accept')).toEqual(['application/vnd.oci.image.manifest.v1+json, */*']);
    expect(config && value(config, 'accept')).toEqual(['application/vnd.oci.image.config.v1+json, */*']);
    const encodings = version.startsWith('1.') ? 'gzip' : 'zstd;q=1.0, gzip;q=0.8, deflate;q=0.5';
    expect(get && value(get, 'accept-encoding')).toEqual([encodings]);
  });

  test('Basic: never preemptive, then with every request', async () => {
    await using registry = await FakeRegistry.open({ images, auth: { scheme: 'basic', users } });
    const name = `reg.test:${registry.port}`;
    const demand = demandFor(`${name}/team/app:v1`, { secrets: [pullSecret('hub', { [name]: ['puller', 's3cret'] })] });
    expect(gist(await pullOf(nodeOf({ version, registries: { 'reg.test': registry } }), demand))).toBe('pulls');
    expect(asked(registry)).toEqual([bare[0], ...with_('Basic', bare)]);
  });

  test('Bearer with a password: POST, and the token with every request', async () => {
    await using registry = await FakeRegistry.open({ images, auth: { scheme: 'bearer', users } });
    const name = `reg.test:${registry.port}`;
    const demand = demandFor(`${name}/team/app:v1`, { secrets: [pullSecret('hub', { [name]: ['puller', 's3cret'] })] });
    expect(gist(await pullOf(nodeOf({ version, registries: { 'reg.test': registry } }), demand))).toBe('pulls');
    expect(asked(registry)).toEqual([bare[0], 'POST /token', ...with_('Bearer', bare)]);
    const [, post] = registry.requests;
    expect(post?.body).toBe(
      'client_id=containerd-client&grant_type=password&password=s3cret&scope=repository%3Ateam%2Fapp%3Apull&service=fake+registry&username=puller',
    );
    expect(post && value(post, 'content-type')).toEqual(['application/x-www-form-urlencoded; charset=utf-8']);
    expect(post && value(post, 'user-agent')).toEqual([`containerd/${version}`]);
  });

  test('Bearer without a password: one anonymous GET', async () => {
    await using registry = await FakeRegistry.open({ images, auth: { scheme: 'bearer', anonymous: true } });
    const report = await pullOf(
      nodeOf({ version, registries: { 'reg.test': registry } }),
      `reg.test:${registry.port}/team/app:v1`,
    );
    expect(gist(report)).toBe('pulls');
    expect(asked(registry)).toEqual([
      bare[0],
      'GET /token?scope=repository%3Ateam%2Fapp%3Apull&service=fake+registry',
      ...with_('Bearer', bare),
    ]);
  });

  test.each([400, 401, 404, 405])('a realm that answers POST with %s is asked by GET', async (status) => {
    await using registry = await FakeRegistry.open({
      images,
      auth: { scheme: 'bearer', users },
      onRequest: wrong.onTokens(wrong.onMethod('POST', wrong.refuses(status))),
    });
    const name = `reg.test:${registry.port}`;
    const demand = demandFor(`${name}/team/app:v1`, { secrets: [pullSecret('hub', { [name]: ['puller', 's3cret'] })] });
    expect(gist(await pullOf(nodeOf({ version, registries: { 'reg.test': registry } }), demand))).toBe('pulls');
    expect(asked(registry).slice(0, 4)).toEqual([
      bare[0],
      'POST /token',
      'GET /token?scope=repository%3Ateam%2Fapp%3Apull&service=fake+registry [Basic]',
      `${bare[0] ?? ''} [Bearer]`,
    ]);
  });

  test('HEAD that answers 405 is asked by GET', async () => {
    await using registry = await FakeRegistry.open({ images, onRequest: wrong.onManifests(wrong.headNotAllowed()) });
    const report = await pullOf(
      nodeOf({ version, registries: { 'reg.test': registry } }),
      `reg.test:${registry.port}/team/app:v1`,
    );
    expect(gist(report)).toBe('pulls');
    expect(asked(registry)).toEqual([bare[0], `GET ${at}/manifests/v1`, ...bare.slice(1)]);
  });

  test.each([
    ['a digest', wrong.noDigest()],
    [
      'a length',
      wrong.onMethod('HEAD', ({ response, found }) => {
        response.writeHead(200, {
          'content-type': found?.mediaType ?? '',
          'docker-content-digest': found?.digest ?? '',
          'transfer-encoding': 'chunked',
        });
        response.end();
        return 'done';
      }),
    ],
  ])('HEAD without %s is followed by a GET of the tag', async (_, script) => {
    await using registry = await FakeRegistry.open({
      images,
      onRequest: wrong.ifSeen(({ url }) => url.endsWith('/v1'), script),
    });
    const report = await pullOf(
      nodeOf({ version, registries: { 'reg.test': registry } }),
      `reg.test:${registry.port}/team/app:v1`,
    );
    expect(gist(report)).toBe('pulls');
    expect(asked(registry)).toEqual([bare[0], `GET ${at}/manifests/v1`, ...bare.slice(1)]);
  });

  test('a digest is asked for by its digest, and the tag beside it by nobody', async () => {
    await using registry = await FakeRegistry.open({ images });
    const written = `reg.test:${registry.port}/team/app:nope@${app.top.digest}`;
    expect(gist(await pullOf(nodeOf({ version, registries: { 'reg.test': registry } }), written))).toBe('pulls');
    expect(asked(registry)).toEqual([`HEAD ${at}/manifests/${digests.top}`, ...bare.slice(1)]);
  });

  test('an index: index, the manifest for this node, its blobs', async () => {
    const built = image({ platforms: ['linux/arm64', 'linux/amd64', 'linux/s390x'], seed: 'index' });
    await using registry = await FakeRegistry.open({ images: { 'team/app:v1': built } });
    const node = nodeOf({ version, registries: { 'reg.test': registry } });
    const report = await pullOf(node, `reg.test:${registry.port}/team/app:v1`);
    const own = built.manifests[1];
    expect(gist(report)).toBe('pulls');
    expect(asked(registry)).toEqual([
      `HEAD ${at}/manifests/v1`,
      `GET ${at}/manifests/${short(built.top.digest)}`,
      `GET ${at}/manifests/${short(own?.digest ?? '')}`,
      ...[own?.config, ...(own?.layers ?? [])].map((blob) => `GET ${at}/blobs/${short(blob?.digest ?? '')}`),
    ]);
  });

  test('a manifest for another architecture pulls where no index says so', async () => {
    const built = image({ platforms: ['linux/s390x'] });
    await using registry = await FakeRegistry.open({ images: { 'team/app:v1': built } });
    const node = nodeOf({ version, registries: { 'reg.test': registry } });
    expect(gist(await pullOf(node, `reg.test:${registry.port}/team/app:v1`))).toBe('pulls');
  });

  test('a mirror is told the namespace, and nobody else', async () => {
    await using mirror = await FakeRegistry.open({ images });
    const node = nodeOf({
      version,
      hosts: { 'mirror.test': ['127.0.0.1'] },
      dirs: { 'reg.test': toml(plain('reg.test'), plain(`mirror.test:${mirror.port}`)) },
    });
    expect(gist(await pullOf(node, 'reg.test/team/app:v1'))).toBe('pulls');
    expect(asked(mirror)).toEqual(bare.map((line) => `${line}?ns=reg.test`));
  });

  test('a mirror below a path gets both scopes in one token', async () => {
    await using mirror = await FakeRegistry.open({
      images: { 'proxy/team/app:v1': app },
      auth: { scheme: 'bearer', anonymous: true },
    });
    const node = nodeOf({
      version,
      hosts: { 'mirror.test': ['127.0.0.1'] },
      dirs: {
        'reg.test': toml(plain('reg.test'), plain(`mirror.test:${mirror.port}/v2/proxy`, { overridePath: true })),
      },
    });
    expect(gist(await pullOf(node, 'reg.test/team/app:v1'))).toBe('pulls');
    expect(asked(mirror).slice(0, 3)).toEqual([
      'HEAD /v2/proxy/team/app/manifests/v1?ns=reg.test',
      'GET /token?scope=repository%3Aproxy%2Fteam%2Fapp%3Apull&scope=repository%3Ateam%2Fapp%3Apull&service=fake+registry',
      'HEAD /v2/proxy/team/app/manifests/v1?ns=reg.test [Bearer]',
    ]);
  });
});

/** A mirror that may serve content, and may not say what a tag leads to. */
const pullingFrom = (mirror: FakeRegistry, origin: FakeRegistry): NodeView =>
  nodeOf({
    hosts: { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'] },
    dirs: {
      [`reg.test:${origin.port}`]: toml(
        plain(`reg.test:${origin.port}`),
        plain(`mirror.test:${mirror.port}`, { capabilities: ['pull'] }),
      ),
    },
  });

describe('mirrors and the registry itself', () => {
  const mirrored = (mirror: FakeRegistry, origin: FakeRegistry, version = '2.1.9') =>
    nodeOf({
      version,
      hosts: { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'] },
      dirs: {
        [`reg.test:${origin.port}`]: toml(plain(`reg.test:${origin.port}`), plain(`mirror.test:${mirror.port}`)),
      },
    });

  test('404 at the mirror: resolved by the registry itself, and every object is asked for at the mirror first again', async () => {
    await using mirror = await FakeRegistry.open();
    await using origin = await FakeRegistry.open({ images });
    const report = await pullOf(mirrored(mirror, origin), `reg.test:${origin.port}/team/app:v1`);
    expect(gist(report)).toBe('pulls');
    expect(asked(mirror)).toEqual(bare.map((line) => `${line}?ns=reg.test%3A${origin.port}`));
    expect(asked(origin)).toEqual(bare);
  });

  test.each([404, 500, 403])(
    'a layer that the mirror answers with %s is taken from the registry itself',
    async (status) => {
      await using mirror = await FakeRegistry.open({
        images,
        onRequest: wrong.ifSeen(({ url }) => url.includes(layer?.digest ?? ''), wrong.refuses(status)),
      });
      await using origin = await FakeRegistry.open({ images });
      const report = await pullOf(mirrored(mirror, origin), `reg.test:${origin.port}/team/app:v1`);
      expect(report.verdict.is).not.toBe('fails');
      expect(asked(origin)).toEqual([bare[3]]);
      const [attempt] = report.attempts;
      expect(attempt?.ending).toMatchObject({
        content: { blobHosts: [`mirror.test:${mirror.port}`, `reg.test:${origin.port}`] },
      });
    },
  );

  test('a pull-only mirror is skipped for a tag and asked first for content', async () => {
    await using mirror = await FakeRegistry.open({ images });
    await using origin = await FakeRegistry.open({ images });
    const node = pullingFrom(mirror, origin);
    expect(gist(await pullOf(node, `reg.test:${origin.port}/team/app:v1`))).toBe('pulls');
    expect(asked(origin)).toEqual([bare[0]]);
    expect(asked(mirror)).toEqual(bare.slice(1).map((line) => `${line}?ns=reg.test%3A${origin.port}`));
  });

  test('a digest is resolved by a host that may only pull', async () => {
    await using mirror = await FakeRegistry.open({ images });
    await using origin = await FakeRegistry.open({ images });
    const node = pullingFrom(mirror, origin);
    expect(gist(await pullOf(node, `reg.test:${origin.port}/team/app@${app.top.digest}`))).toBe('pulls');
    expect(asked(origin)).toEqual([]);
  });

  test('where nobody may resolve a tag, no packet is sent', async () => {
    await using origin = await FakeRegistry.open({ images });
    const server = plain(`reg.test:${origin.port}`, { capabilities: ['pull'] });
    const node = nodeOf({ hosts: { 'reg.test': ['127.0.0.1'] }, dirs: { 'reg.test': toml(server) } });
    const report = await pullOf(node, 'reg.test/team/app:v1');
    expect(gist(report)).toBe('fails hosts.none_may_resolve');
    expect(report.kubelet?.waitingMessage).toBe(
      'rpc error: code = NotFound desc = failed to pull and unpack image "reg.test/team/app:v1": failed to resolve image: no resolve hosts: not found',
    );
    expect(origin.requests).toEqual([]);
  });
});

describe('content that is on the node', () => {
  test('a manifest in the content store is not asked for', async () => {
    await using registry = await FakeRegistry.open({ images });
    const content = new Map([[app.top.digest, new Uint8Array(app.top.bytes)]]);
    const node = nodeOf({ registries: { 'reg.test': registry } });
    expect(gist(await pullOf(node, `reg.test:${registry.port}/team/app:v1`, { content }))).toBe('pulls');
    expect(asked(registry)).toEqual([bare[0], ...bare.slice(2)]);
  });

  test('a manifest in the content store that is corrupt is asked for', async () => {
    await using registry = await FakeRegistry.open({ images });
    const content = new Map([[app.top.digest, new Uint8Array([1, 2, 3])]]);
    const node = nodeOf({ registries: { 'reg.test': registry } });
    expect(gist(await pullOf(node, `reg.test:${registry.port}/team/app:v1`, { content }))).toBe('pulls');
    expect(asked(registry)).toEqual(bare);
  });

  test('two images of one pass share manifest and blobs', async () => {
    await using registry = await FakeRegistry.open({ images: { 'team/app:v1': app, 'team/app:v2': app } });
    const name = `reg.test:${registry.port}`;
    const reports = await pass(nodeOf({ registries: { 'reg.test': registry } }), [
      `${name}/team/app:v1`,
      `${name}/team/app:v2`,
    ]);
    expect(reports.map(gist)).toEqual(['pulls', 'pulls']);
    expect(asked(registry)).toEqual([...bare, `HEAD ${at}/manifests/v2`]);
  });
});
