import { describe, expect, test } from 'vitest';
import { demandsOf, joinDemands, sandboxDemand } from '#kubernetes/pod-demands.ts';
import { type NodeImages, readNodeFacts } from '#kubernetes/node-facts.ts';
import { type PodSeen, readPod } from '#kubernetes/pods.ts';
import { recordedJson } from '../kit/fake-kube-json.ts';
import { readImage } from '../kit/read-image.ts';

interface Sketch {
  readonly name?: string;
  readonly namespace?: string;
  readonly image?: string;
  readonly policy?: string;
  readonly secrets?: readonly string[];
  readonly status?: object;
  readonly spec?: object;
}

function pod({ name = 'p', namespace = 'shop', image = 'app:1', policy, secrets = [], status, spec }: Sketch): PodSeen {
  const container = { name: 'c', image, imagePullPolicy: policy };
  const read = readPod({
    metadata: { uid: `${namespace}/${name}`, namespace, name },
    spec: { containers: [container], imagePullSecrets: secrets.map((secret) => ({ name: secret })), ...spec },
    status,
  });
  if (read === undefined) throw new Error('no Pod');
  return read;
}

const nothing: NodeImages = { names: new Set(), isComplete: true };

describe('demands of many Pods', () => {
  test('the same image is demanded once, by all who want it', () => {
    const demands = demandsOf([pod({ name: 'a' }), pod({ name: 'b', namespace: 'other' })], nothing, readImage);
    expect(demands).toHaveLength(1);
    expect(demands[0]?.requestedBy.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(['shop/a', 'other/b']);
  });

  const different: readonly (readonly [string, Sketch, Sketch])[] = [
    ['other secrets', { secrets: ['a'] }, { secrets: ['b'] }],
    ['the same secrets in another order', { secrets: ['a', 'b'] }, { secrets: ['b', 'a'] }],
    ['secrets of the same name in another namespace', { secrets: ['a'] }, { secrets: ['a'], namespace: 'other' }],
    ['no secret', { secrets: ['a'] }, {}],
    ['another policy', { policy: 'Always' }, { policy: 'Never' }],
    ['another tag', { image: 'app:1' }, { image: 'app:2' }],
  ];
  test.each(different)('%s is another demand', (_, one, other) => {
    expect(demandsOf([pod(one), pod({ name: 'q', ...other })], nothing, readImage)).toHaveLength(2);
  });

  test('of Pods for some processors is for those of all of them, and for any where one could land anywhere', () => {
    const on = (...values: readonly string[]) => ({ key: 'kubernetes.io/arch', operator: 'In', values });
    const required = (values: readonly string[]) => ({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [on(...values)] }] },
      },
    });
    const one = pod({ name: 'a', spec: { nodeSelector: { 'kubernetes.io/arch': 'amd64' } } });
    const other = pod({ name: 'b', spec: { affinity: required(['s390x', 'arm64']) } });
    const anywhere = pod({ name: 'c' });
    expect(demandsOf([one, other], nothing, readImage)).toMatchObject([{ architectures: ['amd64', 'arm64', 's390x'] }]);
    for (const pods of [[one, anywhere], [anywhere, one], [anywhere]])
      expect(demandsOf(pods, nothing, readImage)[0]).not.toHaveProperty('architectures');
    const sources = [one, other, anywhere].map((each) => demandsOf([each], nothing, readImage));
    expect(joinDemands(...sources.slice(0, 2))).toMatchObject([{ architectures: ['amd64', 'arm64', 's390x'] }]);
    expect(joinDemands(...sources)[0]).not.toHaveProperty('architectures');
  });

  test('Pods that are over demand nothing', () => {
    expect(demandsOf([pod({ status: { phase: 'Succeeded' } })], nothing, readImage)).toEqual([]);
  });

  test('secrets are named and unread, in the order of the Pod', () => {
    const [demand] = demandsOf([pod({ secrets: ['b', 'a'] })], nothing, readImage);
    const state = { is: 'unseen', why: 'not_given' };
    expect(demand?.secrets).toEqual([
      { namespace: 'shop', name: 'b', state },
      { namespace: 'shop', name: 'a', state },
    ]);
  });
});

describe('an image on the node', () => {
  const images = readNodeFacts(recordedJson('node.json'))?.images;
  const digest = 'sha256:e333638531584ea4f8c801c479e83f4cd9bf702f623930c897e8b39da039e7cf';
  const cases: readonly (readonly [string, string])[] = [
    ['ok-bearer-secret.lab.test/team/app:v1', 'yes'],
    [`ok-bearer-secret.lab.test/team/app@${digest}`, 'yes'],
    [`ok-bearer-secret.lab.test/team/app:v9@${digest}`, 'yes'],
    ['ok-bearer-secret.lab.test/team/app:v2', 'no'],
    [`other.lab.test/team/app@${digest}`, 'no'],
    ['Not An Image', 'unknown'],
  ];
  test.each(cases)('%s: %s', (image, present) => {
    expect(demandsOf([pod({ image })], images, readImage)).toMatchObject([{ present }]);
  });

  test('that runs is there, whatever the list has room for', () => {
    const running = { containerStatuses: [{ name: 'c', state: { running: {} }, imageID: 'sha256:1' }] };
    expect(demandsOf([pod({ status: running })], nothing, readImage)).toMatchObject([{ present: 'yes' }]);
  });

  test('what its running containers have is told by manifest digest, each once', () => {
    const status = (state: string, imageID: string) => ({
      containerStatuses: [{ name: 'c', state: { [state]: {} }, imageID }],
    });
    const other = digest.replace('e3', 'f4');
    const pods = [
      pod({ status: status('running', `app.test/app@${digest}`) }),
      pod({ status: status('running', `app.test/app@${digest}`) }),
      pod({ status: status('running', `app.test/app@${other}`) }),
      pod({ status: status('terminated', `app.test/app@${digest.replace('e3', 'aa')}`) }),
      // An image without a name has the configuration's digest, which no tag leads to.
      pod({ status: status('running', digest) }),
      pod({ status: status('running', 'app@sha256:1') }),
    ];
    expect(demandsOf(pods, nothing, readImage)).toMatchObject([{ running: [digest, other] }]);
    expect(demandsOf([pod({ status: status('waiting', '') })], nothing, readImage)[0]).not.toHaveProperty('running');
  });

  const listings: readonly (readonly [string, unknown, boolean])[] = [
    ['a short list is complete', [{ names: ['a:1'] }], true],
    ['no list says nothing', null, false],
    [
      'the kubelet lists fifty and no more',
      Array.from({ length: 50 }, (_, index) => ({ names: [`a:${index}`] })),
      false,
    ],
    ['and five names of each', [{ names: ['a:1', 'a:2', 'a:3', 'a:4', 'a:5'] }], false],
  ];
  test.each(listings)('%s', (_, list, isComplete) => {
    const facts = readNodeFacts({ metadata: { name: 'node1' }, status: { images: list } });
    expect(facts?.images.isComplete).toBe(isComplete);
    const present = isComplete ? 'no' : 'unknown';
    expect(demandsOf([pod({ image: 'absent:1' })], facts?.images, readImage)).toMatchObject([{ present }]);
  });

  test('cannot be told without the Node', () => {
    expect(demandsOf([pod({})], undefined, readImage)).toMatchObject([{ present: 'unknown' }]);
  });
});

test('the sandbox image is wanted by the runtime, without any secret', () => {
  expect(sandboxDemand('registry.k8s.io/pause:3.10', nothing, readImage)).toMatchObject({
    written: 'registry.k8s.io/pause:3.10',
    policy: 'IfNotPresent',
    secrets: [],
    present: 'no',
    requestedBy: [{ kind: 'Runtime', part: 'sandbox image' }],
  });
  expect(sandboxDemand('', nothing, readImage)).toBeUndefined();
});

test("the configuration's wishes join the Pods', each image once", () => {
  const asked = { ...pod({}), name: 'x' };
  const ofPods = demandsOf([asked], nothing, readImage);
  const request = { kind: 'Configuration', namespace: '', name: '', part: '' };
  const configured = ['app:1', 'canary:1'].map((written) => ({
    image: readImage(written),
    written,
    policy: 'IfNotPresent' as const,
    requestedBy: [request],
    secrets: [],
    present: 'unknown' as const,
  }));
  const joined = joinDemands(ofPods, configured);
  expect(joined.map(({ written, requestedBy, present }) => [written, requestedBy.length, present])).toEqual([
    ['app:1', 2, 'no'],
    ['canary:1', 1, 'unknown'],
  ]);
});
