/** The whole agent in a cluster whose API server is Kubernetes' own; what a kubelet would say of its Pods is said by hand. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PullReport } from '#pull/report.ts';
import { ask } from '../kit/ask.ts';
import { text, type Json } from '../kit/fake-kube-json.ts';
import { FakeRegistry, image } from '../kit/fake-registry.ts';
import { needs } from '../kit/installed.ts';
import { hasKubeApiserver, KubeApiserver } from '../kit/kube-apiserver.ts';
import { componentGrants, everyGrant } from '../kit/kube-grants.ts';
import { Hands } from '../kit/kube-hands.ts';
import { nodeRoot, type NodeRoot } from '../kit/node-root.ts';
import { type WholeAgent, wholeAgent } from '../kit/whole-agent.ts';

const soon = { timeout: 30_000, interval: 100 };
const user = { name: 'puller', password: 'right' };

interface Scene {
  readonly server: KubeApiserver;
  readonly hands: Hands;
  readonly registry: FakeRegistry;
  readonly root: NodeRoot;
  readonly image: (path: string) => string;
  readonly agent: (settings: string) => Promise<WholeAgent>;
  readonly close: () => Promise<void>;
}

/** An API server, a registry with a login, and four Pods that want something of it. */
async function scene(...components: readonly string[]): Promise<Scene> {
  const held = new AsyncDisposableStack();
  const server = held.use(await KubeApiserver.open());
  const hands = await Hands.on(server);
  await hands.install(...components);
  const auth = { scheme: 'basic', users: { [user.name]: user.password } } as const;
  const registry = held.use(await FakeRegistry.open({ images: { 'team/app:v1': image() }, auth }));
  const root = held.use(await nodeRoot(filesOf(registry.host)));
  const imageAt = (path: string): string => `${registry.host}/${path}`;
  await hands.secret('right', registry.host, [user.name, user.password]);
  await hands.secret('wrong', registry.host, [user.name, 'old']);
  const agent = async (settings: string): Promise<WholeAgent> => {
    const kubeconfig = await server.kubeconfig(await server.tokenOf('drypull', 'drypull'));
    const lines = [
      'listen: 127.0.0.1:0',
      'checkListen: off',
      'schedule: 1h',
      'jitter: 0',
      'nodeName: node1',
      'logLevel: debug',
    ];
    await root.add({
      'drypull.yaml': [...lines, `hostRoot: ${root.path}`, `kubeconfig: ${kubeconfig}`, settings, ''].join('\n'),
    });
    return wholeAgent(`${root.path}/drypull.yaml`);
  };
  for (const pod of pods) await hands.pod(`${pod.name}-0`, imageAt(pod.path), pod);
  return { server, hands, registry, root, image: imageAt, agent, close: () => held.disposeAsync() };
}

const pods = [
  { name: 'fine', path: 'team/app:v1', secrets: ['right'], policy: 'Always', verdict: 'pulls' },
  { name: 'gone', path: 'team/app:gone', secrets: ['right'], policy: 'Always', verdict: 'fails manifest.unknown_tag' },
  { name: 'locked', path: 'team/app:v1', secrets: ['wrong'], policy: 'Always', verdict: 'fails auth.rejected' },
  {
    name: 'lost',
    path: 'team/app:v1',
    secrets: ['no-such'],
    policy: 'Always',
    verdict: 'fails credential.secret_missing',
  },
] as const;

function filesOf(host: string): Parameters<typeof nodeRoot>[0] {
  return {
    'var/lib/kubelet/config.yaml': 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n',
    'etc/hosts': '127.0.0.1 localhost\n',
    'etc/resolv.conf': 'nameserver 127.0.0.1\n',
    'etc/containerd/config.toml': `version = 3\n[plugins."io.containerd.cri.v1.images".pinned_images]\n  sandbox = "${host}/pause:3"\n`,
  };
}

/** Of Pods, with the first one's name for each. */
function verdictsIn(reports: readonly PullReport[]): Readonly<Record<string, string>> {
  const ofPods = reports.filter(({ wantedBy }) => wantedBy.some(({ kind }) => kind === 'Pod'));
  const said = ofPods.map(({ wantedBy, verdict }): [string, string] => {
    const why = 'fault' in verdict ? ` ${verdict.fault.code}` : '';
    return [wantedBy[0]?.name.replace(/-0$/, '') ?? '', `${verdict.is}${why}`];
  });
  return Object.fromEntries(said);
}

const expected = Object.fromEntries(pods.map(({ name, verdict }): [string, string] => [name, verdict]));

describe.runIf(hasKubeApiserver() && needs(['kubectl']))('an agent with every component', { timeout: 120_000 }, () => {
  let at: Scene;
  let agent: WholeAgent;
  let reader: string;

  beforeAll(async () => {
    const components = Object.keys(componentGrants).filter((name) => name !== 'monitoring');
    at = await scene(...components);
    const reading = ['--clusterrole=drypull-reader', '--serviceaccount=shop:default'];
    await at.hands.kubectl(['create', 'clusterrolebinding', 'reads', ...reading]);
    reader = await at.server.tokenOf('shop', 'default');
    agent = await at.agent('nodeCondition: on\nnodeEvents: on\nlistenAuth: kubernetes');
  }, 120_000);

  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await at.close();
  });

  async function get(path: string, token = reader): Promise<{ readonly status: number; readonly body: string }> {
    const headers = token === '' ? {} : { authorization: `Bearer ${token}` };
    const { status, body } = await ask(new URL(path, agent.url).href, { headers });
    return { status, body: body.toString() };
  }

  async function reports(): Promise<readonly PullReport[]> {
    return (JSON.parse((await get('/reports')).body) as { reports: readonly PullReport[] }).reports;
  }

  const scored = (): readonly Json[] => agent.lines('prediction scored');

  test('rehearses what the Pods want, with the pull secrets that the API server holds', async () => {
    await expect.poll(async () => verdictsIn(await reports()), soon).toEqual(expected);
  });

  test('lets in whom the cluster lets in, and nobody else', async () => {
    expect((await get('/metrics')).status).toBe(200);
    expect((await get('/metrics', await at.server.tokenOf('drypull', 'drypull'))).status).toBe(403);
    expect((await get('/metrics', 'nobody.knows.this')).status).toBe(401);
    expect((await get('/metrics', '')).status).toBe(401);
    expect((await get('/livez', '')).status).toBe(200);
  });

  test('writes the condition, and an Event for each image that would not be pulled, the sandbox image included', async () => {
    const condition = async (): Promise<unknown> =>
      (await at.hands.conditions('node1')).find(({ type }) => type === 'ImagePullReady');
    await expect.poll(condition, soon).toMatchObject({ status: 'True', reason: 'ImagesWouldPull' });
    const told = async (): Promise<readonly string[]> => {
      const { items } = await at.server.admin('GET', '/apis/events.k8s.io/v1/namespaces/default/events');
      const all = (items as readonly Json[]).filter(({ reason }) => reason === 'ImageWouldNotPull');
      return all.map((event) => text(event, 'note').split(' ')[0] ?? '').toSorted();
    };
    const images = ['pause:3', 'team/app:gone', 'team/app:v1', 'team/app:v1'];
    await expect.poll(told, soon).toEqual(images.map((path) => `${at.image(path)}:`));
  });

  test('scores what the kubelet then says of new Pods, a miss included', async () => {
    for (const pod of pods) await at.hands.pod(`${pod.name}-1`, at.image(pod.path), pod);
    await at.hands.pod('unlucky', at.image('team/app:v1'), { secrets: ['right'], policy: 'Always' });
    const creating = { state: { waiting: { reason: 'ContainerCreating' } } };
    const failed = { state: { waiting: { reason: 'ErrImagePull', message: 'failed to pull and unpack image' } } };
    const started = {
      state: { running: { startedAt: new Date().toISOString() } },
      imageID: `${at.registry.host}/team/app@sha256:${'0'.repeat(64)}`,
      containerID: 'containerd://0123456789abcdef',
      ready: true,
    };
    for (const { name, path, verdict } of pods) {
      await at.hands.podSays(`${name}-1`, at.image(path), creating);
      await at.hands.podSays(`${name}-1`, at.image(path), verdict === 'pulls' ? started : failed);
    }
    await at.hands.podSays('unlucky', at.image('team/app:v1'), failed);
    await expect.poll(() => scored().length, soon).toBe(pods.length + 1);
    expect(Object.fromEntries(scored().map(({ pod, score }) => [pod, score]))).toEqual({
      'fine-1': 'correct_rejection',
      'gone-1': 'hit',
      'locked-1': 'hit',
      'lost-1': 'hit',
      unlucky: 'miss',
    });
    expect((await get('/metrics')).body).toMatch(/drypull_prediction_lead_seconds_count(\{[^}]*\})? 3/);
  });

  test('was allowed whatever it asked, and asked whatever it was granted', async () => {
    const calls = await at.hands.agentCalls();
    expect(calls.filter(({ code }) => code === 401 || code === 403)).toEqual([]);
    const granted = new Set(everyGrant);
    // The kubelet's own server is asked that, and there is none here.
    granted.delete('get core/nodes/configz');
    expect(new Set(calls.map(({ call }) => call))).toEqual(granted);
    expect(calls.filter(({ code }) => code >= 400).map(({ call, code }) => `${call} ${code}`)).toEqual([
      'get core/secrets 404',
    ]);
  });
});

describe.runIf(hasKubeApiserver() && needs(['kubectl']))('an agent with the base alone', { timeout: 120_000 }, () => {
  let at: Scene;
  let agent: WholeAgent;

  beforeAll(async () => {
    at = await scene();
    await at.hands.pod('plain-0', at.image('team/plain:v1'), { policy: 'Always' });
    agent = await at.agent('nodeCondition: on\nnodeEvents: on');
  }, 120_000);

  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await at.close();
  });

  const verdicts = async (): Promise<Readonly<Record<string, string>>> => verdictsIn(await agent.reports());
  const sight = async (): Promise<unknown> => (JSON.parse(await agent.get('/node')) as Json)['cluster'];

  test('does not know what depends on a pull secret, says so once, and knows the rest', async () => {
    const unknown = pods.map(({ name }): [string, string] => [name, 'unknown agent.not_allowed']);
    const all = { ...Object.fromEntries(unknown), plain: 'fails auth.required' };
    await expect.poll(verdicts, soon).toEqual(all);
    expect(agent.lines('a pull secret may not be read: verdicts that depend on it are unknown')).toHaveLength(1);
    expect(await agent.get('/')).toContain('agent.not_allowed');
  });

  test('is refused condition and Events, says which right is missing, and goes on', async () => {
    const refused = (what: string): unknown => expect.objectContaining({ fault: { code: 'agent.not_allowed', what } });
    await expect
      .poll(() => agent.lines('an Event could not be written'), soon)
      .toContainEqual(refused('create an Event'));
    expect(await at.hands.conditions('node1')).not.toContainEqual(expect.objectContaining({ type: 'ImagePullReady' }));
    expect(await agent.get('/livez')).toContain('ok');
  });

  test('goes on while the API server is away, and takes up what is new when it is back', async () => {
    const before = await verdicts();
    await at.server.end();
    const away = { isKnown: true, isStale: true, fault: 'agent.cannot_see' };
    await expect.poll(sight, soon).toMatchObject(away);
    expect(await verdicts()).toEqual(before);
    await at.server.begin();
    await at.hands.pod('late-0', at.image('team/late:v1'), { policy: 'Always' });
    await expect.poll(verdicts, { ...soon, timeout: 60_000 }).toEqual({ ...before, late: before['plain'] });
    expect(await sight()).toMatchObject({ isStale: false });
    await at.hands.removePod('plain-0');
    await expect.poll(async () => Object.keys(await verdicts()), soon).not.toContain('plain');
  });
});
