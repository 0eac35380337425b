import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { PullSecret } from '#kubelet/keyring.ts';
import type { Demand } from '#node/view.ts';
import { pullSecrets } from '#kubernetes/pull-secrets.ts';
import { callText } from '../kit/fake-kube-call.ts';
import { recordedJson } from '../kit/fake-kube-json.ts';
import { type KubeWorld, clusterOf, kubeWorld } from '../kit/kube-world.ts';
import { readImage } from '../kit/read-image.ts';

const unread = { is: 'unseen', why: 'not_given' } as const;

function demand(...secrets: readonly (readonly [namespace: string, name: string])[]): Demand {
  return {
    image: readImage('app:1'),
    written: 'app:1',
    policy: 'Always',
    requestedBy: [],
    secrets: secrets.map(([namespace, name]) => ({ namespace, name, state: unread })),
    present: 'unknown',
  };
}

async function worldWithSecrets(): Promise<KubeWorld> {
  const world = await kubeWorld();
  world.kube.setSecret(recordedJson('secret.json'));
  world.kube.setSecret(recordedJson('secret-malformed.json'));
  world.time.hold();
  return world;
}

const statesOf = (secrets: readonly PullSecret[]): readonly PullSecret['state'][] => secrets.map(({ state }) => state);
const hub = ['shop', 'ok-bearer-secret-0'] as const;

describe('a pull secret', () => {
  test('is read by itself, from its own namespace, and never listed', async () => {
    await using world = await worldWithSecrets();
    const secrets = pullSecrets(world.cluster, world.time.dependencies);
    const { secrets: read } = await secrets.withSecrets(demand(hub, ['shop', 'auth-secret-bad-base64-0']));
    expect(world.kube.calls.map(callText).sort()).toEqual([
      'get core/secrets shop/auth-secret-bad-base64-0',
      'get core/secrets shop/ok-bearer-secret-0',
    ]);
    expect(read.map(({ name }) => name)).toEqual(['ok-bearer-secret-0', 'auth-secret-bad-base64-0']);
    const [state] = statesOf(read);
    if (state?.is !== 'given') throw new Error('not given');
    expect(state.type).toBe('kubernetes.io/dockerconfigjson');
    expect(JSON.parse(state.data['.dockerconfigjson']?.reveal() ?? '')).toHaveProperty('auths');
    secrets.close();
  });

  test('prints nowhere', async () => {
    await using world = await worldWithSecrets();
    const secrets = pullSecrets(world.cluster, world.time.dependencies);
    const filled = await secrets.withSecrets(demand(hub));
    expect(inspect(filled, { depth: 20 }) + JSON.stringify(filled)).not.toMatch(/s3cret|auths|eyJ/);
    secrets.close();
  });

  test('of other keys than the two that the kubelet reads is not kept', async () => {
    await using world = await worldWithSecrets();
    const data = { '.dockercfg': 'e30=', 'tls.key': 'cHJpdmF0ZQ==', number: 7 };
    const metadata = { namespace: 'shop', name: 'mixed' };
    world.kube.setSecret({ metadata, type: 'kubernetes.io/dockercfg', data });
    const secrets = pullSecrets(world.cluster, world.time.dependencies);
    const [state] = statesOf((await secrets.withSecrets(demand(['shop', 'mixed']))).secrets);
    expect(state?.is === 'given' ? Object.keys(state.data) : []).toEqual(['.dockercfg']);
    secrets.close();
  });

  test('that was given with the demand is not asked for', async () => {
    await using world = await worldWithSecrets();
    const secrets = pullSecrets(world.cluster, world.time.dependencies);
    const given = { namespace: 'shop', name: 'x', state: { is: 'missing' } } as const;
    const { secrets: kept } = await secrets.withSecrets({ ...demand(), secrets: [given] });
    expect(kept).toEqual([given]);
    expect(world.kube.calls).toEqual([]);
    secrets.close();
  });
});

describe('a pull secret that cannot be had', () => {
  test('and does not exist is missing, as is one of a namespace that went away', async () => {
    await using world = await worldWithSecrets();
    const secrets = pullSecrets(world.cluster, world.time.dependencies);
    const { secrets: read } = await secrets.withSecrets(demand(['shop', 'there-is-no-such-secret'], ['gone', 'x']));
    expect(statesOf(read)).toEqual([{ is: 'missing' }, { is: 'missing' }]);
    secrets.close();
  });

  const refusals: readonly (readonly [string, number, object])[] = [
    ['forbidden', 403, recordedJson('secret-forbidden.json')],
    ['forbidden', 401, recordedJson('unauthorized.json')],
    ['unreachable', 500, {}],
    ['unreachable', 429, {}],
  ];
  test.each(refusals)('is %s where the API server says %i', async (why, status, body) => {
    await using world = await worldWithSecrets();
    world.kube.script(() => true, { is: 'status', status, body: { ...body } });
    const secrets = pullSecrets(world.cluster, world.time.dependencies);
    const { secrets: read } = await secrets.withSecrets(demand(hub));
    expect(statesOf(read)).toEqual([{ is: 'unseen', why }]);
    secrets.close();
  });

  test('because the API server is away is unreachable, and asked for again', async () => {
    await using world = await worldWithSecrets();
    const secrets = pullSecrets(world.cluster, world.time.dependencies);
    await world.kube.away();
    expect(statesOf((await secrets.withSecrets(demand(hub))).secrets)).toEqual([{ is: 'unseen', why: 'unreachable' }]);
    await world.kube.listen();
    expect(statesOf((await secrets.withSecrets(demand(hub))).secrets)).toMatchObject([{ is: 'given' }]);
    secrets.close();
  });

  test('because the answer is cut off is unreachable', async () => {
    await using world = await worldWithSecrets();
    world.kube.script(() => true, { is: 'cut' });
    const secrets = pullSecrets(world.cluster, world.time.dependencies);
    expect(statesOf((await secrets.withSecrets(demand(hub))).secrets)).toEqual([{ is: 'unseen', why: 'unreachable' }]);
    secrets.close();
  });

  const names: readonly string[] = [
    '..',
    '.',
    'a/b',
    '../../kube-system/secrets/x',
    'UPPER',
    'a%2fb',
    '-a',
    'x'.repeat(254),
    'a?b',
  ];
  test.each(names)('by the name of %j is missing, and nobody is asked', async (name) => {
    await using world = await worldWithSecrets();
    const secrets = pullSecrets(world.cluster, world.time.dependencies);
    const { secrets: read } = await secrets.withSecrets(demand(['shop', name]));
    expect(statesOf(read)).toEqual([{ is: 'missing' }]);
    expect(world.kube.calls).toEqual([]);
    secrets.close();
  });
});

describe('what was read', () => {
  test('serves a minute, and everybody who asks meanwhile', async () => {
    await using world = await worldWithSecrets();
    const secrets = pullSecrets(world.cluster, world.time.dependencies);
    await Promise.all([1, 2, 3].map(() => secrets.withSecrets(demand(hub, hub))));
    await secrets.withSecrets(demand(hub));
    expect(world.kube.calls).toHaveLength(1);
    expect(world.time.pauses).toEqual([60_000]);
    world.time.advance(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    await secrets.withSecrets(demand(hub));
    expect(world.kube.calls).toHaveLength(2);
    secrets.close();
  });

  test('is read in time although the API server is slow', async () => {
    await using world = await worldWithSecrets();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    world.kube.script(() => true, { is: 'slow', until: promise });
    const secrets = pullSecrets(clusterOf(world.kube), world.time.dependencies);
    const reading = secrets.withSecrets(demand(hub));
    await world.kube.untilAsked('get core/secrets');
    resolve(undefined);
    expect(statesOf((await reading).secrets)).toMatchObject([{ is: 'given' }]);
    secrets.close();
  });
});
