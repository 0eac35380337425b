import { describe, expect, test } from 'vitest';
import { placementOf } from '#kubelet/placement.ts';
import { allArchitectures, architecturesOf } from '#kubelet/placement-architectures.ts';

const affinity = (...terms: readonly object[]) => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } },
});
const term = (key: string, operator: string, ...values: readonly string[]) => ({
  matchExpressions: [{ key, operator, values }],
});
const arch = 'kubernetes.io/arch';

describe('the processors of the nodes that a Pod may land on', () => {
  test.each<[string, object, readonly string[] | undefined]>([
    ['nothing asked', {}, undefined],
    ['one by the selector', { nodeSelector: { [arch]: 'arm64' } }, ['arm64']],
    ["one by the label's older name", { nodeSelector: { 'beta.kubernetes.io/arch': 'amd64' } }, ['amd64']],
    ['a pool, which may be of any', { nodeSelector: { pool: 'gpu' } }, undefined],
    ['one of two', affinity(term(arch, 'In', 'amd64', 'arm64')), ['amd64', 'arm64']],
    [
      'all but most',
      affinity(term(arch, 'NotIn', '386', 'arm', 'loong64', 'ppc64le', 'riscv64', 's390x')),
      ['amd64', 'arm64'],
    ],
    ['one, or a pool of any', affinity(term(arch, 'In', 'amd64'), term('pool', 'In', 'x')), undefined],
    [
      'one in a pool',
      affinity({
        matchExpressions: [...term(arch, 'In', 'amd64').matchExpressions, ...term('pool', 'Exists').matchExpressions],
      }),
      ['amd64'],
    ],
    [
      'a node by its name, as for a DaemonSet',
      affinity({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node1'] }] }),
      undefined,
    ],
    ['a node by its name beside a selector', { nodeName: 'node1', nodeSelector: { [arch]: 'arm64' } }, ['arm64']],
    [
      'selector and affinity that exclude each other',
      { nodeSelector: { [arch]: 'arm64' }, ...affinity(term(arch, 'In', 'amd64')) },
      [],
    ],
    ['one that nobody knows', { nodeSelector: { [arch]: 'z80' } }, []],
    ['a term that asks for nothing', affinity({}), []],
    ['no terms', affinity(), []],
    ['nonsense', { nodeSelector: 7, affinity: 'x' }, undefined],
  ])('%s', (_, spec, expected) => {
    expect(architecturesOf(placementOf(spec))).toEqual(expected);
  });

  test('of two who want the same are those of both', () => {
    expect(allArchitectures(['arm64'], ['amd64', 'arm64'])).toEqual(['amd64', 'arm64']);
    expect(allArchitectures(undefined, ['amd64'])).toBeUndefined();
    expect(allArchitectures(['amd64'], undefined)).toBeUndefined();
  });
});
