import { chmod, rm, writeFile } from 'node:fs/promises';
import { connect, createServer as createPlain } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { type Fleet, openFleet } from '#kubernetes/port-forward/ask-agents.ts';
import type { Json } from '../../kit/fake-kube-json.ts';
import { token } from '../../kit/fake-kube.ts';
import { fakeProxy } from '../../kit/fake-proxy.ts';
import { authority, leaf } from '../../kit/certificates.ts';
import { type FleetWorld, fleetWorld, kubeconfigOf, listener } from '../../kit/fleet-world.ts';
import { scratch } from '../../kit/program.ts';
import { listen } from '../../kit/silent-listener.ts';

const signal = new AbortController().signal;
const clockMs = (): number => performance.now();

/** Lists the Nodes and asks the one agent. */
async function ask(fleet: Fleet): Promise<readonly string[]> {
  const nodes = await fleet.nodes('', signal);
  const agents = await fleet.agents('drypull', signal);
  const answered = [nodes.is === 'listed' ? nodes.items.map(({ name }) => name).join() : JSON.stringify(nodes)];
  if (agents.is !== 'listed') return [...answered, JSON.stringify(agents)];
  const question = { method: 'GET', path: '/node' } as const;
  const bounds = { atOnce: 2, perNodeMs: 10_000, port: 9468, signal, clockMs };
  for await (const answer of fleet.ask(
    agents.items.map((agent) => ({ agent, question })),
    bounds,
  ))
    answered.push(answer.answered.is === 'answered' ? String(answer.answered.status) : JSON.stringify(answer.answered));
  return answered;
}

interface Way {
  readonly user?: Json;
  readonly cluster?: Json;
  readonly server?: string;
  readonly env?: Readonly<Record<string, string>>;
}

async function reached(world: FleetWorld, negotiated: Way): Promise<readonly string[]> {
  const { user, cluster, server = world.kube.url, env = {} } = negotiated;
  const over = { ...(user === undefined ? {} : { user }), ...(cluster === undefined ? {} : { cluster }) };
  await writeFile(world.kubeconfig, kubeconfigOf(server, over));
  const opened = openFleet({ kubeconfig: world.kubeconfig, env, clockMs });
  return opened.ok ? ask(opened.value) : [opened.fault.code];
}

/** TLS in front of a port, for a name that nobody resolves. */
async function tlsFront(to: string): Promise<{ readonly port: number; readonly ca: string } & AsyncDisposable> {
  const root = await authority();
  const { chain, key } = await leaf({ names: ['kube.example.test'], by: root });
  const server = createServer({ cert: chain, key }, (socket) => {
    const far = connect(Number(new URL(to).port), '127.0.0.1');
    for (const each of [socket, far]) each.on('error', () => undefined);
    socket.pipe(far).pipe(socket);
    socket.on('close', () => far.destroy());
    far.on('close', () => socket.destroy());
  });
  const port = await listen(server, '127.0.0.1');
  return {
    port,
    ca: Buffer.from(root.cert).toString('base64'),
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

describe('the cluster of whoever calls', () => {
  test('is reached through the proxy-url of the kubeconfig, over TLS to the API server itself', async () => {
    await using agent = await listener({});
    await using world = await fleetWorld([{ name: 'node-1', agent: agent.ending }]);
    await using front = await tlsFront(world.kube.url);
    await using proxy = await fakeProxy({ to: front.port });
    const cluster = {
      'proxy-url': `http://127.0.0.1:${proxy.port}`,
      'certificate-authority-data': front.ca,
      'insecure-skip-tls-verify': false,
    };
    expect(await reached(world, { server: 'https://kube.example.test:6443', cluster })).toEqual(['node-1', '200']);
    expect(proxy.received.map((head) => head.split('\r\n')[0])).toEqual(
      Array<string>(3).fill('CONNECT kube.example.test:6443 HTTP/1.1'),
    );
  });

  test('is reached through HTTPS_PROXY where the kubeconfig names no proxy', async () => {
    await using agent = await listener({});
    await using world = await fleetWorld([{ name: 'node-1', agent: agent.ending }]);
    await using front = await tlsFront(world.kube.url);
    await using proxy = await fakeProxy({ to: front.port });
    const negotiated = {
      server: 'https://kube.example.test:6443',
      cluster: { 'certificate-authority-data': front.ca, 'insecure-skip-tls-verify': false },
    };
    const env = { HTTPS_PROXY: `127.0.0.1:${proxy.port}` };
    expect(await reached(world, { ...negotiated, env })).toEqual(['node-1', '200']);
    expect(proxy.met()).toBe(3);
  });

  test('a name in NO_PROXY is not asked for at the proxy', async () => {
    await using world = await fleetWorld([{ name: 'node-1' }]);
    await using proxy = await fakeProxy({ to: 1 });
    const env = { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: '.example.test' };
    const [nodes] = await reached(world, { server: 'https://kube.example.test:6443', env });
    expect(JSON.parse(nodes ?? '')).toMatchObject({ is: 'away' });
    expect(proxy.met()).toBe(0);
  });

  test('an exec plugin says who calls, and is run once for many nodes', async () => {
    const directory = await scratch('exec');
    const [plugin, runs] = [join(directory, 'plugin'), join(directory, 'runs')];
    const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } };
    await writeFile(plugin, `#!/bin/sh\necho run >> ${runs}\necho '${JSON.stringify(credential)}'\n`);
    await chmod(plugin, 0o755);
    await using agent = await listener({});
    await using world = await fleetWorld([1, 2, 3].map((n) => ({ name: `node-${n}`, agent: agent.ending })));
    const user = { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' } };
    expect(await reached(world, { user })).toEqual(['node-1,node-2,node-3', '200', '200', '200']);
    const { readFile } = await import('node:fs/promises');
    expect(await readFile(runs, 'utf8')).toBe('run\n');
    await rm(directory, { recursive: true });
  });

  test('a token that the API server does not know is told as such, and never shown', async () => {
    await using world = await fleetWorld([{ name: 'node-1' }]);
    const [nodes] = await reached(world, { user: { token: 'c4n4ry' } });
    expect(JSON.parse(nodes ?? '')).toMatchObject({ is: 'refused', status: 401 });
    expect(nodes).not.toContain('c4n4ry');
  });

  test.each<[string, string, string]>([['no file', '/nonexistent/kubeconfig', 'agent.cannot_see']])(
    'a kubeconfig that is %s',
    (_what, kubeconfig, code) => {
      const opened = openFleet({ kubeconfig, env: {}, clockMs });
      expect(opened.ok ? '' : opened.fault.code).toBe(code);
    },
  );

  test('a context that the kubeconfig does not have is said', async () => {
    await using world = await fleetWorld([{ name: 'node-1' }]);
    const opened = openFleet({ kubeconfig: world.kubeconfig, context: 'prod', env: {}, clockMs });
    expect(opened).toMatchObject({ ok: false, fault: { what: 'the context prod', why: 'the kubeconfig has none' } });
  });

  test('an API server that answers nothing is away, within the deadline', async () => {
    await using world = await fleetWorld([{ name: 'node-1' }]);
    const server = createPlain(() => undefined);
    const port = await listen(server, '127.0.0.1');
    await writeFile(world.kubeconfig, kubeconfigOf(`http://127.0.0.1:${port}`));
    const opened = openFleet({ kubeconfig: world.kubeconfig, env: {}, clockMs });
    const nodes = opened.ok ? await opened.value.nodes('', AbortSignal.timeout(100)) : undefined;
    expect(nodes).toEqual({ is: 'away', why: 'no answer in time' });
    server.close();
  });
});
