/** A knock opens what a pull would open and asks nothing. */
import { describe, expect, test } from 'vitest';
import { differs, isShut, learnedOrigins, reopened, type ConnectivityProbe } from '#budget/connectivity-probe.ts';
import { planPull } from '#runtime/plan.ts';
import { Secret } from '#report/secret.ts';
import type { NodeView } from '#node/view.ts';
import { manners, openWire } from '#rehearsal/open-wire.ts';
import { probeConnectivity } from '#runtime/attempt/connectivity-probe.ts';
import { Memory } from '#runtime/attempt/memory.ts';
import { fakeProxy } from '../../kit/fake-proxy.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import { demandFor, nodeOf, plain, pullOf, toml } from '../../kit/stage.ts';

const app = image({ seed: 'knocked at' });

const wireOf = (view: NodeView): ReturnType<typeof openWire> =>
  openWire(view, {
    memory: new Memory(),
    manners,
    now: () => new Date(),
    clockMs: () => performance.now(),
    localContent: () => Promise.resolve(undefined),
    perRegistry: 6,
  });

async function knocksAt(
  view: NodeView,
  wanted: readonly string[],
  learned: readonly string[] = [],
): Promise<ReadonlyMap<string, readonly ConnectivityProbe[]>> {
  const wire = wireOf(view);
  const targets = wanted.flatMap((written) => {
    const demand = demandFor(written);
    const { image: parsed } = demand;
    return parsed.ok ? [{ id: written, plan: planPull(view, { ...demand, image: parsed }, []), learned }] : [];
  });
  try {
    return await probeConnectivity(targets, {
      connections: wire.connections,
      signal: AbortSignal.timeout(20_000),
      atOnce: 4,
    });
  } finally {
    await wire.close();
  }
}

test('opens one connection to each host, however many images are behind it, and sends no request', async () => {
  await using registry = await FakeRegistry.open({ images: { 'team/app:v1': app } });
  const view = nodeOf({ registries: { 'reg.test': registry } });
  const wanted = ['a', 'b', 'c'].map((name) => `reg.test:${registry.port}/team/${name}:v1`);
  const heard = await knocksAt(view, wanted);
  expect([...heard.values()].flat().map(({ is, isPrivate }) => [is, isPrivate])).toEqual(
    wanted.map(() => ['opened', true]),
  );
  expect(registry.connections).toBe(1);
  expect(registry.requests).toEqual([]);
});

test('tells mirror, registry and learned hosts apart, in the order of a pull', async () => {
  await using origin = await FakeRegistry.open();
  await using realm = await FakeRegistry.open();
  const view = nodeOf({
    hosts: { 'reg.test': ['127.0.0.1'], 'mirror.test': ['127.0.0.1'], 'auth.test': ['127.0.0.1'] },
    dirs: { 'reg.test': toml(plain(`reg.test:${origin.port}`), plain('mirror.test:1')) },
  });
  const heard = await knocksAt(view, ['reg.test/team/app:v1'], [`http://auth.test:${realm.port}`]);
  expect(heard.get('reg.test/team/app:v1')?.map(({ budgetKey, is }) => [budgetKey, is])).toEqual([
    ['mirror.test:1', 'tcp.refused'],
    ['reg.test', 'opened'],
    [undefined, 'opened'],
  ]);
});

test('an image that is never pulled has no doors', async () => {
  const view = nodeOf({ hosts: { 'reg.test': ['127.0.0.1'] } });
  const wire = wireOf(view);
  const demand = demandFor('reg.test/a:1', { policy: 'Never' });
  const plan = demand.image.ok ? planPull(view, { ...demand, image: demand.image }, []) : undefined;
  if (plan === undefined) throw new Error('the reference is good');
  const at = { connections: wire.connections, signal: AbortSignal.timeout(1000), atOnce: 1 };
  expect((await probeConnectivity([{ id: 'a', plan, learned: [] }], at)).get('a')).toEqual([]);
  await wire.close();
});

test("goes through the node's proxy", async () => {
  await using registry = await FakeRegistry.open();
  await using proxy = await fakeProxy({ to: registry.port });
  const view = nodeOf({
    dirs: { 'far.example': toml(plain('far.example:80')) },
    proxy: { http: new Secret(`http://127.0.0.1:${proxy.port}`), source: 'x' },
  });
  const heard = await knocksAt(view, ['far.example/a:1']);
  expect(heard.get('far.example/a:1')?.map(({ is }) => is)).toEqual(['opened']);
  expect(proxy.met()).toBe(1);
});

describe('against the last rehearsal', () => {
  const probe = (registry: FakeRegistry, is: ConnectivityProbe['is']): ConnectivityProbe => ({
    origin: `http://reg.test:${registry.port}`,
    budgetKey: 'reg.test',
    resolves: true,
    is,
    isPrivate: true,
  });

  test('the same is the same: what pulled still opens, and learned hosts are those that it met', async () => {
    await using blobs = await FakeRegistry.open({ images: { 'team/app:v1': app } });
    await using registry = await FakeRegistry.open({ images: { 'team/app:v1': app }, blobsAt: blobs.url });
    const report = await pullOf(
      nodeOf({ registries: { 'reg.test': registry } }),
      `reg.test:${registry.port}/team/app:v1`,
    );
    expect(differs(report, [probe(registry, 'opened')])).toBe(false);
    expect(differs(report, [probe(registry, 'tcp.refused')])).toBe(true);
    expect(reopened(report, [probe(registry, 'opened')])).toBe(false);
    expect(learnedOrigins(report)).toEqual([blobs.url]);
  });

  test('a host that did not open and does now is a difference; that it fails in another way is one, too', async () => {
    const registry = await FakeRegistry.open();
    const view = nodeOf({ registries: { 'reg.test': registry } });
    await registry.close();
    const wanted = Object.keys(dirsOf(view))[0] ?? '';
    const report = await pullOf(view, `${wanted}/team/app:v1`);
    const at = (is: ConnectivityProbe['is']): ConnectivityProbe => ({
      origin: `http://${wanted}`,
      budgetKey: wanted,
      resolves: true,
      is,
      isPrivate: true,
    });
    expect(differs(report, [at('tcp.refused')])).toBe(false);
    expect(differs(report, [at('opened')])).toBe(true);
    expect(differs(report, [at('dns.not_found')])).toBe(true);
    expect(reopened(report, [at('opened')])).toBe(true);
    expect(isShut([at('tcp.refused')])).toBe(true);
    expect(isShut([])).toBe(false);
  });
});

function dirsOf(view: NodeView): Readonly<Record<string, unknown>> {
  const { config } = view.runtime;
  if (!config.ok || config.value.registry.kind !== 'hosts_dirs') return {};
  return config.value.registry.roots[0]?.dirs ?? {};
}
