import { describe, expect, test } from 'vitest';
import type { PullOutcome } from '#report/score.ts';
import { type DemandWatch, type Demanded, watchDemand } from '#kubernetes/watch-demand.ts';
import { type FakeKube } from '../kit/fake-kube.ts';
import { recordedJson, recordedText, recordedWatch } from '../kit/fake-kube-json.ts';
import { everyGrant } from '../kit/kube-grants.ts';
import { type KubeWorld, clusterOf, kubeWorld } from '../kit/kube-world.ts';
import { readImage } from '../kit/read-image.ts';

interface Watching {
  readonly watch: DemandWatch;
  readonly outcomes: PullOutcome[];
  /** Resolves once `current()` meets the condition, checked after each change. */
  readonly until: (so: (now: Demanded) => boolean) => Promise<Demanded>;
}

function watching(world: KubeWorld): Watching {
  const outcomes: PullOutcome[] = [];
  let waiting: (() => void)[] = [];
  const onChange = (): void => waiting.forEach((readView) => readView());
  const onOutcome = (outcome: PullOutcome): void => void outcomes.push(outcome);
  const dependencies = { ...world.time.dependencies, readImage, onChange, onOutcome };
  const watch = watchDemand(world.cluster, 'node1', dependencies);
  const until = async (so: (now: Demanded) => boolean): Promise<Demanded> => {
    const { promise, resolve } = Promise.withResolvers<Demanded>();
    const readView = (): void => {
      if (so(watch.current())) resolve(watch.current());
    };
    waiting = [...waiting, readView];
    readView();
    // What changes without an event (the link) is checked each time.
    const turning = setInterval(readView, 1);
    const now = await promise;
    clearInterval(turning);
    waiting = waiting.filter((other) => other !== readView);
    return now;
  };
  return { watch, outcomes, until };
}

const images = (now: Demanded): readonly string[] => now.demands.map(({ written }) => written).sort();
const known = (now: Demanded): boolean => now.isKnown && now.node.ok && !now.isStale;
const bothWatch = (kube: FakeKube): Promise<void> => kube.until(({ watches }) => watches === 2);

describe('a node with three Pods', () => {
  test('its images are known after one list, and the watch goes on from the list', async () => {
    await using world = await kubeWorld();
    const { watch, until } = watching(world);
    expect(watch.current()).toMatchObject({ isKnown: false, isStale: true, demands: [] });
    await bothWatch(world.kube);
    const now = await until(known);
    expect(images(now)).toEqual(['localhost:5000/team/app:nope', 'nosuch.example.test/app:1']);
    const [list, ...others] = world.kube.asked.filter((query) => query.get('fieldSelector') === 'spec.nodeName=node1');
    expect(Object.fromEntries(list ?? [])).toEqual({
      fieldSelector: 'spec.nodeName=node1',
      resourceVersion: '0',
      resourceVersionMatch: 'NotOlderThan',
    });
    expect(others.map((query) => Object.fromEntries(query))).toEqual([
      {
        fieldSelector: 'spec.nodeName=node1',
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: '10819',
        timeoutSeconds: '450',
      },
    ]);
    await watch.close();
  });

  test('its Node has runtime, architecture, labels, taints and images', async () => {
    await using world = await kubeWorld();
    const taints = [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }];
    world.kube.setNode({ ...world.kube.node, spec: { taints } });
    const { watch, until } = watching(world);
    const { node } = await until(known);
    expect(node).toMatchObject({
      ok: true,
      source: 'Node node1',
      value: { runtime: 'containerd://2.1.9+unknown', kubelet: 'v1.36.2', architecture: 'amd64', os: 'linux', taints },
    });
    const facts = node.ok ? node.value : undefined;
    expect(facts?.images.names).toContain('ok-bearer-secret.lab.test/team/app:v1');
    expect(facts?.labels).toMatchObject({ 'kubernetes.io/hostname': 'node1' });
    expect(facts?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    await watch.close();
  });
});

describe('the recorded watch', () => {
  test('sixteen Pods come, pull or fail to, and go', async () => {
    await using world = await kubeWorld();
    const { watch, until } = watching(world);
    await bothWatch(world.kube);
    const lines = recordedWatch();
    const deletion = lines.findIndex((line) => line.includes('"deletionTimestamp"'));
    world.kube.replay(lines.slice(0, deletion));
    const full = await until((now) => now.demands.length > 16);
    const withSecret = full.demands.filter(({ secrets }) => secrets.length > 0);
    expect(withSecret.map(({ secrets }) => secrets.map(({ name }) => name))).toContainEqual([
      'auth-two-secrets-second-right-0',
      'auth-two-secrets-second-right-1',
    ]);
    expect(full.demands.find(({ written }) => written.includes('/Team/'))?.image).toMatchObject({ ok: false });
    expect(full.demands.find(({ written }) => written.startsWith('policy-never'))).toMatchObject({
      policy: 'Never',
      present: 'no',
      requestedBy: [{ kind: 'Pod', namespace: 'shop', name: 'policy-never-absent', part: 'container c' }],
    });
    world.kube.replay(lines.slice(deletion));
    const after = await until((now) => now.demands.length === 2);
    expect(images(after)).toEqual(['localhost:5000/team/app:nope', 'nosuch.example.test/app:1']);
    await watch.close();
  });
});

describe('a watch that cannot go on', () => {
  test.each(['event', 'status'] as const)('410 Gone as %s lists again, from the latest', async (gone) => {
    await using world = await kubeWorld();
    world.kube.gone = gone;
    const { watch, until } = watching(world);
    await bothWatch(world.kube);
    await world.kube.away();
    const pods = recordedJson('pods-list-after.json')['items'] as Record<string, unknown>[];
    for (const pod of pods) world.kube.emitPod('ADDED', pod);
    world.kube.compact();
    await world.kube.listen();
    const now = await until((state) => images(state).includes('tls-expired.lab.test/team/app:v1'));
    expect(now.isStale).toBe(false);
    const relist = world.kube.asked.findLast((query) => query.get('watch') === null && query.get('limit') !== null);
    expect(Object.fromEntries(relist ?? [])).toMatchObject({ limit: '250' });
    expect(relist?.has('resourceVersion')).toBe(false);
    await watch.close();
  });

  test('the recorded refusal of a version from long ago lists again', async () => {
    await using world = await kubeWorld();
    const { watch } = watching(world);
    await bothWatch(world.kube);
    world.kube.describe(recordedText('watch-too-old.jsonl'), 'end');
    await world.kube.untilAsked('list core/pods', 2);
    await watch.close();
  });

  test('a relist of many pages reads each of them, and starts again after an expired page', async () => {
    await using world = await kubeWorld();
    const { watch, until } = watching(world);
    await bothWatch(world.kube);
    const [pod] = recordedJson('pods-list-after.json')['items'] as Record<string, unknown>[];
    for (let index = 0; index < 600; index += 1)
      world.kube.emitPod('ADDED', {
        ...pod,
        metadata: { ...(pod?.['metadata'] as object), uid: `uid-${index}`, name: `p-${index}` },
      });
    world.kube.compact();
    let pages = 0;
    world.kube.script((call) => call.verb === 'list' && call.resource === 'pods' && (pages += 1) === 2, {
      is: 'status',
      status: 410,
    });
    world.kube.describe(recordedText('watch-too-old.jsonl'), 'end');
    await world.kube.untilAsked('list core/pods', 1 + 2 + 3);
    const now = await until((state) => state.demands.some(({ requestedBy }) => requestedBy.length >= 600));
    expect(now.isKnown).toBe(true);
    await watch.close();
  });

  const endings: readonly (readonly [string, string, 'end' | 'cut'])[] = [
    ['ends, as watches do', '', 'end'],
    ['breaks', '', 'cut'],
    ['breaks in the middle of a line', '{"type":"MODIFIED","object":{"metadata":{"uid":"f7e5f3', 'cut'],
    ['ends in the middle of a line', '{"type":"DELETED","object":{"metadata":{"uid":"f7e5f3', 'end'],
  ];
  test.each(endings)('one that %s is opened again from the last version, without a list', async (_, logged, then) => {
    await using world = await kubeWorld();
    const { watch, until } = watching(world);
    await bothWatch(world.kube);
    world.kube.bookmark('pods');
    world.kube.describe(logged, then);
    await world.kube.untilAsked('watch core/pods', 2);
    await bothWatch(world.kube);
    const now = await until(known);
    expect(now.demands).toHaveLength(2);
    expect(world.kube.calls.filter(({ verb, resource }) => verb === 'list' && resource === 'pods')).toHaveLength(1);
    await watch.close();
  });

  const nonsense: readonly (readonly [string, string])[] = [
    ['HTML', '<html>gateway</html>\n'],
    ['an unknown type of event', '{"type":"EXPLODED","object":{}}\n'],
    ['an object without a version', '{"type":"ADDED","object":{"metadata":{"uid":"x"}}}\n'],
    ['a bare null', 'null\n'],
    ['an empty line', '\n'],
  ];
  test.each(nonsense)('one that sends %s lists again', async (_, logged) => {
    await using world = await kubeWorld();
    const { watch, until } = watching(world);
    await bothWatch(world.kube);
    world.kube.describe(logged);
    await world.kube.untilAsked('list core/pods', 2);
    await until(known);
    await watch.close();
  });

  test('a bookmark moves the version on', async () => {
    await using world = await kubeWorld();
    const { watch } = watching(world);
    await bothWatch(world.kube);
    world.kube.version = 20_000;
    world.kube.bookmark('pods');
    world.kube.describe('', 'end');
    await world.kube.untilAsked('watch core/pods', 2);
    expect(
      world.kube.asked
        .findLast((query) => query.get('fieldSelector') === 'spec.nodeName=node1')
        ?.get('resourceVersion'),
    ).toBe('20000');
    await watch.close();
  });
});

describe('an API server that is away', () => {
  test('for an hour: the last state stays, with its age, and is current again afterwards', async () => {
    await using world = await kubeWorld();
    const { watch, until } = watching(world);
    await bothWatch(world.kube);
    const before = await until(known);
    const wentAway = world.time.now();
    await world.kube.away();
    const stale = await until((now) => now.isStale && world.time.now().getTime() - wentAway.getTime() > 3_600_000);
    expect(stale.demands).toEqual(before.demands);
    expect(stale.node.ok).toBe(true);
    expect(stale.asOf.getTime() - wentAway.getTime()).toBeLessThan(60_000);
    expect(stale.fault).toMatchObject({ code: 'agent.cannot_see', what: 'the Pods of node1' });
    await world.kube.listen();
    const fixed = await until(known);
    expect(fixed.asOf).toEqual(world.time.now());
    expect(fixed.fault).toBeUndefined();
    await watch.close();
  });

  test('for an hour, and then refuses until it has read its roles: it is asked again within seconds', async () => {
    await using world = await kubeWorld();
    const { watch, until } = watching(world);
    await bothWatch(world.kube);
    await until(known);
    await world.kube.away();
    const wentAway = world.time.now();
    await until(() => world.time.now().getTime() - wentAway.getTime() > 3_600_000);
    world.kube.script(({ verb }) => verb === 'watch', { is: 'status', status: 403 }, 4);
    await world.kube.listen();
    const cameBack = world.time.now().getTime();
    await until(known);
    expect(world.time.now().getTime() - cameBack).toBeLessThan(60_000);
    await watch.close();
  });

  test('pauses grow, with jitter, to thirty seconds at most', async () => {
    await using world = await kubeWorld();
    await world.kube.away();
    const { watch } = watching(world);
    while (world.time.pauses.length < 24) await new Promise((resolve) => setImmediate(resolve));
    await watch.close();
    expect([...new Set(world.time.pauses)]).toEqual([500, 1000, 2000, 4000, 8000, 15_000]);
  });

  test('a server that asks for patience gets it', async () => {
    await using world = await kubeWorld();
    world.kube.script(({ verb }) => verb === 'list', { is: 'status', status: 429, retryAfter: '7' }, 2);
    const { watch, until } = watching(world);
    await until(known);
    expect(world.time.pauses).toEqual([7500, 7500]);
    await watch.close();
  });
});

interface ListQuery {
  readonly resourceVersion: string | null;
  readonly limit: string | null;
}

/** How the Pods were listed: at which version, and in pages of which size. */
function podLists({ calls, asked }: FakeKube): readonly ListQuery[] {
  const reads = calls.filter(({ verb }) => verb === 'list' || verb === 'watch');
  return asked
    .filter((_, i) => reads[i]?.verb === 'list' && reads[i].resource === 'pods')
    .map((query) => ({ resourceVersion: query.get('resourceVersion'), limit: query.get('limit') }));
}

describe('an API server that refuses', () => {
  test('without the right to list Pods nothing is known, and the reason is said', async () => {
    await using world = await kubeWorld();
    world.kube.grants = new Set(['list core/nodes', 'watch core/nodes']);
    const { watch, until } = watching(world);
    const now = await until(({ fault, node }) => fault !== undefined && node.ok);
    expect(now).toMatchObject({
      isKnown: false,
      isStale: true,
      fault: { code: 'agent.not_allowed', what: 'the Pods of node1' },
    });
    world.kube.grants = everyGrant;
    await until(known);
    await watch.close();
  });

  test('an unknown token is not allowed', async () => {
    await using world = await kubeWorld('some-other-token');
    const { watch, until } = watching(world);
    const now = await until(({ fault }) => fault !== undefined);
    expect(now.fault).toMatchObject({ code: 'agent.not_allowed' });
    await watch.close();
  });

  test('a version from the future, after etcd was restored, lists the latest', async () => {
    await using world = await kubeWorld();
    const { watch, until } = watching(world);
    await bothWatch(world.kube);
    world.kube.script(({ verb, resource }) => verb === 'list' && resource === 'pods', { is: 'status', status: 504 });
    world.kube.describe('{"type":"ERROR","object":{"code":500,"reason":"InternalError"}}\n', 'end');
    await world.kube.untilAsked('list core/pods', 3);
    await until(known);
    await watch.close();
    const [first, second, third] = podLists(world.kube);
    expect(first).toMatchObject({ resourceVersion: '0', limit: null });
    expect(second).toMatchObject({ resourceVersion: expect.stringMatching(/^[1-9]/) as string, limit: null });
    expect(third).toMatchObject({ resourceVersion: null, limit: '250' });
  });

  test('a watch event that cannot be read lists the latest, also where that fails at first', async () => {
    await using world = await kubeWorld();
    const { watch, until } = watching(world);
    await bothWatch(world.kube);
    world.kube.script(({ verb, resource }) => verb === 'list' && resource === 'pods', { is: 'status', status: 504 });
    world.kube.describe('<junk>\n');
    await world.kube.untilAsked('list core/pods', 3);
    await until(known);
    await watch.close();
    const latest = { resourceVersion: null, limit: '250' };
    expect(podLists(world.kube)).toMatchObject([{ resourceVersion: '0' }, latest, latest]);
  });

  const answers: readonly (readonly [string, number, string])[] = [
    ['no JSON', 200, '<html>login</html>'],
    ['an array', 200, '[]'],
    ['a list of nothing in particular', 200, '{"items":"many","metadata":{"resourceVersion":"5"}}'],
    ['a list without a version', 200, '{"items":[]}'],
    ['a bad gateway', 502, 'Bad Gateway'],
  ];
  test.each(answers)('%s instead of a list is tried again', async (_, status, body) => {
    await using world = await kubeWorld();
    world.kube.script(({ verb }) => verb === 'list', { is: 'raw', status, body }, 2);
    const { watch, until } = watching(world);
    const now = await until(known);
    expect(now.demands).toHaveLength(2);
    await watch.close();
  });

  test('a list with things that are no Pods holds the Pods alone', async () => {
    await using world = await kubeWorld();
    const pods: Record<string, unknown>[] = [
      {},
      { metadata: null },
      { metadata: { uid: 'u', name: 'n', namespace: 'x' } },
    ];
    pods.forEach((pod, index) => world.kube.pods.set(`odd-${index}`, pod));
    const { watch, until } = watching(world);
    const now = await until(known);
    expect(now.demands).toHaveLength(2);
    await watch.close();
  });
});

test('closing ends both watches at once, also in the middle of a pause', async () => {
  await using world = await kubeWorld();
  world.time.hold();
  await world.kube.away();
  const { watch } = watching(world);
  while (world.time.pauses.length < 2) await new Promise((resolve) => setImmediate(resolve));
  await watch.close();
  await world.kube.listen();
  const open = watchDemand(clusterOf(world.kube), 'node1', {
    ...world.time.dependencies,
    readImage,
    onChange: () => undefined,
    onOutcome: () => undefined,
  });
  await bothWatch(world.kube);
  await open.close();
  expect(world.kube.calls.filter(({ verb }) => verb === 'watch')).toHaveLength(2);
});
