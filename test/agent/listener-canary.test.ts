/**
 * No secret reaches any answer of the open listener: what is in pull secrets and in the tokens of readers is looked for in every
 * place, in the log and in the errors, while a registry asks for credentials and throws them back.
 */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import type { PullReport } from '#report/report.ts';
import type { Demand } from '#node/view.ts';
import { runAgent } from '#agent/agent.ts';
import { bareDemand, pullSecretOf } from '#config/image-demand.ts';
import { readerAccess } from '#kubernetes/reader-access.ts';
import { readNode } from '#rehearsal/read-node.ts';
import { manners } from '#rehearsal/open-wire.ts';
import { Rehearser } from '#rehearsal/rehearser.ts';
import { openLog } from '#output/log.ts';
import { outsideOf } from '../kit/agent.ts';
import { kubeWorld } from '../kit/kube-world.ts';
import { nodeRoot } from '../kit/node-root.ts';
import { listen } from '../kit/silent-listener.ts';

const canary = (): string => `c4n4ry${randomBytes(12).toString('hex')}`;
const password = canary();
const identityToken = canary();
const reader = canary();
const stranger = canary();

/** Each secret as it is, and as it travels. */
const forms = [password, identityToken, reader, stranger].flatMap((secret) => {
  const pair = Buffer.from(`robot:${secret}`);
  return [
    secret,
    pair.toString('base64').replace(/=+$/, ''),
    pair.toString('base64url'),
    Buffer.from(secret).toString('hex'),
  ];
});

const found = (text: string): readonly string[] => forms.filter((form) => text.includes(form));

test('no secret is in any answer, log line or error', { timeout: 20_000 }, async () => {
  const heard: string[] = [];
  await using stack = new AsyncDisposableStack();
  const registry = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => (body += part));
    request.on('end', () => {
      heard.push(`${request.headers.authorization ?? ''} ${body}`);
      const own = `http://${request.headers.host ?? ''}`;
      const scheme =
        request.url?.includes('/basic/') === true ? 'Basic realm="r"' : `Bearer realm="${own}/token",service="s"`;
      response.writeHead(request.url?.startsWith('/token') === true ? 403 : 401, { 'www-authenticate': scheme });
      response.end(JSON.stringify({ errors: [{ code: 'DENIED', message: request.headers.authorization ?? body }] }));
    });
  });
  const at = `127.0.0.1:${await listen(registry, '127.0.0.1')}`;
  stack.defer(() => registry.closeAllConnections());
  stack.defer(() => void registry.close());
  const root = stack.use(await nodeRoot({ 'etc/containerd/config.toml': 'version = 3\n' }));
  const world = stack.use(await kubeWorld());
  world.kube.people.set(reader, {
    user: 'prometheus',
    may: ['/', '/metrics', '/node', '/reports', '/reports/'].map((path) => `get ${path}`),
  });

  const secretOf = (name: string, login: object): ReturnType<typeof pullSecretOf> =>
    pullSecretOf(name, JSON.stringify({ auths: { [at]: login } }), 'shop');
  const given = [
    secretOf('basic', { username: 'robot', password }),
    secretOf('auth', { auth: Buffer.from(`robot:${password}`).toString('base64') }),
    secretOf('identity', { username: 'robot', identitytoken: identityToken }),
    secretOf('broken', { auth: `!${password}` }),
  ].flatMap((secret) => secret ?? []);
  const demands: readonly Demand[] = given.flatMap((secret) =>
    ['basic', 'bearer'].map((how) => bareDemand(`${at}/${how}/${secret.name}:1`, [secret])),
  );

  const now = (): Date => new Date();
  const rehearser = new Rehearser({ hostRoot: root.path, env: {}, now, clockMs: () => performance.now() });
  const view = await readNode({
    hostRoot: root.path,
    runtime: 'containerd://2.1.9',
    nodeName: 'n',
    kubelet: {},
    now: now(),
  });
  const lines: string[] = [];
  const stopping = new AbortController();
  const opened = Promise.withResolvers<string>();
  const keeper = readerAccess(world.cluster, { now });
  const ended = runAgent({
    ...outsideOf('images: []'),
    demands: () => Promise.resolve(demands),
    rehearse: (wanted, _config, { signal }): AsyncIterable<PullReport> =>
      rehearser.rehearse(view, wanted, { manners, atOnce: 4, perRegistry: 4, meteredRegistries: [], signal }),
    log: openLog({ level: 'debug', node: 'n', to: { write: (line) => lines.push(line) } }),
    signal: stopping.signal,
    admit: (authorization, path) => keeper.admit(authorization, path),
    opened: ({ open }) => opened.resolve(open),
  });
  const url = await opened.promise;
  const read = async (path: string, token?: string): Promise<string> => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(new URL(path, url), { headers });
    return `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`;
  };
  while (!(await read('/readyz')).startsWith('200')) await new Promise((resolve) => setImmediate(resolve));

  const places = [
    '/',
    '/?refresh=30',
    '/metrics',
    '/node',
    '/node?format=line',
    '/reports',
    '/livez',
    '/readyz',
    '/none',
  ];
  const paths = [...places, ...demands.map(({ written }) => `/reports/${encodeURIComponent(written)}`)];
  const answers = await Promise.all(paths.map((path) => read(path, reader)));
  const refusals = await Promise.all(paths.map((path) => read(path, stranger)));
  const thrownBack = await read(`/?image=${reader.slice(0, 3)}`, reader);
  stopping.abort();
  await ended;

  // The secrets were really in play: they were presented, and the reports tell of it.
  expect(found(heard.join('\n')).length).toBeGreaterThanOrEqual(2);
  expect(answers[5]).toMatch(/"username|robot|shop\/basic/);
  expect(answers.filter((answer) => answer.startsWith('200')).length).toBe(paths.length - 3);
  expect(refusals.filter((answer) => answer.startsWith('401')).length).toBeGreaterThanOrEqual(demands.length);
  expect(found([...answers, ...refusals, thrownBack].join('\n'))).toEqual([]);
  expect(found(lines.join('\n'))).toEqual([]);
});
