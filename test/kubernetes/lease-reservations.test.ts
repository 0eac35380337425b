/** One Lease for each budget key, written by compare and swap. */
import { describe, expect, test } from 'vitest';
import { reserveInLease } from '#kubernetes/lease-reservations.ts';
import { type Json, text } from '../kit/fake-kube-json.ts';
import { everyGrant } from '../kit/kube-grants.ts';
import { type KubeWorld, kubeWorld } from '../kit/kube-world.ts';

const place = { namespace: 'drypull', budgetKey: 'public.ecr.aws', node: 'node1' };
const ask = { perMinute: 6, cost: 5 };
const kind = 'coordination.k8s.io/leases';

const isGet = ({ verb, resource }: { readonly verb: string; readonly resource: string }): boolean =>
  verb === 'get' && resource === 'leases';
const verbs = ({ kube }: KubeWorld): readonly string[] =>
  kube.calls.filter(({ resource }) => resource === 'leases').map(({ verb }) => verb);
const leases = ({ kube }: KubeWorld): readonly Json[] => kube.shelf.all(kind);

describe('a turn', () => {
  test('is made in a new Lease, at once where it is the first', async () => {
    await using world = await kubeWorld();
    expect(await reserveInLease(world.cluster, place, ask)).toEqual({ is: 'booked', inMs: 0 });
    expect(verbs(world)).toEqual(['get', 'create']);
    const [lease] = leases(world);
    expect(lease).toMatchObject({
      metadata: {
        name: 'drypull-reservations-public.ecr.aws',
        labels: { 'app.kubernetes.io/name': 'drypull-reservations' },
        annotations: { 'drypull/registry': 'public.ecr.aws' },
      },
      spec: { holderIdentity: 'node1' },
    });
    expect(text(lease ?? {}, 'spec', 'renewTime')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test('comes after those that others booked, by the clock of the API server', async () => {
    await using world = await kubeWorld();
    await reserveInLease(world.cluster, place, ask);
    const second = await reserveInLease(world.cluster, { ...place, node: 'node2' }, ask);
    expect(second.is === 'booked' ? second.inMs : 0).toBeGreaterThan(60_000);
    expect(verbs(world)).toEqual(['get', 'create', 'get', 'update']);
  });

  test('there is none where so many wait already: one call', async () => {
    await using world = await kubeWorld();
    for (let i = 0; i < 6; i += 1) await reserveInLease(world.cluster, place, ask);
    world.kube.calls.length = 0;
    expect(await reserveInLease(world.cluster, place, ask)).toEqual({ is: 'none' });
    expect(verbs(world)).toEqual(['get']);
  });

  test('leaves what others wrote into the Lease', async () => {
    await using world = await kubeWorld();
    world.kube.shelf.put(kind, {
      metadata: {
        namespace: 'drypull',
        name: 'drypull-reservations-public.ecr.aws',
        labels: { team: 'a' },
        annotations: { note: 'b' },
      },
      spec: { leaseDurationSeconds: 5 },
    });
    await reserveInLease(world.cluster, place, ask);
    expect(leases(world)[0]).toMatchObject({
      metadata: { labels: { team: 'a' }, annotations: { note: 'b' } },
      spec: { leaseDurationSeconds: 5 },
    });
  });
});

describe('two at one time', () => {
  /** Somebody else books between our reading and our writing, so many times. */
  function disturb({ kube }: KubeWorld, times: number): void {
    let left = times;
    kube.script(
      ({ verb, resource }) => {
        if (resource !== 'leases' || verb !== 'update' || left === 0) return false;
        left -= 1;
        const [lease] = kube.shelf.all(kind);
        if (lease !== undefined) kube.shelf.put(kind, lease);
        return false;
      },
      { is: 'cut' },
      1,
    );
  }

  test('the slower one reads again and books after the other', async () => {
    await using world = await kubeWorld();
    await reserveInLease(world.cluster, place, { perMinute: 60, cost: 3 });
    disturb(world, 1);
    world.kube.calls.length = 0;
    expect(await reserveInLease(world.cluster, place, { perMinute: 60, cost: 3 })).toMatchObject({ is: 'booked' });
    expect(verbs(world)).toEqual(['get', 'update', 'get', 'update']);
  });

  test('two conflicts leave no reservation', async () => {
    await using world = await kubeWorld();
    await reserveInLease(world.cluster, place, ask);
    disturb(world, 2);
    world.kube.calls.length = 0;
    expect(await reserveInLease(world.cluster, place, ask)).toEqual({ is: 'none' });
    expect(verbs(world)).toEqual(['get', 'update', 'get', 'update']);
  });

  test('a hundred at once never book more than a minute bears', async () => {
    await using world = await kubeWorld();
    const taken = await Promise.all(
      Array.from({ length: 100 }, (_, i) => reserveInLease(world.cluster, { ...place, node: `node${i}` }, ask)),
    );
    const now = taken.filter((one) => one.is === 'booked' && one.inMs < 60_000);
    expect(now).toHaveLength(1);
    expect(taken.every(({ is }) => is !== 'failed')).toBe(true);
  });
});

describe('what cannot be booked', () => {
  test('without the right is a fault of ours', async () => {
    await using world = await kubeWorld();
    world.kube.grants = new Set([...everyGrant].filter((grant) => !grant.includes('leases')));
    const fault = { code: 'agent.not_allowed', what: 'the Lease drypull/drypull-reservations-public.ecr.aws' };
    expect(await reserveInLease(world.cluster, place, ask)).toEqual({ is: 'failed', fault });
  });

  test('with a right to read alone, too', async () => {
    await using world = await kubeWorld();
    world.kube.grants = new Set([...everyGrant].filter((grant) => !/(create|update) .*leases/.test(grant)));
    expect(await reserveInLease(world.cluster, place, ask)).toMatchObject({
      is: 'failed',
      fault: { code: 'agent.not_allowed' },
    });
  });

  test.each([500, 503, 429])('while the API server answers %i', async (status) => {
    await using world = await kubeWorld();
    world.kube.script(isGet, { is: 'status', status });
    expect(await reserveInLease(world.cluster, place, ask)).toMatchObject({
      is: 'failed',
      fault: { code: 'agent.cannot_see' },
    });
  });

  test('while it is away', async () => {
    await using world = await kubeWorld();
    await world.kube.away();
    expect(await reserveInLease(world.cluster, place, ask)).toMatchObject({
      is: 'failed',
      fault: { code: 'agent.cannot_see' },
    });
  });

  test('while it does not answer', async () => {
    await using world = await kubeWorld();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    world.kube.script(isGet, { is: 'slow', until: promise });
    const fault = { code: 'agent.cannot_see', why: 'no answer in time' };
    expect(await reserveInLease(world.cluster, { ...place, timeoutMs: 50 }, ask)).toMatchObject({
      is: 'failed',
      fault,
    });
    resolve(undefined);
  });
});

test.each([
  ['docker.io', 'drypull-reservations-docker.io'],
  ['registry.example.com:5000', /^drypull-reservations-[0-9a-f]{16}$/],
  ['[2001:db8::1]:443', /^drypull-reservations-[0-9a-f]{16}$/],
  ['a..b', /^drypull-reservations-[0-9a-f]{16}$/],
  [`${'a'.repeat(300)}.example`, /^drypull-reservations-[0-9a-f]{16}$/],
])('the Lease of %s has a name that Kubernetes takes', async (budgetKey, name) => {
  await using world = await kubeWorld();
  await reserveInLease(world.cluster, { ...place, budgetKey }, ask);
  expect(text(leases(world)[0] ?? {}, 'metadata', 'name')).toMatch(name);
});
