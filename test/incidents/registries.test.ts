/** Incidents of registries, their token services and storage, and of the credentials shown to them. */
import { expect, test } from 'vitest';
import { bad, good } from '#report/outcome.ts';
import type { FaultCode } from '#report/fault.ts';
import type { Stage } from '#report/rehearsal.ts';
import { Secret } from '#report/secret.ts';
import { FakeRegistry, image, type RegistryWish, type Script } from '../kit/fake-registry.ts';
import { expectForetold, incident } from '../kit/incidents.ts';
import * as wrong from '../kit/misbehaviour.ts';
import { deadPort } from '../kit/silent-listener.ts';
import {
  demandFor,
  gist,
  nodeOf,
  plain,
  pullOf,
  pullSecret,
  toml,
  type DemandSketch,
  type PassSketch,
} from '../kit/stage.ts';

const images = { 'team/app:v1': image() };
const html = { 'content-type': 'text/html' } as const;

interface Replay extends PassSketch {
  readonly demand?: DemandSketch;
}

/** One registry that does so, and an image of it that would fail so. */
async function replay(request: RegistryWish, expected: readonly [Stage, FaultCode], how: Replay = {}): Promise<void> {
  await using registry = await FakeRegistry.open({ images, ...request });
  const view = nodeOf({ registries: { 'reg.test': registry } });
  const report = await pullOf(view, demandFor(`reg.test:${registry.port}/team/app:v1`, how.demand), how);
  expectForetold(report, ...expected);
}

const answers = (script: Script): RegistryWish => ({ onRequest: script });
const tooMany = (body: string, headers: Readonly<Record<string, string>>): RegistryWish =>
  answers(wrong.onManifests(wrong.sends(429, headers, body)));

incident(6, () =>
  replay(answers(wrong.onBlobs(wrong.sends(403, html, '<title>Attention Required!</title>'))), ['blob', 'blob.denied']),
);

incident(26, () =>
  replay(
    {
      auth: { scheme: 'bearer', anonymous: true },
      onRequest: wrong.onTokens(wrong.refuses(401, 'UNAUTHORIZED', 'authentication required')),
    },
    ['auth', 'auth.required'],
  ),
);

incident(27, () => {
  const challenge = 'Bearer realm="/token",service="hub",scope="repository:team/app:pull",error="insufficient_scope"';
  const refused = wrong.ifSeen(({ authorization }) => authorization !== undefined, wrong.alwaysUnauthorized(challenge));
  return replay({ auth: { scheme: 'bearer', anonymous: true }, onRequest: wrong.onManifests(refused) }, [
    'auth',
    'auth.required',
  ]);
});

incident(31, async () => {
  const expired = wrong.sends(403, { 'content-type': 'text/plain' }, 'Your Authorization Token has expired.');
  const onRequest = wrong.ifSeen(({ authorization }) => authorization !== undefined, expired);
  await using registry = await FakeRegistry.open({ images, auth: { scheme: 'basic', users: {} }, onRequest });
  const host = `ecr.test:${registry.port}`;
  const auth = good({ [host]: { username: 'AWS', password: new Secret('revoked') } });
  const answers = [{ provider: 'ecr-credential-provider', auth }];
  const view = nodeOf({ registries: { 'ecr.test': registry } });
  expectForetold(await pullOf(view, `${host}/team/app:v1`, { answers }), 'auth', 'auth.denied');
});

incident(34, () => {
  const why = 'exit status 1: no region';
  const auth = bad({ code: 'credential.provider_failed', provider: 'ecr-credential-provider', why });
  return replay({ auth: { scheme: 'basic', users: {} } }, ['auth', 'credential.provider_failed'], {
    answers: [{ provider: 'ecr-credential-provider', auth }],
  });
});

incident(35, async () => {
  await using registry = await FakeRegistry.open({ images, auth: { scheme: 'basic', users: {} } });
  const what = 'run the credential provider ecr-credential-provider, which wants a ServiceAccount token';
  const answers = [{ provider: 'ecr-credential-provider', auth: bad({ code: 'agent.not_allowed', what }) }];
  const view = nodeOf({ registries: { 'ecr.test': registry } });
  const report = await pullOf(view, `ecr.test:${registry.port}/team/app:v1`, { answers });
  // Whether the kubelet's own run of it succeeds is not ours to know: no false alarm, and no false calm.
  expect(report.verdict).toMatchObject({ is: 'unknown', stage: 'auth', fault: { code: 'agent.not_allowed', what } });
});

incident(39, () =>
  replay(
    tooMany(
      JSON.stringify({ errors: [{ code: 'TOOMANYREQUESTS', message: 'too many requests to upstream registry' }] }),
      { 'content-type': 'application/json' },
    ),
    ['api', 'api.rate_limited'],
  ),
);

incident(41, () =>
  replay(tooMany('toomanyrequests: Data limit exceeded', { 'content-type': 'text/plain' }), [
    'api',
    'api.rate_limited',
  ]),
);

incident(42, () => replay(tooMany('<html><h1>429 Too Many Requests</h1></html>', html), ['api', 'api.rate_limited']));

incident(43, () =>
  replay(tooMany('toomanyrequests: retry-after: 880.092µs, allowed: 44000/minute', { 'content-type': 'text/plain' }), [
    'api',
    'api.rate_limited',
  ]),
);

incident(45, () =>
  replay(
    {
      auth: { scheme: 'bearer', anonymous: true },
      onRequest: wrong.onTokens(wrong.refuses(403, 'DENIED', 'requested access to the resource is denied')),
    },
    ['auth', 'auth.required'],
  ),
);

incident(46, () =>
  replay({ images: { 'team/app:v1': image({ platforms: ['linux/arm64', 'linux/s390x'] }) } }, [
    'manifest',
    'manifest.no_platform',
  ]),
);

incident(49, async () => {
  const dead = await deadPort();
  await using origin = await FakeRegistry.open({ images });
  const host = `reg.test:${origin.port}`;
  const mirror = plain(`mirror.test:${dead}`);
  const hosts = { 'reg.test': ['224.0.0.1'], 'mirror.test': ['127.0.0.1'] };
  const view = nodeOf({ hosts, dirs: { [host]: toml(plain(host, { dialTimeoutMs: 300 }), mirror) } });
  expectForetold(await pullOf(view, `${host}/team/app:v1`), 'tcp', 'tcp.refused');
});

incident(51, () => replay(tooMany('', { 'retry-after': '5' }), ['api', 'api.rate_limited']));

incident(53, () => {
  const refusesTwo = wrong.onTokens((visit) =>
    visit.url.searchParams.getAll('scope').includes('::') ? visit.refuse(400, 'UNKNOWN', 'bad scope') : undefined,
  );
  const challenge = wrong.ifSeen(
    ({ authorization }) => authorization === undefined,
    (visit) =>
      visit.refuse(401, 'UNAUTHORIZED', 'authentication required', {
        'www-authenticate': `Bearer realm="${visit.url.origin}/token",service="ocir",scope="::"`,
      }),
  );
  return replay(
    { auth: { scheme: 'bearer', anonymous: true }, onRequest: [refusesTwo, wrong.onManifests(challenge)] },
    ['auth', 'auth.realm_failed'],
  );
});

incident(54, () => replay({ auth: { scheme: 'basic', users: { puller: 's3cret' } } }, ['auth', 'auth.required']));

/** What the other column of the table says: these pulls are spared, and no false alarm is raised. */
test('52 go-gitea/gitea#37326: a registry that refuses HEAD /v2/ is pulled from as before', async () => {
  const refusesPing: Script = (visit) => (visit.kind === 'root' ? visit.send(405, {}) : undefined);
  await using registry = await FakeRegistry.open({ images, onRequest: refusesPing });
  const view = nodeOf({ registries: { 'gitea.test': registry } });
  expect(gist(await pullOf(view, `gitea.test:${registry.port}/team/app:v1`))).toBe('pulls');
});

test.each([
  ['28 NVIDIA/nvidia-container-toolkit#1945', 401],
  ['29 aws/containers-roadmap#2835', 400],
])('%s: a token that has aged is shown by nobody, so the pull is spared', async (_, status) => {
  const seen = new Set<string>();
  const aged: Script = (visit) => {
    const { authorization } = visit.seen;
    if (visit.kind !== 'manifest' || authorization === undefined || !seen.has(authorization)) return undefined;
    return visit.refuse(status, 'UNAUTHORIZED', 'expired');
  };
  await using registry = await FakeRegistry.open({
    images,
    auth: { scheme: 'bearer', anonymous: true },
    onRequest: aged,
  });
  const view = nodeOf({ registries: { 'nvcr.test': registry } });
  const wanted = `nvcr.test:${registry.port}/team/app:v1`;
  expect(gist(await pullOf(view, wanted))).toBe('pulls');
  for (const { authorization } of registry.requests) if (authorization !== undefined) seen.add(authorization);
  expect(seen.size).toBeGreaterThan(0);
  expect(gist(await pullOf(view, wanted))).toBe('pulls');
});

test('36 and every secret of a Pod that names another registry: the login is not the one that is used', async () => {
  await using registry = await FakeRegistry.open({ images, auth: { scheme: 'basic', users: { puller: 's3cret' } } });
  const view = nodeOf({ registries: { 'reg.test': registry } });
  const secrets = [pullSecret('hub', { 'other.test': ['puller', 's3cret'] })];
  const report = await pullOf(view, demandFor(`reg.test:${registry.port}/team/app:v1`, { secrets }));
  expect(report.plan?.identities).toEqual(['anonymous']);
  expectForetold(report, 'auth', 'auth.required');
});
