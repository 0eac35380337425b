import { describe, expect, test } from 'vitest';
import { readerAccess } from '#kubernetes/reader-access.ts';
import { grantText } from '../kit/fake-kube-call.ts';
import { type KubeWorld, kubeWorld } from '../kit/kube-world.ts';

async function world(): Promise<KubeWorld> {
  const made = await kubeWorld();
  made.kube.people.set('prometheus-token', {
    user: 'system:serviceaccount:monitoring:prometheus',
    may: ['get /metrics'],
  });
  return made;
}

const questions = ({ kube }: KubeWorld): readonly string[] => kube.calls.map(grantText);
const both = ['create authentication.k8s.io/tokenreviews', 'create authorization.k8s.io/subjectaccessreviews'];

describe('a visitor of the open listener', () => {
  test('who may get the path is let in, and is whom the cluster says', async () => {
    await using made = await world();
    const owner = readerAccess(made.cluster, made.time);
    const admission = await owner.admit('Bearer prometheus-token', '/metrics');
    expect(admission).toEqual({ is: 'admitted', user: 'system:serviceaccount:monitoring:prometheus' });
    expect(questions(made)).toEqual(both);
    expect(made.kube.written[1]?.body).toMatchObject({
      spec: {
        user: 'system:serviceaccount:monitoring:prometheus',
        groups: ['system:authenticated'],
        extra: { scopes: ['a'] },
        nonResourceAttributes: { path: '/metrics', verb: 'get' },
      },
    });
  });

  test('who may get another path is forbidden this one', async () => {
    await using made = await world();
    const owner = readerAccess(made.cluster, made.time);
    expect(await owner.admit('Bearer prometheus-token', '/reports')).toMatchObject({ is: 'forbidden' });
  });

  test('whose token nobody knows stays outside', async () => {
    await using made = await world();
    const owner = readerAccess(made.cluster, made.time);
    expect(await owner.admit('Bearer stolen', '/metrics')).toEqual({ is: 'unauthenticated' });
    expect(questions(made)).toEqual(both.slice(0, 1));
  });

  const headers: readonly (string | undefined)[] = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Basic dXNlcjpwYXNz',
    'Bearer two tokens',
    'Bearer new\nline',
    `Bearer ${'x'.repeat(20_000)}`,
  ];
  test.each(headers)('who shows %j is not even asked about', async (header) => {
    await using made = await world();
    const owner = readerAccess(made.cluster, made.time);
    expect(await owner.admit(header, '/metrics')).toEqual({ is: 'unauthenticated' });
    expect(made.kube.calls).toEqual([]);
  });
});

describe('answers', () => {
  test('are kept a minute, refusals ten seconds or thirty', async () => {
    await using made = await world();
    const owner = readerAccess(made.cluster, made.time);
    const ask = async (token: string, path: string): Promise<number> => {
      const before = made.kube.calls.length;
      await owner.admit(`Bearer ${token}`, path);
      return made.kube.calls.length - before;
    };
    expect([await ask('prometheus-token', '/metrics'), await ask('stolen', '/metrics')]).toEqual([2, 1]);
    expect(await ask('prometheus-token', '/reports')).toBe(2);
    expect([await ask('prometheus-token', '/metrics'), await ask('stolen', '/metrics')]).toEqual([0, 0]);
    made.time.advance(11_000);
    expect([await ask('prometheus-token', '/reports'), await ask('stolen', '/metrics')]).toEqual([0, 1]);
    made.time.advance(20_000);
    expect([await ask('prometheus-token', '/reports'), await ask('prometheus-token', '/metrics')]).toEqual([2, 0]);
    made.time.advance(30_000);
    expect(await ask('prometheus-token', '/metrics')).toBe(2);
  });

  test('serve all who ask at the same time', async () => {
    await using made = await world();
    const owner = readerAccess(made.cluster, made.time);
    await Promise.all(Array.from({ length: 30 }, () => owner.admit('Bearer prometheus-token', '/metrics')));
    expect(made.kube.calls).toHaveLength(2);
  });

  test('a flood of strangers asks the API server twenty questions, and then one a second', async () => {
    await using made = await world();
    const owner = readerAccess(made.cluster, made.time);
    const flood = async (from: number): Promise<void> => {
      await Promise.all(Array.from({ length: 1000 }, (_, index) => owner.admit(`Bearer t${from + index}`, '/metrics')));
    };
    await flood(0);
    expect(made.kube.calls).toHaveLength(20);
    expect(await owner.admit('Bearer new', '/metrics')).toMatchObject({ is: 'unavailable' });
    made.time.advance(2000);
    await flood(1000);
    expect(made.kube.calls).toHaveLength(22);
  });
});

describe('an API server that cannot be asked', () => {
  test('lets nobody in', async () => {
    await using made = await world();
    const owner = readerAccess(made.cluster, made.time);
    await made.kube.away();
    expect(await owner.admit('Bearer prometheus-token', '/metrics')).toMatchObject({ is: 'unavailable' });
    await made.kube.listen();
    made.time.advance(1000);
    expect(await owner.admit('Bearer prometheus-token', '/metrics')).toMatchObject({ is: 'admitted' });
  });

  test('because we have no right to: the fault says so', async () => {
    await using made = await world();
    made.kube.grants = new Set(both.slice(0, 1));
    const admission = await readerAccess(made.cluster, made.time).admit('Bearer prometheus-token', '/metrics');
    expect(admission).toMatchObject({ is: 'unavailable', fault: { code: 'agent.not_allowed' } });
  });

  test('or that says what is no review', async () => {
    await using made = await world();
    made.kube.script(() => true, { is: 'raw', status: 201, body: '{"status":{"authenticated":"true"}}' });
    expect(await readerAccess(made.cluster, made.time).admit('Bearer x', '/metrics')).toEqual({
      is: 'unauthenticated',
    });
  });
});
