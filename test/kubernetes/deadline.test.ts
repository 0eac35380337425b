import { describe, expect, test } from 'vitest';
import { deadlineOf, sooner } from '#kubernetes/deadline.ts';
import { readManifests } from '#kubernetes/manifests/read-manifests.ts';

test.each<[string, unknown, unknown, number | undefined]>([
  ['Pod', {}, { activeDeadlineSeconds: 30 }, 30],
  ['Deployment', { spec: {} }, {}, 600],
  ['Deployment', { spec: { progressDeadlineSeconds: 90 } }, { activeDeadlineSeconds: 120 }, 90],
  ['Job', { spec: { activeDeadlineSeconds: 3600 } }, { activeDeadlineSeconds: 60 }, 60],
  ['Job', { spec: {} }, {}, undefined],
  ['CronJob', { spec: { jobTemplate: { spec: { activeDeadlineSeconds: 300 } } } }, {}, 300],
  ['StatefulSet', { spec: { progressDeadlineSeconds: 5 } }, {}, undefined],
  ['Pod', undefined, { activeDeadlineSeconds: '30' }, undefined],
  ['Pod', undefined, { activeDeadlineSeconds: -1 }, undefined],
  ['Pod', undefined, null, undefined],
])('a %s %j with a Pod %j has %s', (kind, object, podSpec, expected) => {
  expect(deadlineOf(kind, object, podSpec)).toBe(expected);
});

describe('of two', () => {
  test.each([
    [1, 2, 1],
    [undefined, 2, 2],
    [1, undefined, 1],
    [undefined, undefined, undefined],
  ])('%s and %s the sooner counts', (one, other, expected) => {
    expect(sooner(one, other)).toBe(expected);
  });
});

test('an image of several workloads has the soonest of their deadlines', () => {
  const workload = (kind: string, spec: object): string =>
    JSON.stringify({ apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1', kind, metadata: { name: 'a' }, spec });
  const template = { spec: { containers: [{ name: 'a', image: 'reg.test/a:1' }] } };
  const text = [workload('Deployment', { template }), workload('Job', { template, activeDeadlineSeconds: 45 })].join(
    '\n---\n',
  );
  expect(readManifests(text, { namespace: 'shop' }).demands.map(({ deadlineS }) => deadlineS)).toEqual([45]);
});
