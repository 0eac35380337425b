/** Who is told a password, how often, and what is made of the answer. */
import { describe, expect, test } from 'vitest';
import { Secret } from '#report/secret.ts';
import { Memory } from '#runtime/attempt/memory.ts';
import { FakeRegistry, image, type RegistryWish } from '../../kit/fake-registry.ts';
import { basicHeader } from '../../kit/fake-registry-auth.ts';
import * as wrong from '../../kit/misbehaviour.ts';
import { deadPort } from '../../kit/silent-listener.ts';
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
  toml,
  unseenSecret,
  type NodeSketch,
  type PassSketch,
} from '../../kit/stage.ts';
import type { PullReport } from '#report/report.ts';

const app = image({ seed: 'app' });
const images = { 'team/app:v1': app };
const users = { puller: 's3cret', other: 'pa55' };
const head = 'HEAD /v2/team/app/manifests/v1';
const basic: RegistryWish = { images, auth: { scheme: 'basic', users } };
const bearer: RegistryWish = { images, auth: { scheme: 'bearer', users } };

type Login = readonly [user: string, password: string];
const good: Login = ['puller', 's3cret'];
const bad: Login = ['puller', 'wr0ng'];

interface Tried {
  readonly report: PullReport;
  readonly registry: FakeRegistry;
  readonly shown: string;
}

async function tryPull(
  request: RegistryWish,
  logins: readonly Login[],
  sketch: NodeSketch & PassSketch = {},
): Promise<Tried> {
  await using registry = await FakeRegistry.open(request);
  const host = `reg.test:${registry.port}`;
  const secrets = logins.map((login, i) => pullSecret(`hub-${i}`, { [host]: login }));
  const demand = demandFor(`${host}/team/app:v1`, { secrets });
  const report = await pullOf(nodeOf({ registries: { 'reg.test': registry }, ...sketch }), demand, sketch);
  return { report, registry, shown: (report.kubelet?.waitingMessage ?? '').replaceAll(host, 'HOST') };
}

describe.each(engines)('containerd %s', (version) => {
  const old = version === '1.6.20';
  const prefix = `failed to pull and unpack image "HOST/team/app:v1": ${version.startsWith('1.') ? 'failed to resolve reference "HOST/team/app:v1"' : 'failed to resolve image'}: `;

  test('Basic and nobody to log in', async () => {
    const { report, registry, shown } = await tryPull(basic, [], { version });
    expect(gist(report)).toBe('fails auth.required');
    expect(asked(registry)).toEqual([head]);
    expect(shown).toBe(
      prefix +
        (old
          ? 'pulling from host HOST failed with status code [manifests v1]: 401 Unauthorized'
          : 'pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials'),
    );
  });

  test('Basic and a wrong password: presented once', async () => {
    const { report, registry, shown } = await tryPull(basic, [bad], { version });
    expect(gist(report)).toBe('fails auth.rejected');
    expect(asked(registry)).toEqual([head, `${head} [Basic]`]);
    expect(shown).toBe(
      prefix +
        (old
          ? 'pulling from host HOST failed with status code [manifests v1]: 401 Unauthorized'
          : 'unexpected status from HEAD request to http://HOST/v2/team/app/manifests/v1: 401 Unauthorized'),
    );
  });

  test('Bearer and nobody to log in', async () => {
    const { report, shown } = await tryPull(bearer, [], { version });
    expect(gist(report)).toBe('fails auth.required');
    expect(shown).toBe(
      `${prefix}pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`,
    );
  });

  test('Bearer and a wrong password: POST, GET, and no more', async () => {
    const { report, registry, shown } = await tryPull(bearer, [bad], { version });
    const get = '/token?scope=repository%3Ateam%2Fapp%3Apull&service=fake+registry';
    expect(gist(report)).toBe('fails auth.rejected');
    expect(asked(registry)).toEqual([head, 'POST /token', `GET ${get} [Basic]`]);
    expect(shown.replace('fake%20registry', 'fake+registry')).toBe(
      `${prefix}failed to authorize: failed to fetch oauth token: ${old ? 'unexpected status' : `unexpected status from GET request to http://HOST${get}`}: 401 Unauthorized`,
    );
  });

  test('401 without a challenge', async () => {
    const { report, registry, shown } = await tryPull({ images, onRequest: wrong.refuses(401) }, [good], { version });
    expect(gist(report)).toBe('fails auth.malformed_challenge');
    expect(asked(registry)).toEqual([head]);
    expect(shown).toContain('401 Unauthorized');
  });

  test('a realm that fails', async () => {
    const { report, shown } = await tryPull({ ...bearer, onRequest: wrong.onTokens(wrong.refuses(500)) }, [], {
      version,
    });
    expect(gist(report)).toBe('fails auth.realm_failed');
    expect(shown).toContain(`${prefix}failed to authorize: failed to fetch anonymous token: unexpected status`);
    expect(shown).toMatch(/: 500 Internal Server Error$/);
  });

  test('a token service that nobody can reach', async () => {
    const port = await deadPort();
    const request: RegistryWish = { images, auth: { scheme: 'bearer', realm: `http://127.0.0.1:${port}/token` } };
    const { report, shown } = await tryPull(request, [], { version });
    expect(gist(report)).toBe('fails auth.realm_unreachable');
    expect(report.verdict).toMatchObject({ fault: { cause: { code: 'tcp.refused' } } });
    const query = old
      ? 'scope=repository%3Ateam%2Fapp%3Apull&service=fake+registry'
      : 'scope=%5BREDACTED%5D&service=%5BREDACTED%5D';
    expect(shown).toBe(
      `${prefix}failed to authorize: failed to fetch anonymous token: Get "http://127.0.0.1:${port}/token?${query}": dial tcp 127.0.0.1:${port}: connect: connection refused`,
    );
  });

  test('two secrets: the second one is right', async () => {
    const { report, registry } = await tryPull(basic, [bad, good], { version });
    expect(gist(report)).toBe('pulls');
    expect(report.attempts.map(({ as }) => as)).toHaveLength(2);
    expect(registry.requests.filter(({ authorization }) => authorization === basicHeader(...bad))).toHaveLength(1);
  });

  test('two secrets that are both wrong: each error once, in brackets', async () => {
    const { report, shown } = await tryPull(bearer, [bad, ['other', 'wr0ng']], { version });
    expect(gist(report)).toBe('fails auth.rejected');
    expect(shown).not.toMatch(/^\[/);
  });

  test('a wrong secret breaks a public repository too', async () => {
    const request: RegistryWish = { images, auth: { scheme: 'bearer', users, anonymous: true } };
    expect(gist((await tryPull(request, [bad], { version })).report)).toBe('fails auth.rejected');
    expect(gist((await tryPull(request, [], { version })).report)).toBe('pulls');
  });
});

describe('the token service', () => {
  const tokens = (script: ReturnType<typeof wrong.sends>): RegistryWish => ({
    ...bearer,
    onRequest: wrong.onTokens(script),
  });
  const json = (body: object | string): RegistryWish =>
    tokens(
      wrong.sends(200, { 'content-type': 'application/json' }, typeof body === 'string' ? body : JSON.stringify(body)),
    );

  test.each([
    ['no token at all', {}, 'fails auth.empty_token'],
    ['an empty one', { token: '', access_token: '' }, 'fails auth.empty_token'],
    ['null', { token: null, access_token: null }, 'fails auth.empty_token'],
    ['no JSON', '<html>', 'fails auth.realm_failed'],
    ['nothing', '', 'fails auth.realm_failed'],
    ['an array', '[]', 'fails auth.realm_failed'],
    ['a number for a token', { token: 7 }, 'fails auth.realm_failed'],
    ['expires_in as a string', { token: 't', expires_in: '300' }, 'fails auth.realm_failed'],
    ['expires_in as a fraction', { token: 't', expires_in: 0.5 }, 'fails auth.realm_failed'],
    ['issued_at that is no time', { token: 't', issued_at: 'yesterday' }, 'fails auth.realm_failed'],
  ])('that gives %s', async (_, body, expected) => {
    expect(gist((await tryPull(json(body), [])).report)).toBe(expected);
  });

  test('that answers POST without access_token gives none, even with a token', async () => {
    expect(gist((await tryPull(json({ token: 'only for GET' }), [good])).report)).toBe('fails auth.empty_token');
  });

  test.each([
    [401, [], 'fails auth.required'],
    [403, [], 'fails auth.required'],
    [403, [good], 'fails auth.denied'],
    [401, [good], 'fails auth.rejected'],
    [400, [good], 'fails auth.rejected'],
    [404, [good], 'fails auth.realm_failed'],
    [503, [good], 'fails auth.realm_failed'],
    [429, [good], 'fails api.rate_limited'],
  ] as const)('that answers %s to %j', async (status, logins, expected) => {
    expect(gist((await tryPull(tokens(wrong.refuses(status)), logins)).report)).toBe(expected);
  });

  test.each([403, 500, 503])('that answers POST with %s is not asked by GET', async (status) => {
    const { registry } = await tryPull(tokens(wrong.onMethod('POST', wrong.refuses(status))), [good]);
    expect(asked(registry)).toEqual([head, 'POST /token']);
  });

  test('that expires_in a second serves the whole pull with a fresh one, not with an old one', async () => {
    const request: RegistryWish = { images, auth: { scheme: 'bearer', anonymous: true, expiresInS: 1 } };
    const { report } = await tryPull(request, []);
    expect(gist(report)).toBe('pulls');
  });

  test('is asked once for all images of a repository in a pass', async () => {
    await using registry = await FakeRegistry.open({
      images: { 'team/app:v1': app, 'team/app:v2': app },
      auth: { scheme: 'bearer', anonymous: true },
    });
    const host = `reg.test:${registry.port}`;
    await pass(nodeOf({ registries: { 'reg.test': registry } }), [`${host}/team/app:v1`, `${host}/team/app:v2`], {
      atOnce: 2,
    });
    expect(asked(registry).filter((line) => line.includes('/token'))).toHaveLength(1);
  });

  test('that redirects is followed', async () => {
    const script = wrong.onTokens(({ url, send }) =>
      url.searchParams.has('moved')
        ? undefined
        : send(302, { location: `/token?moved=1&${url.searchParams.toString()}` }),
    );
    const request: RegistryWish = { images, auth: { scheme: 'bearer', users, anonymous: true }, onRequest: script };
    expect(gist((await tryPull(request, [])).report)).toBe('pulls');
  });

  test('that redirects for ever is left', async () => {
    const { report, registry } = await tryPull({ ...bearer, onRequest: wrong.onTokens(wrong.redirectsToItself()) }, []);
    expect(gist(report)).toBe('fails auth.realm_unreachable');
    expect(report.verdict).toMatchObject({
      fault: { cause: { code: 'api.redirect_failed', why: 'stopped after 10 redirects' } },
    });
    expect(asked(registry).filter((line) => line.includes('/token'))).toHaveLength(10);
  });

  test.each([307, 308])('a form with a password is not sent on to another host by %s', async (status) => {
    await using elsewhere = await FakeRegistry.open(bearer);
    const { report } = await tryPull(
      { ...bearer, onRequest: wrong.onTokens(wrong.redirects(`http://elsewhere.test:${elsewhere.port}`, status)) },
      [good],
      { hosts: { 'reg.test': ['127.0.0.1'], 'elsewhere.test': ['127.0.0.1'] } },
    );
    expect(gist(report)).toBe('unknown agent.distrusts_realm');
    expect(elsewhere.requests).toEqual([]);
  });

  test('after 302 the form and the password stay behind', async () => {
    await using elsewhere = await FakeRegistry.open({ ...bearer, auth: { scheme: 'bearer', users } });
    await tryPull(
      { ...bearer, onRequest: wrong.onTokens(wrong.redirects(`http://elsewhere.test:${elsewhere.port}`, 302)) },
      [good],
      { hosts: { 'reg.test': ['127.0.0.1'], 'elsewhere.test': ['127.0.0.1'] } },
    );
    expect(elsewhere.requests.map(({ method, body, authorization }) => [method, body, authorization])).toEqual([
      ['GET', '', undefined],
    ]);
  });

  test.each([
    ['/token', 'a path alone'],
    ['ftp://reg.test/token', 'another protocol'],
    ['http://[', 'no URL'],
    ['', 'nothing'],
  ])('a realm that is %j', async (realm) => {
    const challenge = `Bearer realm="${realm}",service="s"`;
    const { report, registry } = await tryPull({ images, onRequest: wrong.alwaysUnauthorized(challenge) }, [good]);
    expect(gist(report)).toBe('fails auth.malformed_challenge');
    expect(registry.requests.map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  test.each(['http://169.254.169.254/token', 'http://metadata.google.internal/token', 'http://[fe80::1]/token'])(
    'a realm at %s is not told the password, and the verdict is unknown',
    async (realm) => {
      const { report } = await tryPull({ images, onRequest: wrong.alwaysUnauthorized(`Bearer realm="${realm}"`) }, [
        good,
      ]);
      expect(gist(report)).toBe('unknown agent.distrusts_realm');
    },
  );
});

describe('challenges', () => {
  test.each([
    ['Negotiate', 'fails auth.unsupported'],
    ['Digest realm="x", nonce="y"', 'fails auth.unsupported'],
    ['AWS4-HMAC-SHA256', 'fails auth.unsupported'],
    ['Bearer', 'fails auth.malformed_challenge'],
    ['Bearer realm', 'fails auth.malformed_challenge'],
    [',,,', 'fails auth.unsupported'],
    ['Bearer realm="unclosed', 'fails auth.malformed_challenge'],
  ])('%j', async (challenge, expected) => {
    const { report, registry } = await tryPull({ images, onRequest: wrong.alwaysUnauthorized(challenge) }, [good]);
    expect(gist(report)).toBe(expected);
    expect(asked(registry).filter((line) => /\[/.test(line))).toEqual([]);
  });

  test('a registry that is never content is not asked for ever', async () => {
    const loop = wrong.onManifests(wrong.alwaysUnauthorized());
    const { registry } = await tryPull({ ...bearer, onRequest: loop }, [good]);
    expect(asked(registry)).toEqual([head, 'POST /token', `${head} [Bearer]`]);
  });

  test('a registry that knows a token and then wants Basic gets it once', async () => {
    const flips = wrong.onManifests(({ seen, refuse }) =>
      seen.authorization === undefined
        ? undefined
        : refuse(401, 'UNAUTHORIZED', 'no', { 'www-authenticate': 'Basic realm="x"' }),
    );
    const { report, registry } = await tryPull({ ...bearer, onRequest: flips }, [good]);
    expect(gist(report)).toBe('fails auth.rejected');
    expect(asked(registry)).toEqual([head, 'POST /token', `${head} [Bearer]`, `${head} [Basic]`]);
  });

  test('a registry that took Basic and then wants a token does not get the password again and again', async () => {
    const flips = wrong.onManifests(({ seen, refuse, url }) =>
      refuse(401, 'UNAUTHORIZED', 'no', {
        'www-authenticate': seen.authorization === undefined ? 'Basic realm="x"' : `Bearer realm="${url.origin}/token"`,
      }),
    );
    const { registry } = await tryPull({ ...bearer, onRequest: flips }, [good]);
    expect(asked(registry)).toEqual([head, `${head} [Basic]`]);
  });

  test.each([
    ['without a password', ['puller', '']],
    ['without a user', ['', 's3cret']],
    ['without either', ['', '']],
  ] as const)('a login %s is none: Basic is missing, a token is anonymous', async (_, login) => {
    expect(gist((await tryPull(basic, [login])).report)).toBe('fails auth.required');
    const { report, registry } = await tryPull({ ...bearer, onRequest: wrong.onTokens(wrong.refuses(401)) }, [login]);
    expect(gist(report)).toBe('fails auth.required');
    expect(asked(registry).filter((line) => line.startsWith('POST'))).toEqual([]);
    expect(report.kubelet?.waitingMessage).toContain('failed to fetch anonymous token');
  });
});

describe("containerd's own credentials", () => {
  const own = (registry: FakeRegistry, extra: NodeSketch = {}) =>
    nodeOf({
      registries: { 'reg.test': registry },
      ...extra,
      config: { auths: { [`reg.test:${registry.port}`]: { username: 'puller', password: new Secret('s3cret') } } },
    });

  test('are used where the kubelet sends nothing', async () => {
    await using registry = await FakeRegistry.open(basic);
    const report = await pullOf(own(registry), `reg.test:${registry.port}/team/app:v1`);
    expect(gist(report)).toBe('pulls');
  });

  test("are not used beside the kubelet's, even where these are empty or wrong", async () => {
    for (const login of [bad, ['', '']] as const) {
      await using registry = await FakeRegistry.open(basic);
      const host = `reg.test:${registry.port}`;
      const demand = demandFor(`${host}/team/app:v1`, { secrets: [pullSecret('hub', { [host]: login })] });
      expect(gist(await pullOf(own(registry), demand))).toMatch(/^fails auth\./);
      expect(registry.requests.filter(({ authorization }) => authorization === basicHeader(...good))).toEqual([]);
    }
  });

  test('go to the host that they are kept for and to no other', async () => {
    await using mirror = await FakeRegistry.open(basic);
    await using origin = await FakeRegistry.open(basic);
    const dirs = {
      [`reg.test:${origin.port}`]: toml(plain(`reg.test:${origin.port}`), plain(`mirror.test:${mirror.port}`)),
    };
    const node = own(origin, { hosts: { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'] }, dirs });
    await pullOf(node, `reg.test:${origin.port}/team/app:v1`);
    expect(mirror.requests.every(({ authorization }) => authorization === undefined)).toBe(true);
    expect(origin.requests.some(({ authorization }) => authorization === basicHeader(...good))).toBe(true);
  });

  test('an identity token goes by POST as a refresh token', async () => {
    await using registry = await FakeRegistry.open({ ...bearer, onRequest: wrong.onTokens(wrong.refuses(503)) });
    const auths = {
      [`reg.test:${registry.port}`]: { username: '', password: new Secret(''), identityToken: new Secret('id') },
    };
    await pullOf(
      nodeOf({ registries: { 'reg.test': registry }, config: { auths } }),
      `reg.test:${registry.port}/team/app:v1`,
    );
    expect(registry.requests.at(-1)?.body).toContain('grant_type=refresh_token&refresh_token=id');
  });
});

test("the kubelet's password goes to a mirror that asks for one", async () => {
  await using mirror = await FakeRegistry.open(basic);
  const node = nodeOf({
    hosts: { 'mirror.test': ['127.0.0.1'] },
    dirs: { 'reg.test': toml(plain('reg.test'), plain(`mirror.test:${mirror.port}`)) },
  });
  const demand = demandFor('reg.test/team/app:v1', { secrets: [pullSecret('hub', { 'reg.test': good })] });
  expect(gist(await pullOf(node, demand))).toBe('pulls');
});

describe('a secret that nobody let us read', () => {
  const unseen = (host: string) => demandFor(`${host}/team/app:v1`, { secrets: [unseenSecret('hub')] });

  test.each([
    ['Basic', basic],
    ['Bearer', bearer],
    ['Bearer that lets anybody pull', { images, auth: { scheme: 'bearer', users, anonymous: true } }],
  ] as const)('makes the verdict unknown where a host demands %s', async (_, request) => {
    await using registry = await FakeRegistry.open(request);
    const report = await pullOf(nodeOf({ registries: { 'reg.test': registry } }), unseen(`reg.test:${registry.port}`));
    expect(gist(report)).toBe('unknown agent.not_allowed');
  });

  test.each([
    ['pulls', { images }],
    ['fails manifest.unknown_repository', {}],
    ['fails api.unavailable', { onRequest: wrong.refuses(503) }],
  ] as const)('makes no difference where nobody asks: %s', async (expected, request) => {
    await using registry = await FakeRegistry.open(request);
    const report = await pullOf(nodeOf({ registries: { 'reg.test': registry } }), unseen(`reg.test:${registry.port}`));
    expect(gist(report)).toBe(expected);
    expect(report.verdict.confidence.is).toBe('exact');
  });

  test('makes no difference where another secret is enough', async () => {
    await using registry = await FakeRegistry.open(basic);
    const host = `reg.test:${registry.port}`;
    const demand = demandFor(`${host}/team/app:v1`, {
      secrets: [unseenSecret('hub'), pullSecret('own', { [host]: good })],
    });
    expect(gist(await pullOf(nodeOf({ registries: { 'reg.test': registry } }), demand))).toBe('pulls');
  });
});

describe('a wrong password', () => {
  const presented = (registry: FakeRegistry): number =>
    registry.requests.filter(
      ({ authorization, body }) => authorization?.startsWith('Basic') === true || body.includes('password='),
    ).length;
  const many = ['one', 'two', 'three', 'four', 'five', 'six'];
  const shelf = Object.fromEntries(many.map((name) => [`team/${name}:v1`, app]));

  test.each([
    ['Basic', { scheme: 'basic', users }, 1],
    // containerd turns to GET where POST was refused with 401: the same password once more.
    ['Bearer', { scheme: 'bearer', users }, 2],
  ] as const)(
    'for %s is presented once, for all images, at once or one after another, in all passes',
    async (_, auth, times) => {
      for (const atOnce of [1, 6]) {
        await using registry = await FakeRegistry.open({ images: shelf, auth });
        const host = `reg.test:${registry.port}`;
        const node = nodeOf({ registries: { 'reg.test': registry } });
        const memory = new Memory();
        const demands = many.map((name) =>
          demandFor(`${host}/team/${name}:v1`, { secrets: [pullSecret('hub', { [host]: bad })] }),
        );
        for (const nth of [1, 2]) {
          const reports = await pass(node, demands, { memory, atOnce });
          expect(reports.map(gist), `pass ${nth}`).toEqual(many.map(() => 'fails auth.rejected'));
        }
        expect(presented(registry)).toBe(times);
        const fixed = many.map((name) =>
          demandFor(`${host}/team/${name}:v1`, { secrets: [pullSecret('hub', { [host]: good })] }),
        );
        expect((await pass(node, fixed, { memory, atOnce })).map(gist)).toEqual(many.map(() => 'pulls'));
      }
    },
  );

  test('is shown in the same words when it is not presented again', async () => {
    for (const request of [basic, bearer]) {
      await using registry = await FakeRegistry.open(request);
      const host = `reg.test:${registry.port}`;
      const demand = demandFor(`${host}/team/app:v1`, { secrets: [pullSecret('hub', { [host]: bad })] });
      const memory = new Memory();
      const node = nodeOf({ registries: { 'reg.test': registry } });
      const first = await pullOf(node, demand, { memory });
      const second = await pullOf(node, demand, { memory });
      expect(second.kubelet).toEqual(first.kubelet);
    }
  });

  test('that was right before is presented once more, and once for each repository', async () => {
    await using registry = await FakeRegistry.open({ images: shelf, auth: { scheme: 'basic', users } });
    const host = `reg.test:${registry.port}`;
    const node = nodeOf({ registries: { 'reg.test': registry } });
    const memory = new Memory();
    const demand = demandFor(`${host}/team/one:v1`, { secrets: [pullSecret('hub', { [host]: good })] });
    expect(gist(await pullOf(node, demand, { memory }))).toBe('pulls');
    registry.play(wrong.alwaysUnauthorized('Basic realm="x"'));
    registry.forget();
    for (let i = 0; i < 3; i += 1) expect(gist(await pullOf(node, demand, { memory }))).toBe('fails auth.rejected');
    expect(presented(registry)).toBe(1);
  });

  test('waits for nobody longer than its image may take', async () => {
    await using registry = await FakeRegistry.open({ images: shelf, auth: { scheme: 'basic', users } });
    const host = `reg.test:${registry.port}`;
    registry.play(wrong.ifSeen(({ authorization }) => authorization !== undefined, wrong.staysSilent()));
    const demands = ['one', 'two'].map((name) =>
      demandFor(`${host}/team/${name}:v1`, { secrets: [pullSecret('hub', { [host]: bad })] }),
    );
    const reports = await pass(nodeOf({ registries: { 'reg.test': registry } }), demands, {
      atOnce: 2,
      manners: { deadlineMs: 400, patienceMs: 10_000 },
    });
    expect(reports.map(gist)).toEqual(['unknown agent.out_of_time', 'unknown agent.out_of_time']);
  });
});
