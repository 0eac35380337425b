/** What Pods ask of a node, read from Kubernetes' own API server with the rights of the base and no others. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseImage } from '#image/reference.ts';
import type { Call } from '#kubernetes/api/call.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { type DemandWatch, watchDemand } from '#kubernetes/watch-demand.ts';
import { at, text } from '../kit/fake-kube-json.ts';
import { needs } from '../kit/installed.ts';
import { hasKubeApiserver, KubeApiserver } from '../kit/kube-apiserver.ts';
import { Hands, realOutside } from '../kit/kube-hands.ts';
import { componentGrants } from '../kit/kube-grants.ts';
import { ofKind, renderedOverlay, renderedWith } from '../kit/rendered.ts';

const soon = { timeout: 20_000, interval: 50 };

interface Noted extends Cluster {
  readonly calls: Call[];
  /** Of every watch. */
  readonly lines: string[];
}

/** The same connection, with everything that went over it kept, and watches that last as long as the test likes. */
function noted(cluster: Cluster, watchSeconds?: number): Noted {
  const calls: Call[] = [];
  const lines: string[] = [];
  async function* kept(from: AsyncIterable<string>): AsyncGenerator<string> {
    for await (const line of from) {
      lines.push(line);
      yield line;
    }
  }
  return {
    calls,
    lines,
    ask: (call) => {
      calls.push(call);
      return cluster.ask(call);
    },
    follow: async (call, signal) => {
      calls.push(call);
      const shorter = watchSeconds === undefined ? {} : { timeoutSeconds: String(watchSeconds) };
      const following = await cluster.follow({ ...call, query: { ...call.query, ...shorter } }, signal);
      return following.is === 'following' ? { is: 'following', lines: kept(following.lines) } : following;
    },
    elsewhere: (server) => cluster.elsewhere(server),
    close: () => cluster.close(),
  };
}

const isWatchOfPods = ({ path, query }: Call): boolean => path === '/api/v1/pods' && query?.['watch'] === 'true';
const isListOfPods = ({ path, query }: Call): boolean => path === '/api/v1/pods' && query?.['watch'] === undefined;
const typesIn = (lines: readonly string[]): readonly string[] => lines.map((line) => text(JSON.parse(line), 'type'));

describe.runIf(hasKubeApiserver() && needs(['kubectl']))('a real API server', { timeout: 120_000 }, () => {
  let server: KubeApiserver;
  let hands: Hands;
  let cluster: Noted;
  let watching: AsyncDisposableStack;

  beforeAll(async () => {
    server = await KubeApiserver.open();
    hands = await Hands.on(server);
    await hands.install();
  }, 120_000);

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  beforeEach(async ({ onTestFinished }) => {
    watching = new AsyncDisposableStack();
    onTestFinished(() => watching.disposeAsync());
    const pods = await server.admin('GET', '/api/v1/namespaces/shop/pods');
    for (const pod of at(pods, 'items') as readonly unknown[]) await hands.removePod(text(pod, 'metadata', 'name'));
  });

  async function watch(watchSeconds?: number): Promise<DemandWatch> {
    cluster = noted(await hands.agent(), watchSeconds);
    const nothing = (): void => undefined;
    const world = { ...realOutside, readImage: parseImage, onChange: nothing, onOutcome: nothing };
    const found = watchDemand(cluster, 'node1', world);
    watching.defer(async () => {
      await found.close();
      await cluster.close();
    });
    await expect.poll(() => found.current().isStale, soon).toBe(false);
    return found;
  }

  const wanted = (from: DemandWatch): readonly string[] => from.current().demands.map(({ written }) => written);

  test.each(Object.keys(componentGrants).filter((name) => name !== 'monitoring'))(
    'takes the base and the component %s, and knows every field of both',
    async (component) => {
      const logged = await hands.apply(renderedWith([component]), '--dry-run=server');
      expect(logged).toContain('daemonset.apps/drypull');
    },
  );

  test('refuses a field that it does not know', async () => {
    const misspelt = renderedWith([]).map((one) => (one['kind'] === 'DaemonSet' ? { ...one, specs: {} } : one));
    await expect(hands.apply(misspelt, '--dry-run=server')).rejects.toThrow('unknown field "specs"');
  });

  test('takes the example but for what the Prometheus Operator has to teach it', async () => {
    const objects = renderedOverlay('example');
    const monitors = ['PodMonitor', 'PrometheusRule'].flatMap((kind) => ofKind(objects, kind));
    const logged = await hands.apply(
      objects.filter((one) => !monitors.includes(one)),
      '--dry-run=server',
    );
    expect(logged).toContain('role.rbac.authorization.k8s.io/drypull-pull-secrets created (server dry run)');
  });

  test('lists the Pods that are bound to the node, with its image pull secrets, and no others', async () => {
    await hands.secret('hub', 'reg.example.test', ['puller', 'right']);
    await hands.pod('here', 'reg.example.test/app:1', { secrets: ['hub'] });
    await hands.pod('there', 'reg.example.test/app:2', { node: 'node2' });
    await hands.pod('nowhere', 'reg.example.test/app:3', { node: '' });
    const found = await watch();
    expect(found.current().demands).toMatchObject([
      {
        written: 'reg.example.test/app:1',
        policy: 'IfNotPresent',
        requestedBy: [{ kind: 'Pod', namespace: 'shop', name: 'here', part: 'container main' }],
        secrets: [{ namespace: 'shop', name: 'hub' }],
      },
    ]);
    await expect.poll(() => found.current().node, soon).toMatchObject({ ok: true, value: { kubelet: 'v1.36.2' } });
  });

  test('tells of a Pod that appears, of one that gets another image, of one that ends and of one that is gone', async () => {
    const found = await watch();
    expect(wanted(found)).toEqual([]);
    await hands.pod('web', 'reg.example.test/web:1');
    await hands.pod('api', 'reg.example.test/api:1');
    await expect.poll(() => wanted(found), soon).toEqual(['reg.example.test/web:1', 'reg.example.test/api:1']);
    const containers = [{ name: 'main', image: 'reg.example.test/web:2' }];
    await server.admin('PATCH', '/api/v1/namespaces/shop/pods/web', { spec: { containers } });
    await expect.poll(() => wanted(found), soon).toEqual(['reg.example.test/web:2', 'reg.example.test/api:1']);
    await hands.removePod('web', 30);
    await expect.poll(() => wanted(found), soon).toEqual(['reg.example.test/api:1']);
    await hands.removePod('api');
    await expect.poll(() => wanted(found), soon).toEqual([]);
    expect(cluster.calls.filter(isListOfPods)).toHaveLength(1);
  });

  test('tells of a Pod once the scheduler has bound it', async () => {
    await hands.pod('late', 'reg.example.test/late:1', { node: '' });
    const found = await watch();
    expect(wanted(found)).toEqual([]);
    await server.admin('POST', '/api/v1/namespaces/shop/pods/late/binding', {
      metadata: { name: 'late' },
      target: { kind: 'Node', name: 'node1' },
    });
    await expect.poll(() => wanted(found), soon).toEqual(['reg.example.test/late:1']);
  });

  test('moves a quiet watch on by bookmarks, and the next one begins where the bookmark stood', async () => {
    await hands.pod('quiet', 'reg.example.test/quiet:1');
    const found = await watch(5);
    const versions = (): readonly number[] =>
      cluster.calls.filter(isWatchOfPods).map(({ query }) => Number(query?.['resourceVersion']));
    await hands.pod('elsewhere', 'reg.example.test/elsewhere:1', { node: 'node2' });
    await expect.poll(() => versions().length, soon).toBeGreaterThan(1);
    const [first = 0, second = 0] = versions();
    expect(second).toBeGreaterThan(first);
    expect(typesIn(cluster.lines)).toContain('BOOKMARK');
    expect(cluster.calls.filter(isListOfPods)).toHaveLength(1);
    expect(wanted(found)).toEqual(['reg.example.test/quiet:1']);
  });

  test('is asked nothing that the base does not grant', async () => {
    await watch();
    const calls = await hands.agentCalls();
    expect(new Set(calls.map(({ call }) => call))).toEqual(
      new Set(['list core/pods', 'watch core/pods', 'list core/nodes', 'watch core/nodes']),
    );
    expect(calls.filter(({ code }) => code >= 400)).toEqual([]);
  });

  test('has forgotten where the watch stood when it comes back: what went meanwhile is gone, what stayed is there', async () => {
    await hands.pod('stays', 'reg.example.test/stays:1');
    await hands.pod('goes', 'reg.example.test/goes:1');
    const found = await watch();
    expect(wanted(found)).toHaveLength(2);
    await server.end();
    const key = Buffer.from('/registry/pods/shop/goes').toString('base64');
    await server.etcd('kv/deleterange', { key });
    const revision = await server.etcd('kv/put', { key: Buffer.from('/time/goes/by').toString('base64'), value: '' });
    await server.etcd('kv/compaction', { revision, physical: true });
    await server.begin();
    await expect.poll(() => wanted(found), { timeout: 60_000, interval: 100 }).toEqual(['reg.example.test/stays:1']);
    expect(cluster.lines.filter((line) => line.includes('"code":410'))).not.toEqual([]);
    expect(found.current()).toMatchObject({ isStale: false, isKnown: true });
    await hands.pod('comes', 'reg.example.test/comes:1');
    await expect.poll(() => wanted(found), soon).toHaveLength(2);
  });

  test('goes away with what it said last still standing, and older by the second', async () => {
    await hands.pod('stays', 'reg.example.test/stays:1');
    const found = await watch();
    await server.end();
    await expect.poll(() => found.current().isStale, { timeout: 30_000, interval: 100 }).toBe(true);
    expect(wanted(found)).toEqual(['reg.example.test/stays:1']);
    expect(found.current()).toMatchObject({ fault: { code: 'agent.cannot_see', why: 'ECONNREFUSED' } });
    await server.begin();
    await expect.poll(() => found.current().isStale, { timeout: 60_000, interval: 100 }).toBe(false);
    await hands.pod('comes', 'reg.example.test/comes:1');
    await expect.poll(() => wanted(found), soon).toHaveLength(2);
  });
});
