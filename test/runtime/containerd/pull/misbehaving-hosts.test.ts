/** Endless, slow, huge, silent, garbled: each ends in a named fault within its time, and the other images go on. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PullReport } from '#report/report.ts';
import { FakeRegistry, image, type Script } from '../../../kit/fake-registry.ts';
import * as wrong from '../../../kit/misbehaviour.ts';
import { demandFor, gist, nodeOf, pass, plain, pullOf, pullSecret, toml } from '../../../kit/stage.ts';

const app = image({ seed: 'app' });
const images = { 'team/app:v1': app };
const users = { puller: 's3cret' };

let calm: FakeRegistry;
beforeAll(async () => {
  calm = await FakeRegistry.open({ images });
});
afterAll(() => calm.close());

type Place = 'HEAD' | 'manifest' | 'blob' | 'token';

function at(place: Place, script: Script): Script {
  switch (place) {
    case 'HEAD':
      return wrong.onMethod('HEAD', script);
    case 'manifest':
      return wrong.onManifests(wrong.onMethod('GET', script));
    case 'blob':
      return wrong.onBlobs(script);
    case 'token':
      return wrong.onTokens(script);
  }
}

/** Where a time limit decides nothing, no load of the machine reaches it. */
const patient = { responseTimeoutMs: 15_000, deadlineMs: 25_000 };
/** Where silence is waited for: so long that the calm images, which have the same limit, are done before. */
const silence = { responseTimeoutMs: 2_000, deadlineMs: 25_000 };

/** A bad registry between two calm images, all at once. */
async function amid(place: Place, script: Script, options = {}): Promise<readonly PullReport[]> {
  const auth = place === 'token' ? { auth: { scheme: 'bearer', users, anonymous: true } as const } : {};
  await using registry = await FakeRegistry.open({ images, onRequest: at(place, script), ...auth });
  const node = nodeOf({ registries: { 'bad.test': registry, 'calm.test': calm } });
  const good = `calm.test:${calm.port}/team/app:v1`;
  return await pass(node, [good, `bad.test:${registry.port}/team/app:v1`, `${good}@${app.top.digest}`], {
    atOnce: 3,
    options: { ...patient, ...options },
  });
}

const infinite = wrong.neverEnds();
const worlds: readonly (readonly [what: string, script: Script])[] = [
  ['a reset', wrong.resets()],
  ['a hang-up', wrong.hangsUp()],
  ['bytes that are not HTTP', wrong.sendsGarbage()],
  ['an HTTP/0.9 page', wrong.sendsGarbage('<html>hello</html>')],
  ['a status line alone', wrong.sendsGarbage('HTTP/1.1 200 OK\r\n')],
  ['a status that is none', wrong.sendsGarbage('HTTP/1.1 abc OK\r\n\r\n')],
  [
    'two contradicting lengths',
    wrong.sendsGarbage('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!'),
  ],
  ['a negative length', wrong.sendsGarbage('HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n')],
  ['a broken chunk', wrong.sendsGarbage('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello')],
  [
    'a switch of protocols',
    wrong.sendsGarbage('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
  ],
  ['nothing but 100 Continue', wrong.sendsGarbage('HTTP/1.1 100 Continue\r\n\r\n')],
  ['huge headers', wrong.hugeHeaders(2 * 1024 * 1024)],
  ['an endless body', infinite],
  ['a captive portal', wrong.captivePortal()],
  ['an empty answer', wrong.sends(200, {})],
  ['204', wrong.sends(204, {})],
  ['a redirect to itself', wrong.redirectsToItself()],
  ['418', wrong.refuses(418)],
  ['999', wrong.sends(999, {})],
  [
    'an error of a million errors',
    wrong.sends(
      500,
      { 'content-type': 'application/json' },
      JSON.stringify({ errors: Array(100_000).fill({ code: 'X', message: 'y' }) }),
    ),
  ],
];

const places = ['HEAD', 'manifest', 'blob', 'token'] as const;

describe.each(places)('at %s', (place) => {
  test.each(worlds)('%s ends in a named fault and leaves the others alone', async (_, script) => {
    const [before, bad, after] = await amid(place, script);
    expect(before && gist(before)).toBe('pulls');
    expect(after && gist(after)).toBe('pulls');
    expect(bad && gist(bad)).toMatch(/^(pulls|fails|at_risk|unknown agent\.out_of_time)/);
    expect(JSON.stringify(bad)).not.toContain('agent.bug');
  });
});

test.concurrent.each([
  ['HEAD', 'fails api.timed_out'],
  ['manifest', 'fails api.timed_out'],
  ['blob', 'fails blob.unreachable'],
  ['token', 'fails auth.realm_unreachable'],
] as const)('silence at %s is %s and leaves the others alone', async (place, expected) => {
  const reports = await amid(place, wrong.staysSilent(), silence);
  expect(reports.map((report) => gist(report))).toEqual(['pulls', expected, 'pulls']);
});

describe('which fault', () => {
  test.each([
    ['HEAD', wrong.sendsGarbage(), 'fails api.malformed'],
    ['HEAD', wrong.hugeHeaders(2 * 1024 * 1024), 'fails api.malformed'],
    ['HEAD', wrong.resets(), 'fails tcp.reset'],
    ['HEAD', wrong.hangsUp(), 'fails tcp.closed'],
    ['manifest', wrong.sendsGarbage(), 'fails api.malformed'],
    ['manifest', infinite, 'fails manifest.digest_mismatch'],
    ['blob', wrong.sendsGarbage(), 'fails blob.unreachable'],
    ['blob', wrong.breaksOff(10), 'fails blob.interrupted'],
    ['blob', infinite, 'fails blob.digest_mismatch'],
    ['token', wrong.sendsGarbage(), 'fails auth.realm_unreachable'],
    ['token', infinite, 'fails auth.realm_failed'],
  ] as const)('at %s %#', async (place, script, expected) => {
    const [, bad] = await amid(place, script);
    expect(bad && gist(bad)).toBe(expected);
  });
});

describe('when the time of an image is up', () => {
  test.concurrent.each(places)('at %s, in silence, the verdict is unknown', async (place) => {
    const [before, bad, after] = await amid(place, wrong.staysSilent(), {
      responseTimeoutMs: 60_000,
      deadlineMs: 2_000,
    });
    expect(bad && gist(bad)).toBe('unknown agent.out_of_time');
    expect([before, after].map((report) => report && gist(report))).toEqual(['pulls', 'pulls']);
  });

  test.each(['manifest', 'blob', 'token'] as const)('at %s, while it drips, the verdict is unknown', async (place) => {
    const drip: Script = (visit) => (visit.kind === 'token' ? dripping(visit) : wrong.drips(30)(visit));
    const [, bad] = await amid(place, drip, { responseTimeoutMs: 60_000, deadlineMs: 400 });
    expect(bad && gist(bad)).toBe('unknown agent.out_of_time');
  });

  test('with two credentials the time is that of the image, not of each', async () => {
    await using registry = await FakeRegistry.open({ images, onRequest: wrong.staysSilent() });
    const host = `bad.test:${registry.port}`;
    const secrets = ['one', 'two'].map((name) => pullSecret(name, { [host]: ['puller', name] }));
    const report = await pullOf(
      nodeOf({ registries: { 'bad.test': registry } }),
      demandFor(`${host}/team/app:v1`, { secrets }),
      {
        options: { responseTimeoutMs: 60_000, deadlineMs: 2_000 },
      },
    );
    expect(gist(report)).toBe('unknown agent.out_of_time');
    expect(registry.requests).toHaveLength(1);
  });
});

function dripping({ response }: Parameters<Script>[0]): 'done' {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '10000' });
  const timer = setInterval(() => response.write(' '), 30);
  response.on('close', () => clearInterval(timer));
  return 'done';
}

test('an endless body is left after what is needed of it', async () => {
  for (const place of ['manifest', 'blob', 'token'] as const) {
    const [, bad] = await amid(place, infinite);
    const most = Math.max(
      0,
      ...(bad?.attempts ?? []).flatMap(({ exchanges }) =>
        exchanges.map(({ outcome }) => (outcome.ok ? outcome.value.bytes : 0)),
      ),
    );
    expect(most).toBeLessThanOrEqual(4 * 1048 * 1048 + 1);
  }
});

test('an error body is not held beyond its first lines', async () => {
  const long = 'x'.repeat(1_000_000);
  const [, bad] = await amid('HEAD', wrong.refuses(500, long, long));
  expect(JSON.stringify(bad).length).toBeLessThan(20_000);
});

describe('headers of hosts.toml', () => {
  test.each([
    ['Host', 'elsewhere.test'],
    ['Content-Length', '7'],
    ['Transfer-Encoding', 'chunked'],
    ['Connection', 'upgrade'],
    ['Expect', '100-continue'],
    ['Upgrade', 'h2c'],
    ['Keep-Alive', 'x'],
    ['Bad Name', 'x'],
    ['X-Bad', 'a\r\nInjected: 1'],
    ['X-Bad', 'a\u0000b'],
    ['X-Good', 'ä'],
    ['', 'x'],
  ])('%j: %j is sent or named, and injects nothing', async (name, value) => {
    await using registry = await FakeRegistry.open({ images });
    const host = `reg.test:${registry.port}`;
    const node = nodeOf({
      hosts: { 'reg.test': ['127.0.0.1'] },
      dirs: { [host]: toml(plain(host, { headers: [[name, value]] })) },
    });
    const report = await pullOf(node, `${host}/team/app:v1`, { options: { deadlineMs: 3_000 } });
    expect(JSON.stringify(report)).not.toContain('agent.bug');
    for (const { headers } of registry.requests) {
      expect(headers['injected']).toBeUndefined();
      expect(headers['host']).toEqual([host]);
    }
  });

  test('a good one goes to the registry, its redirects and not to its token service before 2.1', async () => {
    await using registry = await FakeRegistry.open({ images, auth: { scheme: 'bearer', anonymous: true } });
    const host = `reg.test:${registry.port}`;
    for (const [version, shown] of [
      ['1.7.34', false],
      ['2.1.9', true],
    ] as const) {
      registry.forget();
      const node = nodeOf({
        version,
        hosts: { 'reg.test': ['127.0.0.1'] },
        dirs: { [host]: toml(plain(host, { headers: [['X-Team', 'shop']] })) },
      });
      await pullOf(node, `${host}/team/app:v1`);
      const [token] = registry.requests.filter(({ url }) => url.startsWith('/token'));
      expect(token?.headers['x-team']).toEqual(shown ? ['shop'] : undefined);
      expect(
        registry.requests
          .filter(({ url }) => url.startsWith('/v2'))
          .every(({ headers }) => headers['x-team']?.[0] === 'shop'),
      ).toBe(true);
    }
  });
});
