/** `drypull catalog` as a command: how it starts, what it shows, how it ends. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { run } from '#commands/catalog.ts';
import { openLog } from '#output/log.ts';
import { linesOf, until } from '../kit/catalog-world.ts';
import { catalogToken, FakeKube } from '../kit/fake-kube.ts';
import { processContext } from '../kit/surroundings.ts';
import { templated } from '../kit/workloads.ts';

const folder = await mkdtemp(join(tmpdir(), 'drypull-catalog-'));
afterAll(() => rm(folder, { recursive: true }));

interface Command extends AsyncDisposable {
  readonly logged: () => string;
  readonly url: () => string | undefined;
  readonly stop: () => Promise<number>;
  readonly get: (path: string) => Promise<{ readonly status: number; readonly text: string }>;
}

function started(env: Readonly<Record<string, string>>, args: readonly string[] = []): Command {
  let logged = '';
  const stopping = new AbortController();
  const write = (text: string): void => void (logged += text);
  const around = processContext(write, {
    args,
    env: { DRYPULL_CATALOG_LISTEN: '127.0.0.1:0', ...env },
    signal: stopping.signal,
    vitals: () => ({ cpuSeconds: 1, residentBytes: 2, startedAtS: 3 }),
  });
  const ended = run(around, (options) => openLog({ ...options, to: { write } }));
  const url = (): string | undefined => /metrics are at (\S+)/.exec(logged)?.[1];
  const stop = async (): Promise<number> => {
    stopping.abort();
    return ended;
  };
  return {
    logged: () => logged,
    url,
    stop,
    get: async (path) => {
      const answer = await fetch(new URL(path, url()), { headers: { connection: 'close' } });
      return { status: answer.status, text: await answer.text() };
    },
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

async function kubeconfigOf(kube: FakeKube): Promise<string> {
  const path = join(folder, 'kubeconfig');
  await writeFile(
    path,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: kube.url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: { token: catalogToken } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  return path;
}

describe('drypull catalog', () => {
  test('writes what it finds, shows it, and leaves when it is told to', async () => {
    const kube = await new FakeKube().listen();
    kube.shelf.put('apps/deployments', templated({ name: 'web', image: 'reg.test/web:1' }));
    const command = started({ DRYPULL_KUBECONFIG: await kubeconfigOf(kube) });
    await until(() => command.url() !== undefined);
    expect((await command.get('/livez')).status).toBe(200);
    await until(async () => (await command.get('/readyz')).status === 200);
    expect(linesOf(kube)).toMatchObject([{ demand: { image: 'reg.test/web:1' } }]);
    const { text } = await command.get('/metrics');
    expect(text).toMatch(/^drypull_catalog_demands 1$/m);
    expect(text).toMatch(/^drypull_catalog_generation 1$/m);
    expect(text).toMatch(/^drypull_catalog_writes_total\{outcome="ok"\} 1$/m);
    expect(text).toMatch(/^process_resident_memory_bytes 2$/m);
    expect((await command.get('/')).status).toBe(404);
    expect(await command.stop()).toBe(0);
    expect(command.logged()).toContain('"msg":"left"');
    expect(command.logged()).not.toContain(catalogToken);
    await kube.close();
  });

  test('is alive and not ready while the API server is away', async () => {
    const kube = await new FakeKube().listen();
    const path = await kubeconfigOf(kube);
    await kube.close();
    await using command = started({ DRYPULL_KUBECONFIG: path });
    await until(() => command.url() !== undefined);
    expect(await command.get('/livez')).toEqual({ status: 200, text: 'ok\n' });
    expect(await command.get('/readyz')).toEqual({ status: 503, text: 'the catalog has not been written yet\n' });
  });

  test.each<readonly [string, Readonly<Record<string, string>>, readonly string[], RegExp]>([
    ['there is no cluster', {}, [], /catalog: there is no cluster to ask/],
    ['the configuration is wrong', { DRYPULL_CATALOG_KINDS: 'rollouts' }, [], /DRYPULL_CATALOG_KINDS\[0\]/],
    ['the kubeconfig is not there', { DRYPULL_KUBECONFIG: '/nowhere/kubeconfig' }, [], /\/nowhere\/kubeconfig/],
    ['it is called wrongly', {}, ['--all'], /unknown option '--all'/],
  ])('does not start where %s', async (_, env, args, logged) => {
    const command = started(env, args);
    expect(await command.stop()).toBe(2);
    expect(command.logged()).toMatch(logged);
  });

  test('does not start where its port is taken', async () => {
    const kube = await new FakeKube().listen();
    const taken = createServer().listen(0, '127.0.0.1');
    await until(() => taken.listening);
    const { port } = taken.address() as AddressInfo;
    const listen = { DRYPULL_CATALOG_LISTEN: `127.0.0.1:${port}` };
    const command = started({ DRYPULL_KUBECONFIG: await kubeconfigOf(kube), ...listen });
    await until(() => command.logged().includes('EADDRINUSE') || command.logged().includes('cannot listen'));
    expect(await command.stop()).toBe(2);
    taken.close();
    await kube.close();
  });
});
