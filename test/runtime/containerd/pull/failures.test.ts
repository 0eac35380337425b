/** Registries that refuse, break or lie: the fault, the text that is shown, and the number of requests, by containerd version. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { PullSecret } from '#kubelet/pull-secret.ts';
import type { PullReport } from '#report/report.ts';
import { Memory } from '#runtime/attempt/memory.ts';
import { FakeRegistry, image, type RegistryWish, type Script } from '../../../kit/fake-registry.ts';
import { digestOf } from '../../../kit/image.ts';
import * as wrong from '../../../kit/misbehaviour.ts';
import { deadPort } from '../../../kit/silent-listener.ts';
import {
  asked,
  demandFor,
  engines,
  gist,
  nodeOf,
  plain,
  pullOf,
  pullSecret,
  short,
  toml,
  type NodeSketch,
  type PassSketch,
} from '../../../kit/stage.ts';

const app = image({ seed: 'app' });
const [manifest] = app.manifests;
const [layer] = manifest.layers;
const images = { 'team/app:v1': app };
const head = 'HEAD /v2/team/app/manifests/v1';

interface Tried {
  readonly report: PullReport;
  readonly asked: readonly string[];
  /** The CRI error, with the registry as HOST and the reference as REF. */
  readonly shown: string;
}

async function tryPull(
  request: RegistryWish,
  sketch: NodeSketch & PassSketch & { readonly tag?: string } = {},
): Promise<Tried> {
  await using registry = await FakeRegistry.open({ images, ...request });
  const host = `reg.test:${registry.port}`;
  const reference = `${host}/team/app${sketch.tag ?? ':v1'}`;
  const report = await pullOf(nodeOf({ registries: { 'reg.test': registry }, ...sketch }), reference, sketch);
  const shown = (report.kubelet?.waitingMessage ?? '').replaceAll(reference, 'REF').replaceAll(host, 'HOST');
  return { report, asked: asked(registry), shown };
}

/** Of a registry that no file names: its address alone decides how it is asked. */
async function shownOnNode(
  { host }: FakeRegistry,
  version: string,
  { secrets = [], memory = new Memory() }: { readonly secrets?: readonly PullSecret[]; readonly memory?: Memory } = {},
): Promise<string> {
  const reference = `${host}/team/app:v1`;
  const report = await pullOf(nodeOf({ version }), demandFor(reference, { secrets }), { memory });
  return (report.kubelet?.waitingMessage ?? '').replaceAll(reference, 'REF').replaceAll(host, 'HOST');
}

const fails = (script: Script, ...more: readonly Script[]): RegistryWish => ({ onRequest: [script, ...more] });
const resolveWords = (version: string): string =>
  version.startsWith('1.') ? 'failed to resolve reference "REF"' : 'failed to resolve image';
const headWords = (version: string, status: string): string =>
  version === '1.6.20'
    ? `pulling from host HOST failed with status code [manifests v1]: ${status}`
    : `unexpected status from HEAD request to http://HOST/v2/team/app/manifests/v1: ${status}`;

describe.each(engines)('containerd %s', (version) => {
  const unpack = 'failed to pull and unpack image "REF"';
  const retries = version.startsWith('2.');

  test.each([
    [500, 'Internal Server Error', true],
    [502, 'Bad Gateway', false],
    [503, 'Service Unavailable', true],
    [504, 'Gateway Timeout', true],
  ])('HEAD %s', async (status, reason, repeats) => {
    const tried = await tryPull(fails(wrong.refuses(status)), { version });
    expect(gist(tried.report)).toBe('fails api.unavailable');
    expect(tried.shown).toBe(`${unpack}: ${resolveWords(version)}: ${headWords(version, `${status} ${reason}`)}`);
    expect(tried.asked).toEqual(repeats && retries ? [head, head] : [head]);
  });

  test('HEAD 502 of a registry on this node, which speaks plain HTTP alone', async () => {
    await using registry = await FakeRegistry.open({ images, ...fails(wrong.refuses(502)) });
    const shown = await shownOnNode(registry, version);
    expect(shown).toBe(`${unpack}: ${resolveWords(version)}: ${headWords(version, '502 Bad Gateway')}`);
  });

  test('a login that such a registry refused before is refused with the same text', async () => {
    const users = { robot: 'right' };
    await using registry = await FakeRegistry.open({ images, auth: { scheme: 'basic', users } });
    const memory = new Memory();
    const secrets = [pullSecret('old', { [registry.host]: ['robot', 'wrong'] })];
    const first = await shownOnNode(registry, version, { memory, secrets });
    const second = await shownOnNode(registry, version, { memory, secrets });
    expect(first).toBe(`${unpack}: ${resolveWords(version)}: ${headWords(version, '401 Unauthorized')}`);
    expect(second).toBe(first);
    expect(registry.requests.filter(({ authorization }) => authorization !== undefined)).toHaveLength(1);
  });

  test('503 once and then well', async () => {
    const once = wrong.ifSeen(({ method }) => method === 'HEAD', wrong.atFirst(1, wrong.refuses(503)));
    const tried = await tryPull(fails(wrong.onManifests(once)), { version });
    expect(gist(tried.report)).toBe(retries ? 'pulls' : 'fails api.unavailable');
  });

  test('500, 503 and 504 in turn: three requests, and the last answer is the error', async () => {
    const turns = [500, 503, 504].map((status) => wrong.refuses(status));
    const inTurn: Script = (visit) => turns[(visit.nth - 1) % turns.length]?.(visit);
    const tried = await tryPull(fails(inTurn), { version });
    const last = retries ? '504 Gateway Timeout' : '500 Internal Server Error';
    expect(tried.asked).toEqual(retries ? [head, head, head] : [head]);
    expect(tried.shown).toBe(`${unpack}: ${resolveWords(version)}: ${headWords(version, last)}`);
  });

  test('HEAD 403', async () => {
    const tried = await tryPull(fails(wrong.refuses(403, 'DENIED', 'requested access to the resource is denied')), {
      version,
    });
    expect(gist(tried.report)).toBe('fails auth.denied');
    const asksWhy = version === '2.3.4';
    expect(tried.asked).toEqual(asksWhy ? [head, 'GET /v2/team/app/manifests/v1'] : [head]);
    expect(tried.shown).toBe(
      `${unpack}: ${resolveWords(version)}: ${headWords(version, '403 Forbidden')}${asksWhy ? '\ndenied' : ''}`,
    );
  });

  test('HEAD 400, which has no text of its own', async () => {
    const tried = await tryPull(fails(wrong.refuses(400)), { version });
    expect(gist(tried.report)).toBe('fails api.rejected');
    expect(tried.asked).toEqual([head]);
  });

  test('HEAD 429: asked once more, where the registry does not ask to wait', async () => {
    const tried = await tryPull(fails(wrong.refuses(429)), { version });
    expect(gist(tried.report)).toBe('fails api.rate_limited');
    expect(tried.shown).toBe(`${unpack}: ${resolveWords(version)}: ${headWords(version, '429 Too Many Requests')}`);
    expect(tried.asked).toEqual([head, head]);
  });

  test.each([
    ['Retry-After', { 'retry-after': '60' }],
    ['an empty quota', { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600' }],
  ])('HEAD 429 with %s: not asked again', async (_, headers) => {
    const tried = await tryPull(fails(wrong.refuses(429, 'TOOMANYREQUESTS', 'slow down', headers)), { version });
    expect(gist(tried.report)).toBe('fails api.rate_limited');
    expect(tried.asked).toEqual([head]);
  });

  test('GET 429', async () => {
    const script = wrong.onMethod(
      'GET',
      wrong.refuses(429, 'TOOMANYREQUESTS', 'You have reached your pull rate limit.', { 'retry-after': '9' }),
    );
    const tried = await tryPull(fails(script), { version });
    const url = `http://HOST/v2/team/app/manifests/${app.top.digest}`;
    const errorText = /^(1|2\.0)/.test(version)
      ? `unexpected status code ${url}: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit.`
      : `unexpected status from GET request to ${url}: 429 Too Many Requests\ntoomanyrequests: You have reached your pull rate limit.`;
    expect(gist(tried.report)).toBe('fails api.rate_limited');
    expect(tried.shown).toBe(`${unpack}: failed to copy: httpReadSeeker: failed open: ${errorText}`);
  });

  test.each([
    ['NAME_UNKNOWN', 'manifest.unknown_repository'],
    ['MANIFEST_UNKNOWN', 'manifest.unknown_tag'],
  ])('404 with %s', async (code, fault) => {
    const tried = await tryPull(fails(wrong.refuses(404, code)), { version });
    expect(gist(tried.report)).toBe(`fails ${fault}`);
    expect(tried.shown).toBe(`rpc error: code = NotFound desc = ${unpack}: ${resolveWords(version)}: REF: not found`);
    expect(tried.asked).toEqual([head, 'GET /v2/team/app/manifests/v1']);
  });

  test('a digest that is not there is requested as a blob too', async () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const tried = await tryPull({}, { version, tag: `@${digest}` });
    expect(gist(tried.report)).toBe('fails manifest.unknown_digest');
    expect(tried.shown).toBe(`rpc error: code = NotFound desc = ${unpack}: ${resolveWords(version)}: REF: not found`);
    expect(tried.asked.filter((line) => line.startsWith('HEAD'))).toEqual([
      'HEAD /v2/team/app/manifests/sha256:0000',
      'HEAD /v2/team/app/blobs/sha256:0000',
    ]);
  });

  test('a digest at a registry that answers 500', async () => {
    const tried = await tryPull(fails(wrong.refuses(500)), { version, tag: `@sha256:${'0'.repeat(64)}` });
    const blobsToo = version !== '2.3.4';
    expect(gist(tried.report)).toBe('fails api.unavailable');
    expect(tried.asked.some((line) => line.includes('/blobs/'))).toBe(blobsToo);
  });

  test('no build for this platform', async () => {
    const other = image({ platforms: ['linux/s390x', 'linux/ppc64le'] });
    const tried = await tryPull({ images: { 'team/app:v1': other } }, { version });
    expect(gist(tried.report)).toBe('fails manifest.no_platform');
    expect(tried.report.verdict).toMatchObject({
      fault: { offered: ['linux/s390x', 'linux/ppc64le'], platform: 'linux/amd64' },
    });
    expect(tried.shown).toBe(
      version.startsWith('1.')
        ? `rpc error: code = NotFound desc = ${unpack}: no match for platform in manifest: not found`
        : `rpc error: code = NotFound desc = get image config descriptor: no match for platform in manifest ${other.top.digest}: not found`,
    );
  });

  test.each([
    ['config', manifest.config],
    ['layer', layer],
  ])('a %s that is missing', async (_, blob) => {
    const tried = await tryPull(fails(wrong.misses(blob?.digest ?? '')), { version });
    expect(gist(tried.report)).toBe('fails blob.missing');
    expect(tried.shown).toBe(
      `rpc error: code = NotFound desc = ${unpack}: failed to copy: httpReadSeeker: failed open: could not fetch content descriptor ${blob?.digest ?? ''} (${blob?.mediaType ?? ''}) from remote: not found`,
    );
  });

  test.each([
    ['config', manifest.config],
    ['layer', layer],
  ])('a %s with other bytes', async (kind, blob) => {
    const tried = await tryPull(fails(wrong.corrupts(blob?.digest ?? '')), { version });
    expect(gist(tried.report)).toBe('fails blob.digest_mismatch');
    expect(tried.shown).toMatch(
      new RegExp(
        `^rpc error: code = FailedPrecondition desc = ${unpack}: failed commit on ref "${kind}-${blob?.digest ?? ''}": unexpected commit digest sha256:[0-9a-f]{64}, expected ${blob?.digest ?? ''}: failed precondition$`,
      ),
    );
  });

  test('a manifest with other bytes', async () => {
    const tried = await tryPull(fails(wrong.onMethod('GET', wrong.corrupts(app.top.digest))), { version });
    expect(gist(tried.report)).toBe('fails manifest.digest_mismatch');
    expect(tried.shown).toContain(
      `failed commit on ref "manifest-${app.top.digest}": unexpected commit digest sha256:`,
    );
  });

  test('a log-in page that answers for the registry', async () => {
    const tried = await tryPull(fails(wrong.onManifests(wrong.captivePortal())), { version });
    expect(gist(tried.report)).toBe('fails api.not_a_registry');
    expect(tried.asked.map((line) => line.split(' ')[0])).toEqual(['HEAD', 'GET', 'GET']);
    expect(tried.shown).toMatch(
      /^rpc error: code = NotFound desc = failed to pull and unpack image "REF": failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:[0-9a-f]{64} \(text\/html\) from remote: not found$/,
    );
  });

  test('a log-in page that answers for everything', async () => {
    const tried = await tryPull(fails(wrong.captivePortal()), { version });
    expect(gist(tried.report)).toBe('fails api.not_a_registry');
    expect(tried.shown).toMatch(
      version.startsWith('1.')
        ? /failed to unpack image on snapshotter overlayfs: unexpected media type text\/html for sha256:[0-9a-f]{64}: not found$/
        : /get image config descriptor: unexpected media type text\/html for sha256:[0-9a-f]{64}: not found$/,
    );
  });

  test('a manifest of no bytes', async () => {
    const empty = wrong.onMethod(
      'HEAD',
      wrong.sends(200, { 'content-type': app.top.mediaType, 'docker-content-digest': app.top.digest }),
    );
    const tried = await tryPull(fails(empty), { version });
    expect(gist(tried.report)).toBe('fails manifest.malformed');
    expect(tried.shown).toBe(
      `rpc error: code = InvalidArgument desc = ${unpack}: unable to fetch descriptor (${app.top.digest}) which reports content size of zero: invalid argument`,
    );
  });

  test('a manifest that is too large', async () => {
    const huge = wrong.onMethod('HEAD', ({ response }) => {
      response.writeHead(200, {
        'content-type': app.top.mediaType,
        'docker-content-digest': app.top.digest,
        'content-length': '5000000',
      });
      response.end();
      return 'done';
    });
    const tried = await tryPull(fails(huge), { version });
    expect(gist(tried.report)).toBe('fails manifest.oversize');
    expect(tried.shown).toBe(
      `rpc error: code = NotFound desc = ${unpack}: ${resolveWords(version)}: rejecting 5000000 byte manifest for REF: not found`,
    );
    expect(tried.asked).toEqual([head]);
  });

  test('a digest header that is none stops everything', async () => {
    const odd = wrong.onMethod(
      'HEAD',
      wrong.sends(200, { 'content-type': app.top.mediaType, 'docker-content-digest': 'md5:abc' }, 'x'),
    );
    const tried = await tryPull(fails(odd), { version });
    expect(gist(tried.report)).toBe('fails api.malformed');
    expect(tried.asked).toEqual([head]);
  });

  test('a connection that ends without an answer', async () => {
    const tried = await tryPull(fails(wrong.hangsUp()), { version });
    expect(gist(tried.report)).toBe('fails tcp.closed');
    expect(tried.shown).toBe(
      `${unpack}: ${resolveWords(version)}: failed to do request: Head "http://HOST/v2/team/app/manifests/v1": EOF`,
    );
    expect(tried.asked).toEqual(version === '2.3.4' ? [head, head] : [head]);
  });

  test('mirror and registry both down: the first one is shown', async () => {
    const [one, other] = [await deadPort(), await deadPort()];
    const node = nodeOf({
      version,
      hosts: { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'] },
      dirs: { 'reg.test': toml(plain(`reg.test:${other}`), plain(`mirror.test:${one}`)) },
    });
    const report = await pullOf(node, 'reg.test/team/app:v1');
    expect(gist(report)).toBe('fails tcp.refused');
    const ns = version === '1.6.20' ? 'reg.test' : '%5BREDACTED%5D';
    expect(report.kubelet?.waitingMessage).toContain(
      `failed to do request: Head "http://mirror.test:${one}/v2/team/app/manifests/v1?ns=${ns}": dial tcp 127.0.0.1:${one}: connect: connection refused`,
    );
  });

  test('the mirror is down and the registry answers 404: which one is shown', async () => {
    await using origin = await FakeRegistry.open();
    const dead = await deadPort();
    const node = nodeOf({
      version,
      hosts: { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'] },
      dirs: { 'reg.test': toml(plain(`reg.test:${origin.port}`), plain(`mirror.test:${dead}`)) },
    });
    const report = await pullOf(node, 'reg.test/team/app:v1');
    expect(gist(report)).toBe(version.startsWith('1.') ? 'fails tcp.refused' : 'fails manifest.unknown_repository');
  });

  test('a mirror that fails is passed over without a retry', async () => {
    await using mirror = await FakeRegistry.open(fails(wrong.refuses(503)));
    await using origin = await FakeRegistry.open({ images });
    const node = nodeOf({
      version,
      hosts: { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'] },
      dirs: { 'reg.test': toml(plain(`reg.test:${origin.port}`), plain(`mirror.test:${mirror.port}`)) },
    });
    expect(gist(await pullOf(node, 'reg.test/team/app:v1'))).toBe('at_risk route-down');
    expect(asked(mirror).filter((line) => line.startsWith('HEAD'))).toHaveLength(1);
  });
});

describe('GET in place of a poor HEAD', () => {
  const script = wrong.onManifests((visit) =>
    visit.seen.method === 'HEAD'
      ? visit.send(200, { 'content-type': app.top.mediaType }, 'x')
      : visit.refuse(404, 'MANIFEST_UNKNOWN', 'gone'),
  );

  test('its status counts from 2.3 on', async () => {
    expect(gist((await tryPull(fails(script), { version: '2.3.4' })).report)).toBe('fails manifest.unknown_tag');
  });

  test('before, its error page is taken for the manifest', async () => {
    const tried = await tryPull(fails(script), { version: '2.1.9' });
    expect(gist(tried.report)).toBe('fails api.not_a_registry');
  });
});

describe('contents', () => {
  const odd = (top: string, mediaType = app.top.mediaType): RegistryWish => {
    const built = { ...app, top: { ...app.top, bytes: Buffer.from(top), mediaType } };
    return { images: { 'team/app:v1': { ...built, top: { ...built.top, digest: digestOfText(top) } } } };
  };
  const descriptor = (over: object): object => ({
    mediaType: app.top.mediaType,
    digest: app.top.digest,
    size: app.top.bytes.length,
    ...over,
  });
  const indexOf = (...manifests: readonly object[]): string => JSON.stringify({ schemaVersion: 2, manifests });
  const index = 'application/vnd.oci.image.index.v1+json';

  test.each([
    ['no JSON', 'not json'],
    ['an array', '[]'],
    ['an index where a manifest was announced', indexOf(descriptor({}))],
    ['a config without a digest', JSON.stringify({ config: { size: 3 }, layers: [] })],
    [
      'a layer that climbs',
      JSON.stringify({ config: descriptor({}), layers: [descriptor({ digest: '../../../etc' })] }),
    ],
    ['a layer of a negative size', JSON.stringify({ config: descriptor({}), layers: [descriptor({ size: -1 })] })],
  ])('a manifest that is %s', async (_, text) => {
    expect(gist((await tryPull(odd(text))).report)).toBe('fails manifest.malformed');
  });

  test.each([
    ['climbs', '../../../token'],
    ['has an algorithm of Object.prototype', 'constructor:abc'],
    ['is empty', ''],
  ])('an index whose entry has a digest that %s is not followed', async (_, digest) => {
    const tried = await tryPull(
      odd(indexOf(descriptor({ digest, platform: { os: 'linux', architecture: 'amd64' } })), index),
    );
    expect(gist(tried.report)).toBe('fails manifest.malformed');
    expect(tried.asked).toHaveLength(2);
  });

  test('an index that is its own child ends', async () => {
    const looping = odd(indexOf(descriptor({ mediaType: index })), index);
    expect((await tryPull(looping)).report.verdict.is).toBe('fails');
  });

  test('the transfer service fetches entries that are no images as well as the others', async () => {
    const note = JSON.stringify({ note: 'an attestation' });
    const built = {
      ...app,
      top: { mediaType: index, digest: '', bytes: Buffer.from('') },
      blobs: [...app.blobs, { mediaType: 'application/x-note', digest: digestOfText(note), bytes: Buffer.from(note) }],
    };
    const entry = { mediaType: 'application/x-note', digest: digestOfText(note), size: note.length };
    const text = indexOf(entry, descriptor({ platform: { os: 'linux', architecture: 'amd64' } }));
    const top = { mediaType: index, digest: digestOfText(text), bytes: Buffer.from(text) };
    const tried = await tryPull({ images: { 'team/app:v1': { ...built, top } } });
    expect(gist(tried.report)).toBe('pulls');
    expect(tried.asked).toContain(`GET /v2/team/app/blobs/${short(entry.digest)}`);
  });

  test('compressed in transit they are unpacked before they are hashed', async () => {
    const zipped = wrong.onMethod(
      'GET',
      ({ found, send }) =>
        found && send(200, { 'content-type': found.mediaType, 'content-encoding': 'gzip' }, gzipSync(found.bytes)),
    );
    expect(gist((await tryPull(fails(zipped))).report)).toBe('pulls');
  });

  test('what unpacks to more than is allowed is refused', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const zipped = wrong.onMethod(
      'GET',
      ({ found, send }) => found && send(200, { 'content-type': found.mediaType, 'content-encoding': 'gzip' }, bomb),
    );
    expect(gist((await tryPull(fails(zipped))).report)).toBe('fails api.malformed');
  });

  test.each(['br', 'constructor', '__proto__', 'gzip, gzip, gzip, gzip, gzip'])(
    'an encoding %j is refused',
    async (encoding) => {
      const encoded = wrong.onMethod(
        'GET',
        ({ found, send }) =>
          found && send(200, { 'content-type': found.mediaType, 'content-encoding': encoding }, found.bytes),
      );
      expect(gist((await tryPull(fails(encoded))).report)).toBe('fails api.malformed');
    },
  );

  test('schema 1 is refused', async () => {
    const tried = await tryPull(
      odd('{"schemaVersion":1}', 'application/vnd.docker.distribution.manifest.v1+prettyjws'),
    );
    expect(gist(tried.report)).toBe('fails manifest.unsupported');
  });
});

describe('references', () => {
  test('a port that is none fails without a packet', async () => {
    const report = await pullOf(nodeOf(), 'reg.test:99999/team/app:v1');
    expect(gist(report)).toBe('fails tcp.unreachable');
    expect(report.kubelet?.waitingMessage).toBe(
      'failed to pull and unpack image "reg.test:99999/team/app:v1": failed to resolve image: failed to do request: Head "https://reg.test:99999/v2/team/app/manifests/v1": dial tcp: address 99999: invalid port',
    );
  });

  test('a name that no URL can hold is looked up in vain', async () => {
    expect(gist(await pullOf(nodeOf(), 'reg.256/team/app:v1'))).toBe('fails dns.not_found');
  });

  test('a reference that cannot be read fails before anything', async () => {
    const report = await pullOf(nodeOf(), 'reg.test/Team/App:v1');
    expect(gist(report)).toBe('fails image.malformed');
    expect(report.attempts).toEqual([]);
  });
});

function digestOfText(text: string): string {
  return digestOf(Buffer.from(text));
}
