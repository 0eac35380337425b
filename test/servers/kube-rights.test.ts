/** What each component's rights are good for, and what is left without them, on Kubernetes' own API server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PullSecret } from '#kubelet/keyring.ts';
import { bareDemand } from '#config/image-demand.ts';
import { readerAccess } from '#kubernetes/reader-access.ts';
import { readConfigz } from '#kubernetes/api/configz.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { readFleet } from '#kubernetes/fleet-size.ts';
import { type Publisher, publisher, type Readiness } from '#kubernetes/publish.ts';
import { pullSecrets } from '#kubernetes/pull-secrets.ts';
import { reserveInLease } from '#kubernetes/lease-reservations.ts';
import { at } from '../kit/fake-kube-json.ts';
import { needs } from '../kit/installed.ts';
import { hasKubeApiserver, KubeApiserver } from '../kit/kube-apiserver.ts';
import { Hands, realOutside } from '../kit/kube-hands.ts';
import { renderedOverlay } from '../kit/rendered.ts';

const soon = { timeout: 20_000, interval: 50 };
const allPull: Readiness = { status: 'True', reason: 'ImagesWouldPull', message: 'each image would be pulled' };
const nonePulls: Readiness = { status: 'False', reason: 'ImagesWouldNotPull', message: 'no image would be pulled' };
const refusedNews = {
  about: 'app:1',
  type: 'Warning',
  reason: 'ImageWouldNotPull',
  note: 'app:1: nobody answers',
} as const;

describe.runIf(hasKubeApiserver() && needs(['kubectl']))('a real authorizer', { timeout: 60_000 }, () => {
  let server: KubeApiserver;
  let hands: Hands;
  let cluster: Cluster;

  beforeAll(async () => {
    server = await KubeApiserver.open();
    hands = await Hands.on(server);
    await hands.install();
    await hands.secret('registry-credentials', 'reg.example.test', ['puller', 'right']);
    await hands.secret('another', 'reg.example.test', ['puller', 'other']);
    cluster = await hands.agent();
  }, 120_000);

  afterAll(async () => {
    await cluster.close();
    await server[Symbol.asyncDispose]();
  });

  async function secretState(name: string, namespace = 'shop'): Promise<PullSecret['state']> {
    const reader = pullSecrets(cluster, realOutside);
    const asked: PullSecret = { namespace, name, state: { is: 'unseen', why: 'not_given' } };
    const { secrets } = await reader.withSecrets(bareDemand('reg.example.test/app:1', [asked]));
    reader.close();
    return secrets[0]?.state ?? asked.state;
  }

  const forbidden = { is: 'unseen', why: 'forbidden' };
  const given = { is: 'given', type: 'kubernetes.io/dockerconfigjson' };

  test('lets the base read the size of its own DaemonSet, and of no other', async () => {
    expect(await readFleet(cluster, { namespace: 'drypull', name: 'drypull' })).toEqual({ ok: true, value: 1 });
    const other = await readFleet(cluster, { namespace: 'drypull', name: 'another' });
    expect(other).toMatchObject({ ok: false, fault: { code: 'agent.not_allowed' } });
  });

  describe('about turns', () => {
    const turns = { namespace: 'drypull', budgetKey: 'public.ecr.aws', node: 'node1' };
    const ask = { perMinute: 60, cost: 30 };

    test('lets the base book none', async () => {
      expect(await reserveInLease(cluster, turns, ask)).toMatchObject({
        is: 'failed',
        fault: { code: 'agent.not_allowed' },
      });
    });

    test('lets the component shared-reservations book them, in its own namespace, each once', async () => {
      await hands.install('shared-reservations');
      await expect.poll(() => reserveInLease(cluster, turns, ask), soon).toEqual({ is: 'booked', inMs: 0 });
      const taken = await Promise.all(Array.from({ length: 3 }, () => reserveInLease(cluster, turns, ask)));
      expect(taken.filter(({ is }) => is === 'failed')).toEqual([]);
      const now = taken.filter((one) => one.is === 'booked' && one.inMs < 60_000);
      expect(now.length).toBeLessThanOrEqual(1);
      const lease = await hands.kubectl([
        'get',
        'lease',
        '-n',
        'drypull',
        'drypull-reservations-public.ecr.aws',
        '-o',
        'json',
      ]);
      expect(JSON.parse(lease)).toMatchObject({ spec: { holderIdentity: 'node1' } });
      const elsewhere = await reserveInLease(cluster, { ...turns, namespace: 'shop' }, ask);
      expect(elsewhere).toMatchObject({ is: 'failed', fault: { code: 'agent.not_allowed' } });
      await hands.kubectl(['delete', '-n', 'drypull', 'role,rolebinding', 'drypull-shared-reservations']);
    });
  });

  describe('about pull secrets', () => {
    test('lets the base read none, not even learn which there are', async () => {
      expect(await secretState('registry-credentials')).toEqual(forbidden);
      expect(await secretState('no-such')).toEqual(forbidden);
    });

    test("lets the example's Role read the one that it names, in its namespace", async () => {
      const roles = renderedOverlay('example').filter((one) => at(one, 'metadata', 'name') === 'drypull-pull-secrets');
      expect(roles).toHaveLength(2);
      await hands.apply(roles);
      await expect.poll(() => secretState('registry-credentials'), soon).toMatchObject(given);
      expect(await secretState('another')).toEqual(forbidden);
      await hands.kubectl(['delete', '-n', 'shop', 'role,rolebinding', 'drypull-pull-secrets']);
      await expect.poll(() => secretState('registry-credentials'), soon).toEqual(forbidden);
    });

    test('lets the component pull-secrets read each, and learn of one that is missing', async () => {
      await hands.install('pull-secrets');
      await expect.poll(() => secretState('another'), soon).toMatchObject(given);
      const state = await secretState('another');
      const opened = state.is === 'given' ? state.data['.dockerconfigjson']?.reveal() : undefined;
      expect(JSON.parse(opened ?? '{}')).toMatchObject({ auths: { 'reg.example.test': { password: 'other' } } });
      expect(await secretState('no-such')).toEqual({ is: 'missing' });
      expect(await secretState('registry-credentials', 'no-such-namespace')).toEqual({ is: 'missing' });
      const listed = await server.publish('GET', '/api/v1/secrets', { as: await server.tokenOf('drypull', 'drypull') });
      expect(listed.status).toBe(403);
      await hands.takeBack('pull-secrets');
    });
  });

  describe('about the Node', () => {
    const ours = async (): Promise<unknown> =>
      (await hands.conditions('node1')).find((condition) => condition['type'] === 'ImagePullReady');
    const states = (from: Publisher) => () => from.state().is;

    test('lets the base write nothing, which is said and harmless', async () => {
      const publish = publisher(cluster, 'node1', realOutside);
      publish.publish(allPull);
      await expect.poll(states(publish), soon).toBe('failing');
      expect(publish.state()).toMatchObject({ fault: { code: 'agent.not_allowed', what: 'get the Node' } });
      expect(await publish.news(refusedNews)).toMatchObject({
        ok: false,
        fault: { code: 'agent.not_allowed', what: 'create an Event' },
      });
      await publish.close();
      expect(await ours()).toBeUndefined();
    });

    test('lets the component node-condition write the condition beside those of the kubelet', async () => {
      await hands.install('node-condition');
      await expect.poll(() => mayGetNode(), soon).toBe(true);
      const publish = publisher(cluster, 'node1', realOutside);
      publish.publish(allPull);
      await expect.poll(states(publish), soon).toBe('written');
      expect(await ours()).toMatchObject(allPull);
      expect(await hands.conditions('node1')).toContainEqual(
        expect.objectContaining({ type: 'Ready', status: 'True', reason: 'KubeletReady' }),
      );
      await hands.tick('node1', 'StillReady');
      expect(await ours()).toMatchObject(allPull);
      await publish.close();
    });

    test('writes a changed condition once the kubelet has stopped writing in between', async () => {
      let disturbances = 2;
      const conflicts: number[] = [];
      const disturbed: Cluster = {
        ...seams(cluster),
        ask: async (call) => {
          if (call.method === 'PATCH' && disturbances > 0) {
            disturbances -= 1;
            await hands.tick('node1', `Beat${disturbances}`);
          }
          const answer = await cluster.ask(call);
          if (answer.is === 'refused') conflicts.push(answer.status);
          return answer;
        },
      };
      const tempo = { heartbeatMs: 600_000, holdMs: 0, debounceMs: 0 };
      const publish = publisher(disturbed, 'node1', { ...realOutside, tempo });
      publish.publish(nonePulls);
      await expect.poll(ours, soon).toMatchObject(nonePulls);
      expect(conflicts).toEqual([409, 409]);
      await expect.poll(states(publish), soon).toBe('written');
      expect(await hands.conditions('node1')).toContainEqual(
        expect.objectContaining({ type: 'Ready', reason: 'Beat0' }),
      );
      await publish.close();
    });

    test('takes an Event, however long its note, and kubectl describe shows it with the Node', async () => {
      const publish = publisher(cluster, 'node1', realOutside);
      expect(await publish.news(refusedNews)).toEqual({ ok: true, value: 'written' });
      const long = { ...refusedNews, about: 'app:2', note: 'ü'.repeat(2000) };
      expect(await publish.news(long)).toEqual({ ok: true, value: 'written' });
      await publish.close();
      const described = await hands.kubectl(['describe', 'node', 'node1']);
      expect(described).toMatch(/Warning +ImageWouldNotPull .*drypull.* +app:1: nobody answers/);
      expect(described).toMatch(/ImagePullReady +False .* +ImagesWouldNotPull +no image would be pulled/);
    });

    async function mayGetNode(): Promise<boolean> {
      return (
        (await cluster.ask({ method: 'GET', path: '/api/v1/nodes/node1', deadlineMs: 5000, maxBytes: 1e6 })).is ===
        'answered'
      );
    }
  });

  describe('about readers of the open listener', () => {
    test('lets the base ask about nobody, so that nobody is let in', async () => {
      const owner = readerAccess(cluster, realOutside);
      const stranger = `Bearer ${await server.tokenOf('shop', 'default')}`;
      expect(await owner.admit(stranger, '/metrics')).toMatchObject({
        is: 'unavailable',
        fault: { code: 'agent.not_allowed' },
      });
      expect(await owner.admit(undefined, '/metrics')).toEqual({ is: 'unauthenticated' });
    });

    test('lets the component listener-auth tell who may read, who may not, and who is nobody', async () => {
      await hands.install('listener-auth');
      await server.admin('POST', '/api/v1/namespaces/shop/serviceaccounts', { metadata: { name: 'prometheus' } });
      await hands.kubectl([
        'create',
        'clusterrolebinding',
        'reads',
        '--clusterrole=drypull-reader',
        '--serviceaccount=shop:prometheus',
      ]);
      const reader = `Bearer ${await server.tokenOf('shop', 'prometheus')}`;
      const stranger = `Bearer ${await server.tokenOf('shop', 'default')}`;
      const admitted = { is: 'admitted', user: 'system:serviceaccount:shop:prometheus' };
      await expect.poll(() => readerAccess(cluster, realOutside).admit(reader, '/metrics'), soon).toEqual(admitted);
      const owner = readerAccess(cluster, realOutside);
      for (const path of ['/', '/node', '/reports', '/reports/reg.example.test/app:1'])
        expect(await owner.admit(reader, path)).toEqual(admitted);
      expect(await owner.admit(reader, '/elsewhere')).toMatchObject({ is: 'forbidden' });
      expect(await owner.admit(stranger, '/metrics')).toEqual({
        is: 'forbidden',
        user: 'system:serviceaccount:shop:default',
      });
      expect(await owner.admit('Bearer nobody.knows.this', '/metrics')).toEqual({ is: 'unauthenticated' });
    });
  });

  test("refuses a configz that may not be read: it is said, and the kubelet's own files have the word", async () => {
    expect(await readConfigz(cluster, server.url)).toMatchObject({
      ok: false,
      fault: { code: 'agent.not_allowed', what: "the kubelet's configz" },
    });
  });
});

function seams(cluster: Cluster): Cluster {
  return {
    ask: (call) => cluster.ask(call),
    follow: (call, signal) => cluster.follow(call, signal),
    elsewhere: (server) => cluster.elsewhere(server),
    close: () => cluster.close(),
  };
}
