/** The whole agent in a cluster whose API server is Kubernetes' own; what a kubelet would say of its Pods is said by hand. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PullReport } from '#report/report.ts';
import { ask } from '../kit/ask.ts';
import { text, type Json } from '../kit/fake-kube-json.ts';
import { needs } from '../kit/installed.ts';
import { hasKubeApiserver } from '../kit/kube-apiserver.ts';
import { baseOwnGrants, componentGrants, everyGrant, ownNamespaceGrants, turnsGrants } from '../kit/kube-grants.ts';
import { kubeScene, type AttemptContext, scenePods, verdictsIn } from '../kit/kube-scene.ts';
import type { WholeAgent } from '../kit/whole-agent.ts';

const soon = { timeout: 30_000, interval: 100 };
const isHere = hasKubeApiserver() && needs(['kubectl']);
/** Another process writes what they let an agent read: kube-catalog.test.ts. */
const ofCatalog = (component: string): boolean => component.startsWith('catalog');
const expected = Object.fromEntries(scenePods.map(({ name, verdict }): [string, string] => [name, verdict]));

describe.runIf(isHere)('an agent with every component', { timeout: 120_000 }, () => {
  let at: AttemptContext;
  let agent: WholeAgent;
  let reader: string;

  beforeAll(async () => {
    const components = Object.keys(componentGrants).filter((name) => name !== 'monitoring' && !ofCatalog(name));
    at = await kubeScene({ components });
    const reading = ['--clusterrole=drypull-reader', '--serviceaccount=shop:default'];
    await at.hands.kubectl(['create', 'clusterrolebinding', 'reads', ...reading]);
    reader = await at.server.tokenOf('shop', 'default');
    agent = await at.agent('nodeCondition: on\nnodeEvents: on\nlistenAuth: kubernetes');
  }, 120_000);

  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await at[Symbol.asyncDispose]();
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
    const shown = async (): Promise<readonly string[]> => {
      const { items } = await at.server.admin('GET', '/apis/events.k8s.io/v1/namespaces/default/events');
      const all = (items as readonly Json[]).filter(({ reason }) => reason === 'ImageWouldNotPull');
      return all.map((event) => text(event, 'note').split(' ')[0] ?? '').toSorted();
    };
    const images = ['pause:3', 'team/app:gone', 'team/app:v1', 'team/app:v1'];
    await expect.poll(shown, soon).toEqual(images.map((path) => `${at.image(path)}:`));
  });

  test('scores what the kubelet then says of new Pods, a miss included', async () => {
    await at.roll('1');
    await at.hands.pod('unlucky', at.image('team/app:v1'), { secrets: ['right'], policy: 'Always' });
    const creating = { state: { waiting: { reason: 'ContainerCreating' } } };
    const failed = { state: { waiting: { reason: 'ErrImagePull', message: 'failed to pull and unpack image' } } };
    const started = {
      state: { running: { startedAt: new Date().toISOString() } },
      imageID: `${at.registry.host}/team/app@sha256:${'0'.repeat(64)}`,
      containerID: 'containerd://0123456789abcdef',
      ready: true,
    };
    for (const { name, path, verdict } of scenePods) {
      await at.hands.podSays(`${name}-1`, at.image(path), creating);
      await at.hands.podSays(`${name}-1`, at.image(path), verdict === 'pulls' ? started : failed);
    }
    await at.hands.podSays('unlucky', at.image('team/app:v1'), failed);
    await expect.poll(() => scored().length, soon).toBe(scenePods.length + 1);
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
    // For the size of the fleet and for turns an agent in its Pod asks, which knows its namespace: see kube-rights.
    const own = [...ownNamespaceGrants, ...baseOwnGrants, ...turnsGrants];
    const others: readonly string[] = [...componentGrants.catalog, ...own];
    const granted = new Set([...everyGrant].filter((grant) => !others.includes(grant)));
    // The kubelet's own server is asked that, and there is none here.
    granted.delete('get core/nodes/configz');
    expect(new Set(calls.map(({ call }) => call))).toEqual(granted);
    expect(calls.filter(({ code }) => code >= 400).map(({ call, code }) => `${call} ${code}`)).toEqual([
      'get core/secrets 404',
    ]);
  });
});

describe.runIf(isHere)('an agent with the base alone', { timeout: 120_000 }, () => {
  let at: AttemptContext;
  let agent: WholeAgent;

  beforeAll(async () => {
    at = await kubeScene({ components: [] });
    await at.hands.pod('plain-0', at.image('team/plain:v1'), { policy: 'Always' });
    agent = await at.agent('nodeCondition: on\nnodeEvents: on');
  }, 120_000);

  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await at[Symbol.asyncDispose]();
  });

  const verdicts = async (): Promise<Readonly<Record<string, string>>> => verdictsIn(await agent.reports());
  const clusterState = async (): Promise<unknown> => (JSON.parse(await agent.get('/node')) as Json)['cluster'];

  test('does not know what depends on a pull secret, says so once, and knows the rest', async () => {
    const unknown = scenePods.map(({ name }): [string, string] => [name, 'unknown agent.not_allowed']);
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
    await expect.poll(clusterState, soon).toMatchObject(away);
    expect(await verdicts()).toEqual(before);
    await at.server.begin();
    await at.hands.pod('late-0', at.image('team/late:v1'), { policy: 'Always' });
    await expect.poll(verdicts, { ...soon, timeout: 60_000 }).toEqual({ ...before, late: before['plain'] });
    expect(await clusterState()).toMatchObject({ isStale: false });
    await at.hands.removePod('plain-0');
    await expect.poll(async () => Object.keys(await verdicts()), soon).not.toContain('plain');
  });
});
