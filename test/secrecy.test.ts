/** A canary in every place where a secret is: it reaches the one host that it is for, and no output. */
import { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import type { PullReport } from '#report/report.ts';
import { Secret } from '#report/secret.ts';
import type { HostRule, NodeView } from '#node/view.ts';
import { Memory } from '#runtime/attempt/memory.ts';
import { openLog } from '#output/log.ts';
import { page } from '#output/page/page.ts';
import { document, junit, publicNode, story, summary, table } from '#output/print.ts';
import { issuer } from './kit/certificates.ts';
import { FakeRegistry, image, type RegistryWish, type SeenRequest } from './kit/fake-registry.ts';
import { fakeProxy } from './kit/fake-proxy.ts';
import { entry, ledgerOf } from './kit/ledger.ts';
import { metricsOver } from './kit/metrics.ts';
import * as wrong from './kit/misbehaviour.ts';
import {
  asked,
  demandFor,
  engines,
  gist,
  nodeOf,
  pass,
  plain,
  pullSecret,
  toml,
  type NodeSketch,
  type PassSketch,
} from './kit/stage.ts';
import type { Demand } from '#kubelet/demand.ts';

const app = image({ seed: 'app' });
const images = { 'team/app:v1': app };
const canary = 'c4nary-5ecret-0f-the-n0de';
/** As it travels, too. */
const forms = [
  canary,
  encodeURIComponent(canary),
  Buffer.from(`puller:${canary}`).toString('base64'),
  Buffer.from(canary).toString('base64').slice(0, 24),
];
const users = { puller: canary };

/** Everything that a reader of reports can see. */
async function shown(view: NodeView, reports: readonly PullReport[]): Promise<string> {
  const entries = reports.map((report) => entry(report));
  const ledger = ledgerOf(entries);
  const metrics = metricsOver(() => ledger);
  for (const report of reports) metrics.observe(report);
  const lines: string[] = [];
  const to = new Writable({
    write: (chunk: Buffer, _, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  const log = openLog({ level: 'debug', node: 'node-7', to });
  for (const report of reports) log.info({ report, verdict: report.verdict }, 'verdict changed');
  log.error(
    { error: new Error('went wrong'), kubelet: view.kubelet, proxy: view.runtime.proxy, demand: reports[0]?.image },
    'a bug',
  );
  return [
    JSON.stringify(document(publicNode(view), reports)),
    ...reports.map((report) => story(report, { colour: false })),
    table(reports, { width: 200, colour: false }),
    junit(reports),
    summary('node-7', reports),
    page(ledger, { nowMs: Date.parse(reports[0]?.at ?? ''), version: '0' }),
    (await metrics.scrape()).body,
    ...lines,
    inspect(reports, { depth: 20 }),
  ].join('\n');
}

function leaks(text: string): readonly string[] {
  return forms.filter((form) => text.includes(form));
}

const open: FakeRegistry[] = [];
async function registry(request: RegistryWish = {}): Promise<FakeRegistry> {
  const opened = await FakeRegistry.open({ images, ...request });
  open.push(opened);
  return opened;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

function received(one: FakeRegistry): string {
  return one.requests.map((seen: SeenRequest) => JSON.stringify(seen)).join('\n');
}

/** Two passes, so that what is remembered is reported as well. */
async function silently(
  view: NodeView,
  demand: Demand | string,
  sketch: PassSketch = {},
): Promise<readonly PullReport[]> {
  const memory = new Memory();
  const reports = [
    ...(await pass(view, [demand], { memory, ...sketch })),
    ...(await pass(view, [demand], { memory, ...sketch })),
  ];
  expect(reports).toHaveLength(2);
  expect(leaks(await shown(view, reports))).toEqual([]);
  return reports;
}

const secretFor = (host: string) => [pullSecret('hub', { [host]: ['puller', canary] })];
const both = [
  ['Basic', { scheme: 'basic', users }],
  ['Bearer', { scheme: 'bearer', users }],
] as const;

describe.each(engines)('containerd %s', (version) => {
  test.each(both)('a pull secret that is right, by %s', async (_, auth) => {
    const one = await registry({ auth });
    const host = `reg.test:${one.port}`;
    const reports = await silently(
      nodeOf({ version, registries: { 'reg.test': one } }),
      demandFor(`${host}/team/app:v1`, { secrets: secretFor(host) }),
    );
    expect(reports.map(gist)).toEqual(['pulls', 'pulls']);
    expect(leaks(received(one))).not.toEqual([]);
  });

  test.each(both)('a pull secret that is wrong, by %s', async (_, auth) => {
    const one = await registry({ auth: { ...auth, users: { puller: 'another' } } });
    const host = `reg.test:${one.port}`;
    await silently(
      nodeOf({ version, registries: { 'reg.test': one } }),
      demandFor(`${host}/team/app:v1`, { secrets: secretFor(host) }),
    );
  });

  test('a token', async () => {
    const token = wrong.onTokens(wrong.sends(200, {}, JSON.stringify({ token: canary, access_token: canary })));
    const one = await registry({ auth: { scheme: 'bearer' }, onRequest: token });
    await silently(nodeOf({ version, registries: { 'reg.test': one } }), `reg.test:${one.port}/team/app:v1`);
    expect(leaks(received(one))).not.toEqual([]);
  });
});

describe('a server that echoes what it received', () => {
  const quotes = (status: number) =>
    wrong.ifSeen(
      ({ authorization, body }) => authorization !== undefined || body !== '',
      ({ seen, refuse }) => {
        const given = `${seen.authorization ?? ''} ${Buffer.from(seen.authorization?.split(' ')[1] ?? '', 'base64').toString()} ${seen.body}`;
        return refuse(status, given, given, {
          'content-type': `text/plain; x=${given.replace(/\s/g, '-').slice(0, 60)}`,
        });
      },
    );

  test.each([400, 401, 403, 404, 429, 500, 503])('with %s', async (status) => {
    for (const [, auth] of both) {
      for (const version of engines) {
        const one = await registry({ auth, onRequest: quotes(status) });
        const host = `reg.test:${one.port}`;
        const reports = await silently(
          nodeOf({ version, registries: { 'reg.test': one } }),
          demandFor(`${host}/team/app:v1`, { secrets: secretFor(host) }),
        );
        expect(reports[0]?.verdict.is).toBe('fails');
      }
    }
  });

  test('a token', async () => {
    const token = wrong.onTokens(wrong.sends(200, {}, JSON.stringify({ token: canary, access_token: canary })));
    const one = await registry({ auth: { scheme: 'bearer' }, onRequest: [token, quotes(403)] });
    await silently(nodeOf({ version: '2.3.4', registries: { 'reg.test': one } }), `reg.test:${one.port}/team/app:v1`);
  });

  test('a header of hosts.toml', async () => {
    const one = await registry({
      onRequest: ({ seen, refuse }) => refuse(403, 'DENIED', JSON.stringify(seen.headers)),
    });
    const host = `reg.test:${one.port}`;
    const rule: HostRule = plain(host, {
      headers: [
        ['X-Api-Key', canary],
        ['Authorization', `Basic ${forms[2] ?? ''}`],
      ],
    });
    for (const version of engines)
      await silently(
        nodeOf({ version, hosts: { 'reg.test': ['127.0.0.1'] }, dirs: { [host]: toml(rule) } }),
        `${host}/team/app:v1`,
      );
    expect(leaks(received(one))).not.toEqual([]);
  });
});

describe('other places', () => {
  const basic: RegistryWish = { auth: { scheme: 'basic', users } };

  async function onlyTo(
    sketch: (host: string) => NodeSketch & PassSketch,
    request: RegistryWish = basic,
  ): Promise<void> {
    const one = await registry(request);
    const stranger = await registry();
    const host = `reg.test:${one.port}`;
    const view = nodeOf({ registries: { 'reg.test': one, 'stranger.test': stranger }, ...sketch(host) });
    const reports = await silently(view, `${host}/team/app:v1`, sketch(host));
    expect(reports.map(gist)).toEqual(['pulls', 'pulls']);
    expect(leaks(received(one))).not.toEqual([]);
    await pass(view, [`stranger.test:${stranger.port}/team/app:v1`], sketch(host));
    expect(stranger.requests).not.toEqual([]);
    expect(leaks(received(stranger))).toEqual([]);
  }

  test("the kubelet's own file", async () => {
    await onlyTo((host) => ({
      nodeFile: JSON.stringify({ auths: { [host]: { username: 'puller', password: canary } } }),
    }));
  });

  test('the answer of a plugin', async () => {
    await onlyTo((host) => ({
      answers: [
        {
          provider: 'ecr',
          auth: { ok: true, value: { [host]: { username: 'puller', password: new Secret(canary) } } },
        },
      ],
    }));
  });

  test("containerd's own credentials", async () => {
    await onlyTo((host) => ({ config: { auths: { [host]: { username: 'puller', password: new Secret(canary) } } } }));
  });

  test("containerd's own identity token", async () => {
    const one = await registry({ auth: { scheme: 'bearer', users } });
    const host = `reg.test:${one.port}`;
    const auths = { [host]: { username: '', password: new Secret(''), identityToken: new Secret(canary) } };
    await silently(nodeOf({ registries: { 'reg.test': one }, config: { auths } }), `${host}/team/app:v1`);
    expect(leaks(received(one))).not.toEqual([]);
  });

  test('a password in the URL of hosts.toml goes to no host', async () => {
    const one = await registry();
    const host = `reg.test:${one.port}`;
    const rule = plain(host, { url: `http://puller:${canary}@${host}` });
    const view = nodeOf({ hosts: { 'reg.test': ['127.0.0.1'] }, dirs: { 'reg.test': toml(plain('down.test'), rule) } });
    await silently(view, 'reg.test/team/app:v1');
    expect(leaks(received(one))).toEqual([]);
  });

  test.each([
    ['that lets through', {}],
    ['that refuses', { refuse: '403 Forbidden' }],
    ['that wants another password', { demand: 'puller:another' }],
  ])("a proxy's password, for a proxy %s", async (_, manner) => {
    const made = await issuer('Example CA');
    const one = await registry({ tls: await made.issue({ names: ['reg.test'] }) });
    await using proxy = await fakeProxy({ to: one.port, ...manner });
    const url = new Secret(`http://puller:${canary}@127.0.0.1:${proxy.port}`);
    const view = nodeOf({ roots: [made.cert], proxy: { https: url, http: url, source: '/proc/1/environ' } });
    await silently(view, 'reg.test/team/app:v1');
    expect(leaks(proxy.received.join('\n'))).not.toEqual([]);
    expect(leaks(received(one))).toEqual([]);
  });

  test('a proxy that cannot be read', async () => {
    const view = nodeOf({ proxy: { https: new Secret(`http://puller:${canary}@[bad`), source: '/proc/1/environ' } });
    await silently(view, 'reg.test/team/app:v1');
  });

  test('a proxy that nobody reaches', async () => {
    const view = nodeOf({
      proxy: { https: new Secret(`http://puller:${canary}@127.0.0.1:1`), source: '/proc/1/environ' },
    });
    await silently(view, 'reg.test/team/app:v1');
  });

  test.each(['is none', 'is wrong'])('a client key that %s', async (what) => {
    const made = await issuer('Example CA');
    const pair = await made.issue({ names: ['client'] });
    const one = await registry({ tls: { ...(await made.issue({ names: ['reg.test'] })), ca: made.cert } });
    const host = `reg.test:${one.port}`;
    const key = what === 'is none' ? canary : pair.key.replace(/\n[^\n]{10}/, `\n${canary}`);
    const clients = [{ certPath: '/client.cert', cert: pair.cert, key: new Secret(key) }];
    const rule = plain(host, { url: `https://${host}`, tls: { verify: true, extraRoots: [], clients } });
    const view = nodeOf({ roots: [made.cert], hosts: { 'reg.test': ['127.0.0.1'] }, dirs: { [host]: toml(rule) } });
    const reports = await silently(view, `${host}/team/app:v1`);
    expect(reports[0]?.verdict.is).not.toBe('pulls');
    expect(JSON.stringify(reports)).not.toContain('agent.bug');
  });

  test('a presigned query', async () => {
    for (const status of [200, 403, 404, 503]) {
      const cdn = await registry({ onRequest: status === 200 ? [] : wrong.refuses(status) });
      const one = await registry({
        onRequest: wrong.onBlobs(({ url, send }) =>
          send(307, { location: `http://cdn.test:${cdn.port}${url.pathname}?X-Amz-Signature=${canary}&sig=${canary}` }),
        ),
      });
      for (const version of engines) {
        const view = nodeOf({
          version,
          registries: { 'reg.test': one },
          hosts: { 'reg.test': ['127.0.0.1'], 'cdn.test': ['127.0.0.1'] },
        });
        await silently(view, `reg.test:${one.port}/team/app:v1`);
      }
      expect(leaks(received(cdn))).not.toEqual([]);
      expect(leaks(received(one))).toEqual([]);
    }
  });

  test('a secret that cannot be decoded', async () => {
    for (const text of [
      canary,
      `{"auths":{"reg.test":{"auth":"${canary}"}}}`,
      `{"auths":{"reg.test":"${canary}"}}`,
      `{"auths":"${canary}"}`,
    ]) {
      const broken = {
        ...pullSecret('hub', {}),
        state: { is: 'given', type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': new Secret(text) } },
      } as const;
      const [report] = await silently(nodeOf(), demandFor('reg.test/team/app:v1', { secrets: [broken] }));
      expect(report && gist(report)).toBe('fails credential.malformed');
    }
  });
});

test('of two registries each gets its own secret alone', async () => {
  const [one, other] = [
    await registry({ auth: { scheme: 'bearer', users } }),
    await registry({ auth: { scheme: 'basic', users: { puller: 'other' } } }),
  ];
  const view = nodeOf({ registries: { 'one.test': one, 'other.test': other } });
  const secrets = [
    pullSecret('hub', {
      [`one.test:${one.port}`]: ['puller', canary],
      [`other.test:${other.port}`]: ['puller', 'other'],
    }),
  ];
  const reports = await pass(
    view,
    [
      demandFor(`one.test:${one.port}/team/app:v1`, { secrets }),
      demandFor(`other.test:${other.port}/team/app:v1`, { secrets }),
    ],
    { atOnce: 2 },
  );
  expect(reports.map(gist)).toEqual(['pulls', 'pulls']);
  expect(leaks(received(other))).toEqual([]);
});

test("headers for the registry do not go to another registry's redirect target as Authorization", async () => {
  const cdn = await registry();
  const one = await registry({ blobsAt: `http://cdn.test:${cdn.port}` });
  const host = `reg.test:${one.port}`;
  const rule = plain(host, { headers: [['Authorization', `Bearer ${canary}`]] });
  const view = nodeOf({
    hosts: { 'reg.test': ['127.0.0.1'], 'cdn.test': ['127.0.0.1'] },
    dirs: { [host]: toml(rule) },
  });
  await silently(view, `${host}/team/app:v1`);
  expect(asked(one).every((line) => line.endsWith('[Bearer]'))).toBe(true);
  expect(cdn.requests).not.toEqual([]);
  expect(leaks(received(cdn))).toEqual([]);
});

test.each(['a\nb', 'a\u0000b', 'ключ', '\u{1f511}'])(
  'a token %j that cannot be sent is named, and no bug',
  async (token) => {
    const one = await registry({
      auth: { scheme: 'bearer' },
      onRequest: wrong.onTokens(wrong.sends(200, {}, JSON.stringify({ token }))),
    });
    const [report] = await pass(nodeOf({ registries: { 'reg.test': one } }), [`reg.test:${one.port}/team/app:v1`]);
    expect(report && gist(report)).toBe('fails auth.realm_failed');
  },
);

test('a crash shows its name and no more than its message', async () => {
  const history = (): never => {
    throw new Secret(canary) as unknown as Error;
  };
  const [report] = await pass(nodeOf(), [demandFor('a', { policy: 'Never' })], { history });
  expect(leaks(JSON.stringify(report))).toEqual([]);
  expect(report && gist(report)).toBe('unknown agent.bug');
});

test('a secret prints as [secret] wherever it is put', () => {
  const secret = new Secret(canary);
  for (const text of [
    String(secret),
    secret.toString(),
    JSON.stringify({ secret }),
    inspect({ a: { secret } }),
    inspect(secret, { showHidden: true }),
  ])
    expect(leaks(text)).toEqual([]);
});
