/** What was foretold, beside what Kubernetes' own kubelet and containerd then say in the Pod's status. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PullReport } from '#report/report.ts';
import { readConfigz } from '#kubernetes/api/configz.ts';
import { connectByFile } from '#kubernetes/api/connect.ts';
import { object, text, type Json } from '../kit/fake-kube-json.ts';
import { FakeRegistry, image } from '../kit/fake-registry.ts';
import { needs } from '../kit/installed.ts';
import { hasKubeApiserver } from '../kit/kube-apiserver.ts';
import { kubeScene, type AttemptContext, scenePods, verdictsIn } from '../kit/kube-scene.ts';
import { hasKubelet, kubelet, pauseProgram, type Kubelet } from '../kit/kubelet.ts';
import { listOf } from '../kit/rendered.ts';
import type { WholeAgent } from '../kit/whole-agent.ts';

const soon = { timeout: 60_000, interval: 200 };
const isHere = hasKubeApiserver() && hasKubelet() && needs(['root', 'kubectl', 'unshare', 'runc']);

describe.runIf(isHere)('a real kubelet', { timeout: 180_000 }, () => {
  const pause = image({ program: pauseProgram() });
  let open: FakeRegistry;
  let at: AttemptContext;
  let node: Kubelet;
  let agent: WholeAgent;

  beforeAll(async () => {
    open = await FakeRegistry.open({ images: { 'pause:3': pause } });
    const sandbox = `${open.host}/pause:3`;
    at = await kubeScene({ components: ['pull-secrets'], app: pause, sandbox, pod: { hostNetwork: true } });
    node = await kubelet(at.server, at.root.path);
    agent = await at.agent();
  }, 180_000);

  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
    await at[Symbol.asyncDispose]();
    await open.close();
  });

  async function statusOf(pod: string): Promise<Json> {
    const { status } = await at.server.admin('GET', `/api/v1/namespaces/shop/pods/${pod}`);
    return listOf(object(status)['containerStatuses'])[0] ?? {};
  }

  const reportOf = async (pod: string): Promise<PullReport | undefined> =>
    (await agent.reports()).find(({ requestedBy }) => requestedBy.some(({ name }) => name === pod));

  test('gets of each Pod what was foretold, and each prediction is scored', async () => {
    const verdicts = Object.fromEntries(scenePods.map(({ name, verdict }): [string, string] => [name, verdict]));
    await expect.poll(async () => verdictsIn(await agent.reports()), soon).toEqual(verdicts);
    await at.roll('1');
    const scores = (): Readonly<Record<string, string>> =>
      Object.fromEntries(
        agent.lines('prediction scored').map((line): [string, string] => [text(line, 'pod'), text(line, 'score')]),
      );
    await expect.poll(scores, soon).toMatchObject({
      'fine-1': 'correct_rejection',
      'gone-1': 'hit',
      'locked-1': 'hit',
      'lost-1': 'hit',
    });
    expect(Object.values(scores())).not.toContain('miss');
    expect(Object.values(scores())).not.toContain('false_alarm');
  });

  test.each(['gone', 'locked', 'lost'])('says of %s, word for word, what was foretold', async (name) => {
    const predicted = (await reportOf(`${name}-0`))?.kubelet?.waitingMessage ?? 'nothing was foretold';
    const message = async (): Promise<string> => text(await statusOf(`${name}-1`), 'state', 'waiting', 'message');
    await expect.poll(message, soon).toContain(predicted);
  });

  test('shows its configuration to the rights of the base, and to no others', async () => {
    const asked = async (namespace: string, account: string): Promise<unknown> => {
      const connected = connectByFile(await at.server.kubeconfig(await at.server.tokenOf(namespace, account)));
      if (!connected.ok) throw new Error(connected.fault.code);
      const read = await readConfigz(connected.value, node.url);
      await connected.value.close();
      return read.ok ? text(JSON.parse(read.value), 'imagePullCredentialsVerificationPolicy') : read.fault;
    };
    expect(await asked('drypull', 'drypull')).toBe('NeverVerifyPreloadedImages');
    expect(await asked('shop', 'default')).toMatchObject({ code: 'agent.not_allowed' });
  });
});
