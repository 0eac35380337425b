import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { imagesOf, secretNamesOf } from '#kubernetes/pod-images.ts';
import { readPod } from '#kubernetes/pods.ts';

const requester = { kind: 'Pod', namespace: 'shop', name: 'web' };

describe('the images of a Pod', () => {
  test('are those of init, ordinary and ephemeral containers and of image volumes', () => {
    const spec = {
      initContainers: [{ name: 'migrate', image: 'a:1' }],
      containers: [{ name: 'web', image: 'b:1' }],
      ephemeralContainers: [{ name: 'debug', image: 'c:1' }],
      volumes: [
        { name: 'models', image: { reference: 'd:1', pullPolicy: 'Never' } },
        { name: 'tmp', emptyDir: {} },
      ],
    };
    expect(
      imagesOf(spec, requester).map(({ written, policy, requester: { part } }) => [written, policy, part]),
    ).toEqual([
      ['a:1', 'IfNotPresent', 'init container migrate'],
      ['b:1', 'IfNotPresent', 'container web'],
      ['c:1', 'IfNotPresent', 'ephemeral container debug'],
      ['d:1', 'Never', 'image volume models'],
    ]);
  });

  const policies: readonly (readonly [string, string | undefined, string])[] = [
    ['nginx', undefined, 'Always'],
    ['nginx:latest', undefined, 'Always'],
    ['nginx:1.29', undefined, 'IfNotPresent'],
    ['reg:5000/nginx', undefined, 'Always'],
    ['reg:5000/nginx:1', undefined, 'IfNotPresent'],
    [`nginx@sha256:${'a'.repeat(64)}`, undefined, 'IfNotPresent'],
    [`nginx:latest@sha256:${'a'.repeat(64)}`, undefined, 'Always'],
    [`nginx:1@sha256:${'a'.repeat(64)}`, undefined, 'IfNotPresent'],
    ['Not An Image', undefined, 'IfNotPresent'],
    ['reg.io/Team/app', undefined, 'IfNotPresent'],
    ['nginx:latest', 'Never', 'Never'],
    ['nginx:1', 'Always', 'Always'],
    ['nginx:1', 'Sometimes', 'IfNotPresent'],
  ];
  test.each(policies)('%s with policy %s is pulled %s', (image, imagePullPolicy, policy) => {
    expect(imagesOf({ containers: [{ name: 'c', image, imagePullPolicy }] }, requester)).toMatchObject([{ policy }]);
  });

  const ugly: readonly unknown[] = [
    undefined,
    null,
    'containers',
    [],
    { containers: null },
    { containers: 'many' },
    { containers: [null, 7, [], {}, { image: 7 }, { image: '' }] },
    { volumes: [{ image: null }, { image: {} }, { image: { reference: [] } }] },
  ];
  test.each(ugly)('none in %j', (spec) => {
    expect(imagesOf(spec, requester)).toEqual([]);
    expect(secretNamesOf(spec)).toEqual([]);
  });

  test('secrets keep their order, and empty names are skipped', () => {
    const imagePullSecrets = [{ name: 'b' }, {}, { name: '' }, null, { name: 'a' }];
    expect(secretNamesOf({ imagePullSecrets })).toEqual(['b', 'a']);
  });
});

describe('a Pod', () => {
  const metadata = { uid: 'u', namespace: 'n', name: 'p' };
  const isOver: readonly (readonly [string, object, boolean])[] = [
    ['that runs', { status: { phase: 'Running' } }, false],
    ['that waits', { status: { phase: 'Pending' } }, false],
    ['whose node was lost', { status: { phase: 'Unknown' } }, false],
    ['that succeeded', { status: { phase: 'Succeeded' } }, true],
    ['that failed', { status: { phase: 'Failed' } }, true],
    ['that was told to end', { metadata: { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }, true],
  ];
  test.each(isOver)('%s', (_, fields, over) => {
    expect(readPod({ metadata, ...fields })?.isOver).toBe(over);
  });

  test('from a file on the node is known by its mirror annotation', () => {
    const annotations = { 'kubernetes.io/config.mirror': '1f0c' };
    expect(readPod({ metadata: { ...metadata, annotations } })?.isStatic).toBe(true);
    expect(readPod({ metadata })?.isStatic).toBe(false);
  });

  test('is read from any JSON without a throw, and its texts are bounded', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (spec, status) => {
        const pod = readPod({ metadata, spec, status });
        expect(pod?.uid).toBe('u');
      }),
    );
    const waiting = { reason: 'ErrImagePull', message: 'x'.repeat(100_000) };
    const pod = readPod({ metadata, status: { containerStatuses: [{ name: 'c', state: { waiting } }] } });
    expect(pod?.containers[0]?.message.length).toBe(4096);
  });

  test('named like a property of Object is a Pod like any other', () => {
    const parsed: unknown = JSON.parse('{"metadata":{"uid":"__proto__","namespace":"constructor","name":"toString"}}');
    expect(readPod(parsed)).toMatchObject({ uid: '__proto__', namespace: 'constructor' });
    expect(readPod({})).toBeUndefined();
  });
});
