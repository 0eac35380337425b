import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Readiness } from '#kubernetes/condition.ts';
import { type Publisher, publisher } from '#kubernetes/publish.ts';
import { grantText } from '../kit/fake-kube-call.ts';
import { type Json, at, object, recordedJson, text } from '../kit/fake-kube-json.ts';
import { type Counted, type KubeWorld, clusterOf, kubeWorld } from '../kit/kube-world.ts';

const pulls: Readiness = { status: 'True', reason: 'AllPull', message: '3 images would pull' };
const fails: Readiness = { status: 'False', reason: 'SomeFail', message: 'tls.expired at tls-expired.lab.test' };

interface Publishing extends KubeWorld {
  readonly publish: Publisher;
  /** Moves the clock in steps, and lets everything that became due be done. */
  readonly pass: (ms: number) => Promise<void>;
  readonly patches: () => number;
}

async function publishing(): Promise<Publishing> {
  const world = await kubeWorld();
  world.time.hold();
  const publish = publisher(world.cluster, 'node1', world.time.dependencies);
  const patches = (): number => world.kube.calls.filter((call) => grantText(call) === 'patch core/nodes/status').length;
  const dispose = async (): Promise<void> => {
    await publish.close();
    await world[Symbol.asyncDispose]();
  };
  return { ...world, publish, patches, pass: (ms) => pass(world, ms), [Symbol.asyncDispose]: dispose };
}

async function pass(world: KubeWorld, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10_000) {
    world.time.advance(Math.min(left, 10_000));
    await settled(world);
  }
}

/** Until nothing is under way, and nothing that ended started something else. */
async function settled(world: KubeWorld): Promise<void> {
  for (let quiet = 0; quiet < 5; quiet += 1) {
    if (others.some(({ underWay }) => underWay() > 0) || world.cluster.underWay() > 0) quiet = -1;
    await turn();
  }
}

/** Clients beside the world's own. */
const others: Counted[] = [];

function condition(world: KubeWorld): Json | undefined {
  const all = at(world.kube.node, 'status', 'conditions') as Json[];
  return all.find(({ type }) => type === 'ImagePullReady');
}

describe("the Node's condition", () => {
  test('is written at once, beside the conditions of the kubelet', async () => {
    await using world = await publishing();
    world.publish.publish(fails);
    await world.kube.untilAsked('patch core/nodes/status');
    await settled(world);
    expect(condition(world)).toEqual({
      type: 'ImagePullReady',
      status: 'False',
      reason: 'SomeFail',
      message: 'tls.expired at tls-expired.lab.test',
      lastHeartbeatTime: '2026-11-21T01:30:00Z',
      lastTransitionTime: '2026-11-21T01:30:00Z',
    });
    const recorded = at(recordedJson('node-status-patched.json'), 'status', 'conditions') as Json[];
    const written = at(world.kube.node, 'status', 'conditions') as Json[];
    expect(written.map(({ type }) => type).sort()).toEqual(recorded.map(({ type }) => type).sort());
    expect(Object.keys(condition(world) ?? {}).sort()).toEqual(Object.keys(recorded[0] ?? {}).sort());
    expect(world.publish.state()).toEqual({ is: 'written', at: new Date('2026-11-21T01:30:00Z') });
  });

  test('is not written while nothing changes, but for a heartbeat every ten minutes', async () => {
    await using world = await publishing();
    world.publish.publish(pulls);
    await settled(world);
    for (let minute = 0; minute < 9; minute += 1) {
      world.publish.publish(pulls);
      await world.pass(60_000);
    }
    expect(world.patches()).toBe(1);
    await world.pass(60_000);
    expect(world.patches()).toBe(2);
    expect(condition(world)).toMatchObject({
      lastHeartbeatTime: '2026-11-21T01:40:00Z',
      lastTransitionTime: '2026-11-21T01:30:00Z',
    });
  });

  test('changes when the new status has stood half a minute, and not before', async () => {
    await using world = await publishing();
    world.publish.publish(pulls);
    await settled(world);
    await world.pass(120_000);
    world.publish.publish(fails);
    await world.pass(20_000);
    expect(condition(world)).toMatchObject({ status: 'True' });
    await world.pass(10_000);
    expect(condition(world)).toMatchObject({ status: 'False', lastTransitionTime: '2026-11-21T01:32:30Z' });
  });

  test('does not flap: a verdict that changes every twenty seconds changes nothing', async () => {
    await using world = await publishing();
    world.publish.publish(pulls);
    await settled(world);
    for (let round = 0; round < 12; round += 1) {
      world.publish.publish(round % 2 === 0 ? fails : pulls);
      await world.pass(20_000);
    }
    expect(condition(world)).toMatchObject({ status: 'True' });
    expect(world.patches()).toBeLessThanOrEqual(2);
  });

  test('is written from the first word on, however many follow at once', async () => {
    await using world = await publishing();
    for (let round = 0; round < 50; round += 1) world.publish.publish({ ...fails, message: `${round} images` });
    await settled(world);
    expect(world.patches()).toBe(1);
  });
});

describe('a conflict', () => {
  test('means that the kubelet wrote in between: read again, patch again', async () => {
    await using world = await publishing();
    let reads = 0;
    world.kube.script(
      (call) => {
        if (grantText(call) === 'get core/nodes') reads += 1;
        // The kubelet writes after our read: the version that we send is old.
        if (grantText(call) === 'patch core/nodes/status' && reads === 1) world.kube.setNode(world.kube.node);
        return false;
      },
      { is: 'cut' },
    );
    world.publish.publish(fails);
    await settled(world);
    await world.pass(1000);
    expect(world.patches()).toBe(2);
    expect(condition(world)).toMatchObject({ status: 'False' });
  });

  test('that never ends is given up for a while, and said', async () => {
    await using world = await publishing();
    world.kube.script(({ verb }) => verb === 'patch', { is: 'status', status: 409 }, 5);
    world.publish.publish(fails);
    await settled(world);
    await world.pass(1000);
    for (let round = 0; round < 6; round += 1) await world.pass(300);
    expect(world.publish.state()).toMatchObject({ is: 'failing', fault: { why: '5 conflicts in a row' } });
    await world.pass(20_000);
    expect(world.publish.state()).toMatchObject({ is: 'written' });
  });
});

describe('another writer of the same condition', () => {
  const theirs = (world: KubeWorld, lastHeartbeatTime: string): void => {
    const others = (at(world.kube.node, 'status', 'conditions') as Json[]).filter(
      ({ type }) => type !== 'ImagePullReady',
    );
    const given = { ...conditionFields, lastHeartbeatTime };
    world.kube.setNode({
      ...world.kube.node,
      status: { ...object(world.kube.node['status']), conditions: [given, ...others] },
    });
  };
  const conditionFields = {
    type: 'ImagePullReady',
    status: 'True',
    reason: 'Theirs',
    message: 'theirs',
    lastTransitionTime: '2026-11-21T01:00:00Z',
  };

  test('is given way to, until it has been silent for two beats and a half', async () => {
    await using world = await publishing();
    world.publish.publish(pulls);
    await settled(world);
    theirs(world, '2026-11-21T01:35:00Z');
    await world.pass(660_000);
    expect(world.publish.state()).toEqual({ is: 'yielded' });
    world.publish.publish(fails);
    theirs(world, '2026-11-21T01:45:00Z');
    await world.pass(1_900_000);
    expect(world.patches()).toBe(1);
    await world.pass(1_900_000);
    expect(world.publish.state()).toMatchObject({ is: 'written' });
    expect(condition(world)).toMatchObject({ reason: 'SomeFail' });
  });

  test('two of us at once end with one', async () => {
    await using world = await publishing();
    const cluster = clusterOf(world.kube);
    others.push(cluster);
    const second = publisher(cluster, 'node1', { ...world.time.dependencies, random: () => 0.9 });
    world.publish.publish(pulls);
    await settled(world);
    second.publish(fails);
    await settled(world);
    await world.pass(3_600_000);
    const states = [world.publish.state().is, second.state().is];
    const before = world.patches();
    await world.pass(3_600_000);
    expect(states).toContain('yielded');
    expect(world.patches() - before).toBeLessThanOrEqual(8);
    await second.close();
    others.pop();
  });

  test('before a restart it was ourselves: the same words are not written again', async () => {
    await using world = await publishing();
    world.publish.publish(pulls);
    await settled(world);
    await world.publish.close();
    const after = publisher(world.cluster, 'node1', world.time.dependencies);
    after.publish(pulls);
    await world.pass(300_000);
    expect(world.patches()).toBe(1);
    await world.pass(310_000);
    expect(world.patches()).toBe(2);
    await after.close();
  });
});

describe('an API server that does not take it', () => {
  test('without the right nothing is written, the reason is known, and it is not asked for ever', async () => {
    await using world = await publishing();
    world.kube.grants = new Set(['get core/nodes']);
    world.publish.publish(fails);
    await settled(world);
    await world.pass(600_000);
    expect(world.publish.state()).toMatchObject({ is: 'failing', fault: { code: 'agent.not_allowed' } });
    expect(world.patches()).toBeLessThan(10);
  });

  test('that is away gets it when it is back', async () => {
    await using world = await publishing();
    await world.kube.away();
    world.publish.publish(fails);
    await settled(world);
    expect(world.publish.state()).toMatchObject({ is: 'failing', fault: { code: 'agent.cannot_see' } });
    await world.kube.listen();
    await world.pass(60_000);
    expect(condition(world)).toMatchObject({ status: 'False' });
  });

  test('whose answer was lost is not taken for another writer', async () => {
    await using world = await publishing();
    world.kube.loseAnswers(({ verb }) => verb === 'patch', 1);
    world.publish.publish(fails);
    await settled(world);
    expect(world.publish.state()).toMatchObject({ is: 'failing' });
    await world.pass(30_000);
    expect(world.publish.state().is).not.toBe('yielded');
    await world.pass(600_000);
    expect(world.publish.state()).toMatchObject({ is: 'written' });
  });
});

describe('an Event', () => {
  const news = { about: 'app:1', type: 'Warning', reason: 'ImagePullWouldFail', note: 'app:1: tls.expired' } as const;

  test('is about the Node, in the form that events.k8s.io/v1 wants', async () => {
    await using world = await publishing();
    expect(await world.publish.news(news)).toEqual({ ok: true, value: 'written' });
    const [written] = world.kube.written;
    expect(written?.call).toMatchObject({ group: 'events.k8s.io', namespace: 'default', resource: 'events' });
    expect(written?.body).toEqual({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { generateName: 'drypull-', namespace: 'default' },
      eventTime: '2026-11-21T01:30:00.000000Z',
      reportingController: 'drypull',
      reportingInstance: 'node1',
      action: 'RehearsePull',
      reason: 'ImagePullWouldFail',
      regarding: { apiVersion: 'v1', kind: 'Node', name: 'node1', uid: 'node1' },
      note: 'app:1: tls.expired',
      type: 'Warning',
    });
  });

  test('is written once for the same news, and again for other news', async () => {
    await using world = await publishing();
    await world.publish.news(news);
    expect(await world.publish.news(news)).toEqual({ ok: true, value: 'repeated' });
    const good = { ...news, type: 'Normal', reason: 'ImagePullWouldSucceed' } as const;
    expect(await world.publish.news(good)).toEqual({ ok: true, value: 'written' });
  });

  test('of two hundred images at once, ten are written, and one a minute later', async () => {
    await using world = await publishing();
    const publish = async (index: number): Promise<unknown> =>
      await world.publish.news({ ...news, about: `app:${index}` });
    for (let index = 0; index < 200; index += 1) await publish(index);
    expect(world.kube.written).toHaveLength(10);
    world.time.advance(60_000);
    await publish(300);
    await publish(301);
    expect(world.kube.written).toHaveLength(11);
  });

  test('holds no more bytes than the API server takes', async () => {
    await using world = await publishing();
    await world.publish.news({ ...news, note: 'ü'.repeat(2000) });
    expect(Buffer.byteLength(text(world.kube.written[0]?.body, 'note'))).toBeLessThanOrEqual(1024);
  });

  test('that may not be written is a fault', async () => {
    await using world = await publishing();
    world.kube.grants = new Set();
    expect(await world.publish.news(news)).toMatchObject({ ok: false, fault: { code: 'agent.not_allowed' } });
  });
});
