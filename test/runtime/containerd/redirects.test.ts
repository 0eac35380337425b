/** Where redirects lead, and what does not go along. */
import { describe, expect, test } from 'vitest';
import { isWithin, mostRequests, nextRequest } from '#go/redirect.ts';
import { trustRealm } from '#registry/http/token-realm.ts';
import { authority, type KeyPair } from '../../kit/authority.ts';
import { FakeRegistry, image, type RegistryWish } from '../../kit/fake-registry.ts';
import * as wrong from '../../kit/misbehaviour.ts';
import { deadPort } from '../../kit/silent-listener.ts';
import { asked, demandFor, engines, gist, nodeOf, plain, pullOf, pullSecret, toml } from '../../kit/stage.ts';

const app = image({ seed: 'app' });
const images = { 'team/app:v1': app };
const users = { puller: 's3cret' };
const hosts = { 'reg.test': ['127.0.0.1'], 'cdn.test': ['127.0.0.1'], 'blobs.reg.test': ['127.0.0.1'] };

/** What each registry was asked with, by scheme of its Authorization. */
async function redirected(
  request: RegistryWish,
  to: (port: number) => string,
  cdnWish: RegistryWish = { images },
  version = '2.1.9',
) {
  await using cdn = await FakeRegistry.open(cdnWish);
  await using registry = await FakeRegistry.open({ images, ...request });
  registry.play(
    wrong.onBlobs((visit) =>
      visit.seen.authorization === undefined && request.auth ? undefined : wrong.redirects(to(cdn.port))(visit),
    ),
  );
  const host = `reg.test:${registry.port}`;
  const demand = demandFor(`${host}/team/app:v1`, { secrets: [pullSecret('hub', { [host]: ['puller', 's3cret'] })] });
  const report = await pullOf(nodeOf({ version, registries: { 'reg.test': registry }, hosts }), demand);
  return { report, cdn: asked(cdn), own: asked(registry) };
}

describe.each(engines)('containerd %s', (version) => {
  test.each([
    ['Basic', { scheme: 'basic', users }],
    ['Bearer', { scheme: 'bearer', users }],
  ] as const)('%s does not follow to another host', async (_, auth) => {
    const { report, cdn } = await redirected({ auth }, (port) => `http://cdn.test:${port}`, undefined, version);
    expect(gist(report)).toBe('pulls');
    expect(cdn).toHaveLength(2);
    expect(cdn.join()).not.toContain('[');
  });

  test('the same host on another port, and a host below it, keep the Authorization, as in Go', async () => {
    for (const name of ['reg.test', 'blobs.reg.test']) {
      const auth = { scheme: 'basic', users } as const;
      const { report, cdn } = await redirected({ auth }, (port) => `http://${name}:${port}`, undefined, version);
      expect(gist(report)).toBe('pulls');
      expect(cdn.every((line) => line.endsWith('[Basic]'))).toBe(true);
    }
  });

  test('ten requests and no more', async () => {
    await using registry = await FakeRegistry.open({ images, onRequest: wrong.onManifests(wrong.redirectsToItself()) });
    const host = `reg.test:${registry.port}`;
    const report = await pullOf(nodeOf({ version, registries: { 'reg.test': registry } }), `${host}/team/app:v1`);
    expect(gist(report)).toBe('fails api.redirect_failed');
    expect(registry.requests).toHaveLength(10);
    expect(report.kubelet?.waitingMessage).toContain(
      `failed to do request: Head "http://${host}/v2/team/app/manifests/v1": stopped after 10 redirects`,
    );
  });
});

test('a host that a redirect leads to and that asks for a login gets it, as from containerd', async () => {
  const { report, cdn } = await redirected({}, (port) => `http://cdn.test:${port}`, {
    images,
    auth: { scheme: 'basic', users },
  });
  expect(gist(report)).toBe('pulls');
  expect(cdn.some((line) => line.endsWith('[Basic]'))).toBe(true);
});

test('what a redirect target was told stays with it: neither the next host nor the first one hears it', async () => {
  await using third = await FakeRegistry.open({ images });
  await using cdn = await FakeRegistry.open({ images, auth: { scheme: 'basic', users } });
  await using registry = await FakeRegistry.open({
    images,
    onRequest: wrong.onBlobs(wrong.redirects(`http://cdn.test:${cdn.port}`)),
  });
  cdn.play((visit) =>
    visit.kind === 'blob' && visit.seen.authorization !== undefined
      ? wrong.redirects(`http://blobs.reg.test:${third.port}`)(visit)
      : undefined,
  );
  const host = `reg.test:${registry.port}`;
  const demand = demandFor(`${host}/team/app:v1`, { secrets: [pullSecret('hub', { [host]: ['puller', 's3cret'] })] });
  const report = await pullOf(nodeOf({ registries: { 'reg.test': registry }, hosts }), demand);
  expect(gist(report)).toBe('pulls');
  expect(third.requests.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
  expect(registry.requests.every(({ authorization }) => authorization === undefined)).toBe(true);
});

test.each([301, 302, 303, 307, 308])('%s leads a manifest to another host', async (status) => {
  await using other = await FakeRegistry.open({ images });
  await using registry = await FakeRegistry.open({
    images,
    onRequest: wrong.onManifests(wrong.redirects(`http://cdn.test:${other.port}`, status)),
  });
  const report = await pullOf(
    nodeOf({ registries: { 'reg.test': registry }, hosts }),
    `reg.test:${registry.port}/team/app:v1`,
  );
  expect(gist(report)).toBe('pulls');
  expect(asked(other).map((line) => line.split(' ')[0])).toEqual(['HEAD', 'GET']);
});

test.each([
  [300, 'fails api.rejected'],
  [304, 'fails api.rejected'],
  [307, 'fails api.rejected'],
])('%s without a Location stands as it is', async (status, expected) => {
  await using registry = await FakeRegistry.open({ images, onRequest: wrong.onManifests(wrong.sends(status, {})) });
  const report = await pullOf(
    nodeOf({ registries: { 'reg.test': registry } }),
    `reg.test:${registry.port}/team/app:v1`,
  );
  expect(gist(report)).toBe(expected);
});

test.each(['http://[', 'ftp://cdn.test/x', 'javascript:alert(1)'])(
  'a Location of %j leads nowhere',
  async (location) => {
    await using registry = await FakeRegistry.open({
      images,
      onRequest: wrong.onBlobs(wrong.sends(307, { location })),
    });
    const report = await pullOf(
      nodeOf({ registries: { 'reg.test': registry } }),
      `reg.test:${registry.port}/team/app:v1`,
    );
    expect(gist(report)).toMatch(/^fails blob\.(unreachable|redirect_failed)$/);
    expect(report.verdict).toMatchObject({ fault: { cause: { code: 'api.redirect_failed' } } });
  },
);

test('layers that live where nobody listens', async () => {
  const port = await deadPort();
  await using registry = await FakeRegistry.open({ images, blobsAt: `http://cdn.test:${port}` });
  const report = await pullOf(
    nodeOf({ registries: { 'reg.test': registry }, hosts }),
    `reg.test:${registry.port}/team/app:v1`,
  );
  expect(gist(report)).toBe('fails blob.redirect_failed');
  expect(report.verdict).toMatchObject({ fault: { target: `cdn.test:${port}`, cause: { code: 'tcp.refused' } } });
  expect(report.kubelet?.waitingMessage).toContain(
    `failed to do request: Get "http://cdn.test:${port}/v2/team/app/blobs/`,
  );
});

test.each([
  [403, 'fails blob.denied'],
  [404, 'fails blob.missing'],
  [503, 'fails blob.unavailable'],
])('layers that a CDN answers with %s', async (status, expected) => {
  const { report } = await redirected({}, (port) => `http://cdn.test:${port}`, { onRequest: wrong.refuses(status) });
  expect(gist(report)).toBe(expected);
});

test('a CDN that says "too many" is not asked again in this pass, and its registry is', async () => {
  const busy = { onRequest: wrong.refuses(429, 'TOOMANYREQUESTS', 'slow down', { 'retry-after': '60' }) };
  const { report, cdn, own } = await redirected({}, (port) => `http://cdn.test:${port}`, busy);
  expect(gist(report)).toBe('fails api.rate_limited');
  expect(cdn).toHaveLength(1);
  expect(own.length).toBeGreaterThan(2);
});

async function certificates(name: string): Promise<{ readonly ca: string; readonly pair: KeyPair }> {
  const made = await authority('Example CA');
  return { ca: made.cert, pair: await made.issue({ names: [name] }) };
}

describe('from HTTPS', () => {
  test('to plain HTTP elsewhere: followed, without the Authorization', async () => {
    const { ca, pair } = await certificates('reg.test');
    await using cdn = await FakeRegistry.open({ images });
    await using registry = await FakeRegistry.open({ images, tls: pair, auth: { scheme: 'basic', users } });
    registry.play((visit) =>
      visit.kind === 'blob' && visit.seen.authorization !== undefined
        ? wrong.redirects(`http://cdn.test:${cdn.port}`)(visit)
        : undefined,
    );
    const host = `reg.test:${registry.port}`;
    const demand = demandFor(`${host}/team/app:v1`, { secrets: [pullSecret('hub', { [host]: ['puller', 's3cret'] })] });
    const node = nodeOf({ hosts, roots: [ca], dirs: { [host]: toml(plain(host, { url: `https://${host}` })) } });
    expect(gist(await pullOf(node, demand))).toBe('pulls');
    expect(asked(cdn)).toHaveLength(2);
    expect(asked(cdn).join()).not.toContain('[');
  });

  test('a CDN whose certificate this node does not trust', async () => {
    const { pair } = await certificates('cdn.test');
    await using cdn = await FakeRegistry.open({ images, tls: pair });
    await using registry = await FakeRegistry.open({ images, blobsAt: `https://cdn.test:${cdn.port}` });
    const report = await pullOf(
      nodeOf({ registries: { 'reg.test': registry }, hosts }),
      `reg.test:${registry.port}/team/app:v1`,
    );
    expect(gist(report)).toBe('fails blob.redirect_failed');
    expect(report.verdict).toMatchObject({ fault: { cause: { code: 'tls.untrusted' } } });
  });
});

describe('nextHop', () => {
  const from = new URL('https://reg.io/v2/a?b=c');

  test.each([
    [200, '/x', undefined],
    [301, undefined, undefined],
    [302, '', undefined],
    [303, '/x', 'https://reg.io/x'],
    [304, '/x', undefined],
    [305, '/x', undefined],
    [307, 'x', 'https://reg.io/v2/x'],
    [308, '//cdn.io/x', 'https://cdn.io/x'],
    [307, '?q', 'https://reg.io/v2/a?q'],
  ])('%s to %j', (status, location, expected) => {
    const next = nextRequest(status, location, from);
    expect(next instanceof URL ? next.href : next).toBe(expected);
  });

  test('what cannot be followed says why', () => {
    expect(nextRequest(307, 'https://[', from)).toBe('failed to parse Location header');
    expect(nextRequest(307, 'file:///etc/passwd', from)).toBe('unsupported protocol scheme "file"');
    expect(mostRequests).toBe(10);
  });
});

test.each([
  ['reg.io', 'reg.io', true],
  ['a.reg.io', 'reg.io', true],
  ['evilreg.io', 'reg.io', false],
  ['reg.io', 'a.reg.io', false],
  ['reg.io.evil.io', 'reg.io', false],
  ['10.0.0.1', '0.0.1', false],
  ['[::1]', '[::1]', true],
])('%s within %s: %s', (host, parent, expected) => {
  expect(isWithin(host, parent)).toBe(expected);
});

describe('trustRealm', () => {
  const dependencies = { scheme: 'https', host: 'reg.io', addresses: ['reg.io', '93.184.216.34'] };
  const inside = { scheme: 'https', host: 'reg.corp', addresses: ['reg.corp', '10.1.2.3'] };
  const trusted = (realm: string, registry = dependencies): boolean => trustRealm(new URL(realm), registry).ok;

  test.each([
    'https://auth.io/token',
    'https://reg.io/token',
    'http://reg.io/token',
    'https://reg.io:8443/token',
    'https://8.8.8.8/token',
    'https://[2001:db8::1]/token',
    'https://11.0.0.1/',
    'https://172.32.0.1/',
  ])('%s may be told', (realm) => {
    expect(trusted(realm)).toBe(true);
  });

  test.each([
    'http://auth.io/token',
    'https://169.254.169.254/',
    'https://[fe80::1]/',
    'https://[::ffff:169.254.169.254]/',
    'https://0xa9fea9fe/',
    'https://2852039166/',
    'https://metadata.google.internal/',
    'https://metadata.google.internal./',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://0.0.0.0/',
    'https://localhost/',
    'https://localhost./',
    'https://a.localhost/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:10.0.0.1]/',
    'https://10.0.0.1/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://[fd00:ec2::254]/',
  ])('%s may not', (realm) => {
    expect(trusted(realm)).toBe(false);
  });

  test('a registry inside may have its realm inside, but never at link-local', () => {
    expect(trusted('https://10.9.9.9/', inside)).toBe(true);
    expect(trusted('https://169.254.169.254/', inside)).toBe(false);
    expect(trusted('https://[::1]/token', { scheme: 'https', host: '[::1]', addresses: ['::1'] })).toBe(true);
  });
});
