import { describe, expect, test } from 'vitest';
import { readWorkload } from '#catalog/workload.ts';
import { type WorkloadKind, kindOf, ownKinds, pathOf } from '#catalog/workload-kinds.ts';
import type { Json } from '../kit/fake-kube-json.ts';
import { cronJob, ownedBy, podTemplate, templated } from '../kit/workloads.ts';

const kind = (plural: string): WorkloadKind => {
  const found = ownKinds.find((one) => one.plural === plural);
  if (found === undefined) throw new Error(plural);
  return found;
};
const rollouts: WorkloadKind = { group: 'argoproj.io', version: 'v1alpha1', plural: 'rollouts', template: ['spec'] };
const read = (object: Json, of: WorkloadKind) =>
  readWorkload({ ...object, metadata: { uid: 'u1', ...(object['metadata'] as Json) } }, of);
const job = (over: object = {}): Json => templated({ name: 'load', ...over });

describe('a workload', () => {
  test.each([
    ['deployments', 'Deployment', templated({ name: 'web' })],
    ['statefulsets', 'StatefulSet', templated({ name: 'web' })],
    ['daemonsets', 'DaemonSet', templated({ name: 'web' })],
    ['replicasets', 'ReplicaSet', templated({ name: 'web' })],
    ['jobs', 'Job', templated({ name: 'web' })],
    ['cronjobs', 'CronJob', cronJob({ name: 'web' })],
  ])('of %s is read', (plural, own, object) => {
    expect(read(object, kind(plural))).toMatchObject({
      kind: own,
      namespace: 'shop',
      name: 'web',
      pods: [
        {
          uses: [{ written: 'reg.test/app:1', policy: 'IfNotPresent', part: 'container web' }],
          terms: '{"namespace":"shop","pullSecrets":[],"serviceAccount":"default"}',
        },
      ],
    });
  });

  test('counts where it is scaled to zero or suspended: it may be started any moment', () => {
    expect(read(templated({ name: 'web', spec: { replicas: 0 } }), kind('deployments'))).toBeDefined();
    expect(read(cronJob({ name: 'web', spec: { suspend: true } }), kind('cronjobs'))).toBeDefined();
    expect(read(job({ spec: { suspend: true } }), kind('jobs'))).toBeDefined();
  });

  test.each<readonly [string, string, Json]>([
    ['a ReplicaSet of a Deployment', 'replicasets', templated({ name: 'w', metadata: ownedBy('Deployment') })],
    ['a ReplicaSet of anybody else', 'replicasets', templated({ name: 'w', metadata: ownedBy('Rollout') })],
    ['a Job of a CronJob', 'jobs', job({ metadata: ownedBy('CronJob') })],
    ['a Job that is done', 'jobs', job({ status: { conditions: [{ type: 'Complete', status: 'True' }] } })],
    ['a Job that has failed', 'jobs', job({ status: { conditions: [{ type: 'Failed', status: 'True' }] } })],
    [
      'what is being deleted',
      'deployments',
      templated({ name: 'w', metadata: { deletionTimestamp: '2026-11-21T00:00:00Z' } }),
    ],
    ['what has no containers', 'deployments', templated({ name: 'w', spec: { template: {} } })],
    ['what has no name', 'deployments', templated({ name: '' })],
  ])('does not count: %s', (_, plural, object) => {
    expect(read(object, kind(plural))).toBeUndefined();
  });

  test.each<readonly [string, Json]>([
    ['a Job of somebody else than a CronJob', job({ metadata: ownedBy('Workflow') })],
    ['a Job that still runs', job({ status: { conditions: [{ type: 'Suspended', status: 'True' }] } })],
    ['a Job whose end is not true', job({ status: { conditions: [{ type: 'Complete', status: 'False' }] } })],
  ])('counts: %s', (_, object) => {
    expect(read(object, kind('jobs'))).toBeDefined();
  });

  test('names all its images, its secrets and its account', () => {
    const pod = {
      initContainers: [{ name: 'migrate', image: 'reg.test/migrate' }],
      volumes: [{ name: 'models', image: { reference: 'reg.test/models:1', pullPolicy: 'Always' } }],
      imagePullSecrets: [{ name: 'b' }, { name: '' }, { name: 'a' }],
      serviceAccountName: 'builder',
    };
    const [found] = read(templated({ name: 'web', pod }), kind('deployments'))?.pods ?? [];
    expect(found?.terms).toBe('{"namespace":"shop","pullSecrets":["b","a"],"serviceAccount":"builder"}');
    expect(found?.uses).toEqual([
      { written: 'reg.test/migrate', policy: 'Always', part: 'init container migrate' },
      { written: 'reg.test/app:1', policy: 'IfNotPresent', part: 'container web' },
      { written: 'reg.test/models:1', policy: 'Always', part: 'image volume models' },
    ]);
  });
});

describe('where its Pods may land', () => {
  const placed = (pod: Json, of = kind('deployments')): unknown =>
    JSON.parse(read(templated({ name: 'w', pod }), of)?.pods[0]?.placed ?? '');

  test('only what decides on it is kept', () => {
    expect(
      placed({
        nodeSelector: { pool: 'gpu', 'kubernetes.io/os': 'linux' },
        tolerations: [{ key: 'gpu', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 }],
        affinity: {
          podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [] },
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [],
            requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] },
          },
        },
        priorityClassName: 'high',
      }),
    ).toEqual({
      spec: {
        nodeSelector: { 'kubernetes.io/os': 'linux', pool: 'gpu' },
        tolerations: [{ key: 'gpu', operator: 'Exists', effect: 'NoExecute' }],
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
      },
      isDaemon: false,
    });
  });

  test('labels in another order are the same place', () => {
    expect(
      read(templated({ name: 'w', pod: { nodeSelector: { a: '1', b: '2' } } }), kind('jobs'))?.pods[0]?.placed,
    ).toBe(read(templated({ name: 'w', pod: { nodeSelector: { b: '2', a: '1' } } }), kind('jobs'))?.pods[0]?.placed);
  });

  test('a DaemonSet is marked, for its controller gives its Pods tolerations', () => {
    expect(placed({}, kind('daemonsets'))).toEqual({ spec: {}, isDaemon: true });
  });
});

describe('a kind of the configuration', () => {
  test('is listed by its group, and called what the object calls itself', () => {
    expect(pathOf(rollouts)).toBe('/apis/argoproj.io/v1alpha1/rollouts');
    expect(pathOf({ ...rollouts, group: '' })).toBe('/api/v1alpha1/rollouts');
    const rollout = { ...templated({ name: 'web' }), kind: 'Rollout' };
    expect(read(rollout, rollouts)).toMatchObject({
      kind: 'Rollout',
      pods: [{ placed: '{"spec":{},"isDaemon":false}' }],
    });
    expect(kindOf({}, rollouts)).toBe('rollouts');
  });

  test('may hold several templates below its path', () => {
    const jobs = [{ template: { spec: { template: podTemplate({ image: 'reg.test/a:1' }) } } }];
    const workers = [...jobs, { template: { spec: { template: podTemplate({ image: 'reg.test/b:1' }) } } }];
    const set = templated({ name: 'train', spec: { replicatedJobs: workers, template: null } });
    const found = read(set, { ...rollouts, template: ['spec', 'replicatedJobs'] });
    expect(found?.pods.flatMap(({ uses }) => uses.map(({ written }) => written))).toEqual([
      'reg.test/a:1',
      'reg.test/b:1',
    ]);
    expect(read(set, { ...rollouts, template: ['spec', 'nothing'] })).toBeUndefined();
  });

  test.each([null, [], 'text', 7, { metadata: null, spec: [[[]]] }])('whatever it is, %j, nothing throws', (object) => {
    expect(readWorkload(object, rollouts)).toBeUndefined();
  });
});
