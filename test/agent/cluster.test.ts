import { appendFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parseImage } from '#image/reference.ts';
import { connectByFile } from '#kubernetes/api/connect.ts';
import { pullSecrets } from '#kubernetes/pull-secrets.ts';
import { type BusyNode, busyNode, formsOf, secrets } from '../kit/busy-node.ts';
import { type Json, at, text } from '../kit/fake-kube-json.ts';
import { baseGrants, everyGrant } from '../kit/kube-grants.ts';
import { type WholeAgent, wholeAgent } from '../kit/whole-agent.ts';

/** The ten Pods' images and the sandbox's. */
const everyImage = 11;

async function rehearsed(agent: WholeAgent): Promise<void> {
  await agent.until(async () => (await agent.reports()).length === everyImage);
}

const verdictsOf = async (agent: WholeAgent): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    (await agent.reports()).map(({ requestedBy, verdict }) => {
      const logged =
        verdict.is === 'fails' || verdict.is === 'unknown' ? `${verdict.is} ${verdict.fault.code}` : verdict.is;
      return [requestedBy[0]?.name.replace(/-old$/, '') ?? '', logged];
    }),
  );

const expectedOf = (node: BusyNode): Readonly<Record<string, string>> =>
  Object.fromEntries(
    node.pods.map(({ name, verdict, code }) => [name, code === undefined ? verdict : `${verdict} ${code}`]),
  );

const conditionOf = ({ kube }: BusyNode): Json | undefined =>
  (at(kube.node, 'status', 'conditions') as readonly Json[]).find(({ type }) => type === 'ImagePullReady');

describe('a node with ten Pods, two registries, three kinds of pull secrets and a plugin', () => {
  test('shows the right ten verdicts, and the sandbox image', async () => {
    await using node = await busyNode();
    await using agent = await wholeAgent(node.config);
    await rehearsed(agent);
    expect(await verdictsOf(agent)).toEqual({ ...expectedOf(node), sandbox: 'pulls' });
    const [report] = await agent.reports();
    expect(report?.plan).toMatchObject({ runtime: 'containerd 2.1.9+unknown', platform: 'linux/amd64' });
  });

  test('scores a prediction for each, once the recorded kubelet has had its turn', async () => {
    await using node = await busyNode();
    await using agent = await wholeAgent(node.config);
    await rehearsed(agent);
    node.rollOut();
    const scored = (): readonly Record<string, unknown>[] => agent.lines('prediction scored');
    await agent.until(() => node.pods.every(({ name }) => scored().some(({ pod }) => pod === name)));
    for (const { name, result } of node.pods) {
      const score = result === 'pulled' ? 'correct_rejection' : 'hit';
      expect(scored().find(({ pod }) => pod === name)).toMatchObject({ score, result });
    }
    expect(scored().filter(({ score }) => score === 'miss' || score === 'false_alarm')).toEqual([]);
    expect(agent.lines('a pull was not predicted')).toEqual([]);
    const hits = scored().filter(({ score }) => score === 'hit').length;
    const metrics = JSON.stringify(await agent.get('/metrics'));
    expect(metrics).toContain(`drypull_prediction_lead_seconds_count ${hits}`);
    expect(JSON.stringify(await agent.get('/'))).toContain('every one went as foretold.');
  });

  test('a pull that fails although it was to work is a miss, kept with what the kubelet said', async () => {
    await using node = await busyNode();
    const right = node.kube.secrets.get('shop/ok-basic-secret-0') ?? {};
    node.kube.setSecret({ ...right, metadata: { namespace: 'shop', name: 'auth-basic-wrong-0' } });
    await using agent = await wholeAgent(node.config);
    await rehearsed(agent);
    node.rollOut();
    await agent.until(() => agent.lines('prediction scored').some(({ score }) => score === 'miss'));
    expect(agent.lines('prediction scored').find(({ score }) => score === 'miss')).toMatchObject({
      level: 'warn',
      logged: 'pulls',
      pod: 'auth-basic-wrong',
      reason: 'ErrImagePull',
      message: expect.stringContaining('failed to pull and unpack image') as unknown,
    });
  });

  test('asks the cluster for nothing that it has no right to, and writes nothing unless told to', async () => {
    await using node = await busyNode();
    node.kube.grants = new Set([...baseGrants, 'get core/secrets']);
    await using agent = await wholeAgent(node.config);
    await rehearsed(agent);
    expect(node.kube.written).toEqual([]);
    expect(new Set(node.kube.calls.map(({ verb, resource }) => `${verb} ${resource}`))).toEqual(
      new Set(['list pods', 'watch pods', 'list nodes', 'watch nodes', 'get secrets']),
    );
  });
});

describe('what the Node is told', () => {
  test("failures that are the workloads' own leave the condition True, and each gets an Event", async () => {
    await using node = await busyNode('nodeCondition: on\nnodeEvents: on');
    await using agent = await wholeAgent(node.config);
    await agent.until(() => conditionOf(node) !== undefined);
    expect(conditionOf(node)).toMatchObject({ status: 'True', reason: 'ImagesWouldPull' });
    const events = node.kube.written.filter(({ call }) => call.resource === 'events').map(({ body }) => body);
    expect(events).toHaveLength(node.pods.filter(({ verdict }) => verdict === 'fails').length);
    expect(events.map((event) => text(event, 'note'))).toContainEqual(
      expect.stringContaining('does not accept pull secret shop/auth-basic-wrong-0'),
    );
    expect(node.kube.written.filter(({ call }) => call.verb === 'patch')).toHaveLength(1);
  });

  test('a registry that is down makes it False, with the cause and the registry', async () => {
    await using node = await busyNode('nodeCondition: on');
    const { host } = node.cloud;
    await node.cloud.close();
    await using agent = await wholeAgent(node.config);
    await agent.until(() => conditionOf(node) !== undefined);
    expect(conditionOf(node)).toMatchObject({
      status: 'False',
      reason: 'ImagesWouldNotPull',
      message: `2 images cannot be pulled on this node: tcp.refused at ${host} (${host}/team/app:gone and 1 more)`,
    });
    expect(node.kube.written.filter(({ call }) => call.resource === 'events')).toEqual([]);
  });

  test('an agent without the right to write says so and goes on', async () => {
    await using node = await busyNode('nodeCondition: on\nnodeEvents: on');
    node.kube.grants = new Set([...everyGrant].filter((grant) => !/events|nodes\/status/.test(grant)));
    await using agent = await wholeAgent(node.config);
    await agent.until(() => agent.lines('an Event could not be written').length > 0);
    await rehearsed(agent);
    expect(await verdictsOf(agent)).toMatchObject(expectedOf(node));
  });
});

describe('pull secrets that may not be read', () => {
  const depending = ['ok-basic-secret', 'auth-basic-wrong', 'auth-two-secrets-second-right', 'auth-secret-missing'];

  test.each(['auto', 'on', 'off'] as const)(
    'leave the verdict unknown where they matter (pullSecrets: %s)',
    async (setting) => {
      await using node = await busyNode(`pullSecrets: ${setting}\nnodeCondition: on`);
      node.kube.grants = new Set([...everyGrant].filter((grant) => grant !== 'get core/secrets'));
      await using agent = await wholeAgent(node.config);
      await rehearsed(agent);
      const verdicts = await verdictsOf(agent);
      for (const name of depending) expect(verdicts[name]).toBe('unknown agent.not_allowed');
      expect(verdicts).toMatchObject({
        'auth-service-account-secret': 'pulls',
        'name-uppercase': 'fails image.malformed',
      });
      await agent.until(() => conditionOf(node) !== undefined);
      expect(conditionOf(node)).toMatchObject({ status: 'True' });
      const asked = node.kube.calls.filter(({ resource }) => resource === 'secrets');
      expect(asked.length > 0).toBe(setting !== 'off');
      expect(agent.lines('a pull secret may not be read: verdicts that depend on it are unknown')).toHaveLength(
        setting === 'off' ? 0 : 1,
      );
    },
  );
});

describe('Pods that come and go', () => {
  test('an image of a new Pod is rehearsed at once, one that nobody wants any more is forgotten', async () => {
    await using node = await busyNode();
    await using agent = await wholeAgent(node.config);
    await rehearsed(agent);
    const [pod] = [...node.kube.pods.values()].filter((one) => text(one, 'metadata', 'name') === 'reg-tag-missing-old');
    const moved = JSON.stringify(pod).replaceAll('team/app:gone', 'team/api:v1').replaceAll('-old"', '-new"');
    node.kube.emitPod('ADDED', JSON.parse(moved) as Json);
    node.kube.emitPod('DELETED', pod ?? {});
    const images = async (): Promise<readonly string[]> => (await agent.reports()).map(({ image }) => image);
    await agent.until(async () => (await images()).includes(`${node.cloud.host}/team/api:v1`));
    expect(await images()).not.toContain(`${node.cloud.host}/team/app:gone`);
    expect(await agent.reports()).toHaveLength(everyImage);
  });

  test('canaries and listed images are rehearsed beside them', async () => {
    await using node = await busyNode();
    const canary = `${node.cloud.host}/team/api:v1`;
    await appendFile(node.config, `canaries: [${canary}]\n`);
    await using agent = await wholeAgent(node.config);
    await agent.until(async () => (await agent.reports()).length === everyImage + 1);
    expect((await agent.reports()).find(({ image }) => image === canary)).toMatchObject({
      requestedBy: [],
      verdict: { is: 'pulls' },
    });
  });
});

test('a canary in each secret is in no output: log, page, reports, metrics, Events, condition, registries of others, crash', async () => {
  await using node = await busyNode('nodeCondition: on\nnodeEvents: on');
  await using agent = await wholeAgent(node.config);
  await agent.until(() => conditionOf(node) !== undefined);
  node.rollOut();
  await agent.until(() => agent.lines('prediction scored').length >= node.pods.length);
  const pages = await Promise.all(['/', '/reports', '/node', '/metrics', '/livez'].map((path) => agent.get(path)));
  const connected = connectByFile(`${node.root.path}/drypull/kubeconfig`);
  if (!connected.ok) throw new Error(connected.fault.code);
  const reader = pullSecrets(connected.value, {
    now: () => new Date(),
    delay: () => Promise.resolve(),
    random: () => 0,
  });
  const written = `${node.hub.host}/team/app:v1`;
  const state = { is: 'unseen', why: 'not_given' } as const;
  const demand = await reader.withSecrets({
    image: parseImage(written),
    written,
    policy: 'Always',
    requestedBy: [],
    secrets: [{ namespace: 'shop', name: 'ok-basic-secret-0', state }],
    present: 'no',
  });
  await connected.value.close();
  expect(demand.secrets[0]?.state.is).toBe('given');
  // What a stack trace or a dump would show of it.
  const crash = inspect({ demand, cause: new Error('crash', { cause: demand }) }, { depth: null, showHidden: true });
  const everything = [...agent.logged, ...pages, JSON.stringify(node.kube.written), crash, JSON.stringify(demand)].join(
    '\n',
  );
  for (const form of Object.values(secrets).flatMap(formsOf)) expect(everything.split(form)).toHaveLength(1);
  for (const form of formsOf(secrets.plugin)) expect(JSON.stringify(node.hub.requests)).not.toContain(form);
  for (const form of [...formsOf(secrets.right), ...formsOf(secrets.old)])
    expect(JSON.stringify(node.cloud.requests)).not.toContain(form);
  expect(everything).toContain('ok-basic-secret-0');
});
