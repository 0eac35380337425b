import { describe, expect, test } from 'vitest';
import { demandId } from '#report/ledger.ts';
import type { Demand } from '#node/view.ts';
import { askedDemands } from '#agent/demands.ts';
import { bareDemand } from '#config/image-demand.ts';

const kubelet = { kubeletVersion: 'v1.34.0' };
const unread = (name: string) => ({ namespace: 'shop', name, state: { is: 'unseen', why: 'not_given' } }) as const;
const wanted = (over: Partial<Demand> = {}): Demand => ({
  ...bareDemand('reg.test/app:1', []),
  requestedBy: [{ kind: 'Pod', namespace: 'shop', name: 'web', part: 'container c' }],
  ...over,
});
const asked = (pods: readonly Demand[], own: readonly Demand[] = []) =>
  askedDemands({ pods, own, sandboxImage: '', kubelet });

describe('the name of a demand', () => {
  const names: readonly (readonly [string, Partial<Demand>, string])[] = [
    ['asked for as most are, it is the image', {}, 'reg.test/app:1'],
    ['another policy is part of it', { policy: 'Always' }, 'reg.test/app:1 (Always)'],
    [
      'secrets are, in their order',
      { secrets: [unread('b'), unread('a')] },
      'reg.test/app:1 (IfNotPresent, shop/b, shop/a)',
    ],
  ];
  test.each(names)('%s', (_, over, name) => {
    expect(asked([wanted(over)]).map(demandId)).toEqual([name]);
  });

  test('no two demands share one, and nobody else changes it', () => {
    const paths = names.map(([, over]) => wanted(over));
    expect(new Set(asked(paths).map(demandId)).size).toBe(paths.length);
    expect(asked(paths).map(demandId)).toEqual(paths.flatMap((how) => asked([how]).map(demandId)));
  });
});

describe('what a start would ask the registry for', () => {
  test('is said of the Pods, not of what the operator listed', () => {
    const present = wanted({ present: 'yes' });
    expect(asked([present])).toMatchObject([{ asks: 'no' }]);
    const [both, ...others] = asked([present], [bareDemand('reg.test/app:1', [])]);
    expect(others).toEqual([]);
    expect(both).not.toHaveProperty('asks');
    expect(both?.requestedBy).toHaveLength(1);
  });

  test('is not said while the kubelet is not known', () => {
    const [demand] = askedDemands({ pods: [wanted({ present: 'yes' })], own: [], sandboxImage: '' });
    expect(demand).not.toHaveProperty('asks');
  });

  test("the runtime's sandbox image is on the node, and rests", () => {
    const demands = askedDemands({ pods: [], own: [], sandboxImage: 'registry.k8s.io/pause:3.10', kubelet });
    expect(demands).toMatchObject([{ present: 'yes', asks: 'no', requestedBy: [{ kind: 'Runtime' }] }]);
  });
});

describe('what is about to come', () => {
  const coming = (over: Partial<Demand> = {}): Demand =>
    wanted({
      requestedBy: [{ kind: 'Deployment', namespace: 'shop', name: 'web', part: 'container c', coming: true }],
      ...over,
    });
  const askedWith = (news: readonly Demand[], pods: readonly Demand[] = [], own: readonly Demand[] = []) =>
    askedDemands({ pods, own, coming: news, sandboxImage: '', kubelet });

  test('is asked for after what is here, with who wants it', () => {
    const here = wanted({ written: 'reg.test/here:1' });
    expect(askedWith([coming()], [here]).map(({ written, requestedBy }) => [written, requestedBy[0]?.coming])).toEqual([
      ['reg.test/here:1', undefined],
      ['reg.test/app:1', true],
    ]);
  });

  test('is here where a Pod or the operator asks for the same in the same way', () => {
    const [pod, ...others] = askedWith([coming()], [wanted()]);
    expect(others).toEqual([]);
    expect(pod?.requestedBy).toMatchObject([{ kind: 'Pod' }]);
    expect(askedWith([coming()], [], [bareDemand('reg.test/app:1', [])])).toMatchObject([{ requestedBy: [] }]);
  });

  test('stays another demand where it is pulled with other secrets', () => {
    const found = askedWith([coming({ secrets: [unread('a')] })], [wanted()]);
    expect(found.map(demandId)).toEqual(['reg.test/app:1', 'reg.test/app:1 (IfNotPresent, shop/a)']);
  });
});
