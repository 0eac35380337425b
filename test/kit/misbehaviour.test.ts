import { Agent, request } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask } from './ask.ts';
import { FakeRegistry, image, type RegistryWish, type Script } from './fake-registry.ts';
import * as wrong from './misbehaviour.ts';

const app = image({ layers: [10, 2000] });
const tag = '/v2/team/app/manifests/v1';
const layer = app.manifests[0].layers[1];
const blob = `/v2/team/app/blobs/${layer?.digest ?? ''}`;

async function open(request: RegistryWish = {}): Promise<FakeRegistry> {
  const registry = await FakeRegistry.open({ images: { 'team/app:v1': app }, ...request });
  onTestFinished(() => registry.close());
  return registry;
}

async function bytesUntil(url: string, enough: number): Promise<number> {
  const agent = new Agent();
  const { body } = await request(url, { dispatcher: agent });
  let got = 0;
  for await (const chunk of body) {
    got += (chunk as Buffer).length;
    if (got >= enough) break;
  }
  await agent.destroy();
  return got;
}

describe('a registry that misbehaves', () => {
  test.each<[string, Script, number, Record<string, string | RegExp>]>([
    ['is rate limited', wrong.rateLimited(30), 429, { 'retry-after': '30', 'ratelimit-remaining': '0;w=21600' }],
    ['is a captive portal', wrong.captivePortal(), 200, { 'content-type': 'text/html; charset=utf-8' }],
    ['redirects to itself', wrong.redirectsToItself(), 307, { location: /^http:.*manifests\/v1$/ }],
    ['redirects to plain http', wrong.redirects('http://a.test'), 307, { location: /^http:..a\.test.v2.team/ }],
    ['refuses forever', wrong.alwaysUnauthorized(), 401, { 'www-authenticate': /realm=/ }],
    ['names another digest', wrong.wrongDigest('sha256:0'), 200, { 'docker-content-digest': 'sha256:0' }],
    ['names no digest', wrong.noDigest(), 200, { 'docker-content-digest': 'undefined' }],
    ['is down', wrong.refuses(503), 503, { 'content-type': 'application/json' }],
    ['only fails for blobs', wrong.onBlobs(wrong.refuses(500)), 200, {}],
    ['only fails for manifests', wrong.onManifests(wrong.refuses(500)), 500, {}],
    ['only fails for tokens', wrong.onTokens(wrong.refuses(500)), 200, {}],
    ['only fails for its own', wrong.ifSeen((seen) => seen.host === 'x', wrong.refuses(500)), 200, {}],
  ])('a registry that %s', async (_, script, status, headers) => {
    const registry = await open({ onRequest: script });
    const got = await ask(registry.url + tag);
    expect(got.status).toBe(status);
    for (const [name, value] of Object.entries(headers)) expect(String(got.headers[name])).toMatch(value);
  });

  test('HEAD is 405 and GET is not', async () => {
    const registry = await open({ onRequest: wrong.headNotAllowed() });
    expect((await ask(registry.url + tag, { method: 'HEAD' })).status).toBe(405);
    expect((await ask(registry.url + tag)).status).toBe(200);
  });

  test('it fails at first and then no more', async () => {
    const registry = await open({ onRequest: wrong.atFirst(2, wrong.refuses(503)) });
    const statuses = [];
    for (let turn = 0; turn < 3; turn += 1) statuses.push((await ask(registry.url + tag)).status);
    expect(statuses).toEqual([503, 503, 200]);
    registry.play(wrong.refuses(500));
    expect((await ask(registry.url + tag)).status).toBe(500);
  });

  test('one blob is missing, another corrupt', async () => {
    const digest = layer?.digest ?? '';
    const registry = await open({ onRequest: wrong.misses(digest) });
    expect((await ask(registry.url + blob)).status).toBe(404);
    registry.play(wrong.corrupts(digest));
    const got = await ask(registry.url + blob);
    expect([got.status, got.body.length]).toEqual([200, layer?.bytes.length]);
    expect(got.body).not.toEqual(layer?.bytes);
  });

  test.each([
    ['resets', wrong.resets(), { code: 'ECONNRESET' }],
    ['hangs up', wrong.hangsUp(), { code: 'UND_ERR_SOCKET' }],
    ['sends garbage', wrong.sendsGarbage(), { name: 'HTTPParserError' }],
    ['sends huge headers', wrong.hugeHeaders(), { code: 'UND_ERR_HEADERS_OVERFLOW' }],
    ['breaks a body off', wrong.breaksOff(5), { code: 'UND_ERR_SOCKET' }],
  ])('a client of a registry that %s sees it', async (_, script, problem) => {
    const registry = await open({ onRequest: script });
    await expect(ask(registry.url + tag)).rejects.toMatchObject(problem);
  });

  test('it can stay silent until the client gives up', async () => {
    const registry = await open({ onRequest: wrong.staysSilent() });
    await expect(ask(registry.url + tag, { headersTimeout: 1 })).rejects.toMatchObject({
      code: 'UND_ERR_HEADERS_TIMEOUT',
    });
  });

  test('a dripping body arrives byte by byte, and whole', async () => {
    const registry = await open({ onRequest: wrong.drips(0) });
    expect((await ask(registry.url + tag)).body).toEqual(app.top.bytes);
  });

  test('an endless body goes on for as long as it is read', async () => {
    const registry = await open({ onRequest: wrong.neverEnds() });
    expect(await bytesUntil(registry.url + tag, 5_000_000)).toBeGreaterThanOrEqual(5_000_000);
  });

  test('a script that throws is a 500 that says so', async () => {
    const registry = await open({
      onRequest: () => {
        throw new Error('a mistake in the play');
      },
    });
    const got = await ask(registry.url + tag);
    expect([got.status, got.body.toString()]).toEqual([500, 'Error: a mistake in the play']);
  });
});
