import { createHash } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, type Asked } from './ask.ts';
import { authority } from './authority.ts';
import { basicHeader } from './fake-registry-auth.ts';
import { FakeRegistry, image, type RegistryWish } from './fake-registry.ts';
import { ownPlatform } from './image.ts';

const app = image({ platforms: ['linux/amd64', 'linux/arm64/v8'], layers: [10, 2000] });
const tag = '/v2/team/app/manifests/v1';
const layer = app.manifests[0].layers[1];
const blob = `/v2/team/app/blobs/${layer?.digest ?? ''}`;

async function open(request: RegistryWish = {}): Promise<FakeRegistry> {
  const registry = await FakeRegistry.open({ images: { 'team/app:v1': app }, ...request });
  onTestFinished(() => registry.close());
  return registry;
}

type Scoped = Asked & { readonly scope?: string };

describe('a well-behaved registry', () => {
  test('HEAD tells a manifest by type, length and digest, and sends no body', async () => {
    const registry = await open();
    const got = await ask(registry.url + tag, { method: 'HEAD' });
    expect(got.status).toBe(200);
    expect(got.headers['docker-content-digest']).toBe(app.top.digest);
    expect(got.headers['content-length']).toBe(String(app.top.bytes.length));
    expect(got.headers['content-type']).toBe('application/vnd.oci.image.index.v1+json');
    expect(got.body.length).toBe(0);
  });

  test('every manifest and blob that an index leads to is there under its digest', async () => {
    const registry = await open();
    const index = JSON.parse((await ask(registry.url + tag)).body.toString()) as { manifests: { digest: string }[] };
    expect(index.manifests).toHaveLength(2);
    for (const { digest } of index.manifests) {
      const { body } = await ask(`${registry.url}/v2/team/app/manifests/${digest}`);
      const manifest = JSON.parse(body.toString()) as { config: { digest: string }; layers: { digest: string }[] };
      for (const part of [manifest.config, ...manifest.layers]) {
        const { body: content } = await ask(`${registry.url}/v2/team/app/blobs/${part.digest}`);
        expect(`sha256:${createHash('sha256').update(content).digest('hex')}`).toBe(part.digest);
      }
    }
  });

  test.each([
    ['bytes=0-9', 206, 10, (size: number) => `bytes 0-9/${size}`],
    ['bytes=5-', 206, -5, (size: number) => `bytes 5-${size - 1}/${size}`],
    ['bytes=999999-', 416, 0, (size: number) => `bytes */${size}`],
  ])('a blob is served in the range %s', async (range, status, length, contentRange) => {
    const registry = await open();
    const size = layer?.bytes.length ?? 0;
    const got = await ask(registry.url + blob, { headers: { range } });
    expect(got.status).toBe(status);
    expect(got.headers['content-range']).toBe(contentRange(size));
    expect(got.body.length).toBe(length < 0 ? size + length : length);
  });

  test('a manifest that the client knows is answered 304', async () => {
    const registry = await open();
    const got = await ask(registry.url + tag, { headers: { 'if-none-match': `"${app.top.digest}"` } });
    expect(got.status).toBe(304);
  });

  test.each([
    ['/v2/team/app/manifests/gone', 'MANIFEST_UNKNOWN'],
    ['/v2/team/nope/manifests/v1', 'NAME_UNKNOWN'],
    [`/v2/team/app/blobs/sha256:${'0'.repeat(64)}`, 'BLOB_UNKNOWN'],
  ])('what it does not hold is 404 with a code: %s', async (path, code) => {
    const registry = await open();
    const got = await ask(registry.url + path);
    expect(got.status).toBe(404);
    expect(JSON.parse(got.body.toString())).toMatchObject({ errors: [{ code }] });
  });

  test('a tag can be moved while it runs', async () => {
    const registry = await open();
    const next = image({ seed: 'next' });
    registry.put('team/app:v1', next);
    expect((await ask(registry.url + tag)).headers['docker-content-digest']).toBe(next.top.digest);
  });

  test('it hangs its tree where it is told', async () => {
    const registry = await open({ root: '/mirror/v2' });
    expect((await ask(`${registry.url}/mirror${tag}`)).status).toBe(200);
    expect((await ask(registry.url + tag)).status).toBe(404);
  });

  test('headers that were wished for are on manifests and blobs', async () => {
    const registry = await open({ headers: { 'ratelimit-remaining': '76;w=21600' } });
    expect((await ask(registry.url + tag)).headers['ratelimit-remaining']).toBe('76;w=21600');
    expect((await ask(registry.url + blob)).headers['ratelimit-remaining']).toBe('76;w=21600');
  });

  test('a redirected blob host sees the path and not the token', async () => {
    const cdn = await open();
    const registry = await open({ blobsAt: cdn.url });
    const got = await ask(registry.url + blob, { headers: { authorization: 'Bearer canary' } });
    expect(got.status).toBe(307);
    const followed = await ask(String(got.headers['location']));
    expect(followed.body).toEqual(layer?.bytes);
    expect(registry.requests[0]?.authorization).toBe('Bearer canary');
    expect(JSON.stringify(cdn.requests)).not.toContain('canary');
  });

  test('every request is remembered as it was sent, until it is told to forget', async () => {
    const registry = await open();
    await ask(`${registry.url}${tag}?ns=docker.io`, { headers: { accept: ['a/b', 'c/d'], 'x-team': 'shop' } });
    expect(registry.requests).toMatchObject([
      { method: 'GET', url: `${tag}?ns=docker.io`, host: registry.host, headers: { 'x-team': ['shop'] } },
    ]);
    expect(registry.connections).toBe(1);
    registry.forget();
    expect(registry.requests).toEqual([]);
  });

  test('an image for one platform alone needs no index', () => {
    const single = image({ docker: true });
    expect(single.top.mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json');
    expect(single.manifests[0].platform).toBe(ownPlatform);
    expect(image({ index: true }).top.mediaType).toBe('application/vnd.oci.image.index.v1+json');
  });

  test('an injected delay costs no answer', async () => {
    const registry = await open({ delay: { perRequestMs: 1, perConnectionMs: 1 } });
    expect((await ask(registry.url + tag)).status).toBe(200);
  });
});

describe('a registry that wants to know its clients', () => {
  const users = { puller: 's3cret' };

  test.each([
    ['no credentials', undefined, 401],
    ['the wrong password', basicHeader('puller', 'old'), 401],
    ['another scheme', 'Bearer s3cret', 401],
    ['the right password', basicHeader('puller', 's3cret'), 200],
  ])('Basic: %s', async (_, authorization, status) => {
    const registry = await open({ auth: { scheme: 'basic', users } });
    const got = await ask(registry.url + tag, { headers: authorization === undefined ? {} : { authorization } });
    expect(got.status).toBe(status);
    if (status === 401) expect(got.headers['www-authenticate']).toBe('Basic realm="fake registry"');
  });

  test('Bearer: the challenge names the realm by which the client called it, the service and the scope', async () => {
    const registry = await open({ auth: { scheme: 'bearer', users } });
    const got = await ask(registry.url + tag, { headers: { host: 'registry.example.test:5000' } });
    expect(got.headers['www-authenticate']).toBe(
      'Bearer realm="http://registry.example.test:5000/token",service="fake registry",scope="repository:team/app:pull"',
    );
  });

  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const grant = 'grant_type=password&client_id=x&service=s&scope=repository:team/app:pull&username=puller';
  const scoped = '?service=s&scope=repository:team/app:pull';
  test.each<[string, Scoped, number, number]>([
    ['POST with the password', { method: 'POST', headers: form, body: `${grant}&password=s3cret` }, 200, 200],
    ['POST with another', { method: 'POST', headers: form, body: `${grant}&password=old` }, 401, 401],
    ['GET with the password', { scope: scoped, headers: { authorization: basicHeader('puller', 's3cret') } }, 200, 200],
    ['GET with another', { scope: scoped, headers: { authorization: basicHeader('puller', 'old') } }, 401, 401],
    ['GET as nobody', { scope: scoped }, 200, 401],
    ['GET for no scope', { headers: { authorization: basicHeader('puller', 's3cret') } }, 200, 401],
  ])('Bearer: a token by %s', async (_, { scope = '', ...options }, tokenStatus, status) => {
    const registry = await open({ auth: { scheme: 'bearer', users, field: 'access_token' } });
    const answer = await ask(`${registry.url}/token${scope}`, options);
    expect(answer.status).toBe(tokenStatus);
    const { access_token: token = 'none' } = JSON.parse(answer.body.toString()) as { access_token?: string };
    expect((await ask(registry.url + tag, { headers: { authorization: `Bearer ${token}` } })).status).toBe(status);
  });

  test('Bearer: a token for nobody pulls where that is wished, and for that repository alone', async () => {
    const registry = await open({ auth: { scheme: 'bearer', anonymous: true } });
    const { body } = await ask(`${registry.url}/token${scoped}`);
    const authorization = `Bearer ${(JSON.parse(body.toString()) as { token: string }).token}`;
    expect((await ask(registry.url + tag, { headers: { authorization } })).status).toBe(200);
    const other = await ask(`${registry.url}/v2/team/other/manifests/v1`, { headers: { authorization } });
    expect(other.headers['www-authenticate']).toContain('error="insufficient_scope"');
  });

  test('Bearer: an old realm answers 405 to POST', async () => {
    const registry = await open({ auth: { scheme: 'bearer', users, acceptsPost: false } });
    expect((await ask(`${registry.url}/token`, { method: 'POST', headers: form, body: grant })).status).toBe(405);
  });
});

describe('a registry over TLS', () => {
  test('it shows the certificate that it was given', async () => {
    const ca = await authority('Test CA');
    const registry = await open({ tls: await ca.issue({ names: ['127.0.0.1'] }) });
    expect((await ask(registry.url + tag, { tls: { ca: ca.cert } })).status).toBe(200);
    const { cert } = await authority('Another CA');
    await expect(ask(registry.url + tag, { tls: { ca: cert } })).rejects.toMatchObject({
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    });
  });

  test('it can want a certificate of its clients', async () => {
    const ca = await authority('Test CA');
    const registry = await open({ tls: { ...(await ca.issue({ names: ['127.0.0.1'] })), ca: ca.cert } });
    const client = await ca.issue({ names: ['client'] });
    expect((await ask(registry.url + tag, { tls: { ca: ca.cert, ...client } })).status).toBe(200);
    await expect(ask(registry.url + tag, { tls: { ca: ca.cert } })).rejects.toThrow();
    expect(registry.requests).toHaveLength(1);
  });
});
