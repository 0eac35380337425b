import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fits, type NodePlace, type NodeTaint, placementOf } from '#kubelet/placement.ts';

const bare: NodePlace = { name: 'worker-1', labels: {}, taints: [], unschedulable: false };
const labelled = (labels: Record<string, string>): NodePlace => ({ ...bare, labels });
const tainted = (...taints: NodeTaint[]): NodePlace => ({ ...bare, taints });
const taint = (key: string, value: string, effect: string): NodeTaint => ({ key, value, effect });
const requiring = (...nodeSelectorTerms: unknown[]): unknown => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
});
const expression = (key: string, operator: string, ...values: unknown[]): unknown => ({
  matchExpressions: [{ key, operator, ...(values.length === 0 ? {} : { values }) }],
});
const field = (operator: string, ...values: unknown[]): unknown => ({
  matchFields: [{ key: 'metadata.name', operator, values }],
});
const lands = (spec: unknown, node: NodePlace): boolean => fits(placementOf(spec), node).fits;
const because = (spec: unknown, node: NodePlace, kind?: string): string => {
  const fit = fits(placementOf(spec, kind), node);
  return fit.fits ? 'it fits' : fit.because;
};

describe('the operators of a node selector requirement', () => {
  test.each<[string, unknown[], string, Record<string, string>, boolean]>([
    ['In', ['ssd', 'nvme'], 'one of the values', { disk: 'nvme' }, true],
    ['In', ['ssd'], 'another value', { disk: 'hdd' }, false],
    ['In', ['ssd'], 'no such label', {}, false],
    ['In', [''], 'an empty label', { disk: '' }, true],
    ['NotIn', ['hdd'], 'another value', { disk: 'ssd' }, true],
    ['NotIn', ['hdd'], 'that value', { disk: 'hdd' }, false],
    ['NotIn', ['hdd'], 'no such label', {}, true],
    ['Exists', [], 'an empty label', { disk: '' }, true],
    ['Exists', [], 'no such label', {}, false],
    ['DoesNotExist', [], 'no such label', {}, true],
    ['DoesNotExist', [], 'the label', { disk: 'ssd' }, false],
    ['Gt', ['5'], 'a greater number', { disk: '6' }, true],
    ['Gt', ['5'], 'the same number', { disk: '5' }, false],
    ['Gt', ['9'], 'a number that is greater as a number only', { disk: '10' }, true],
    ['Gt', ['5'], 'no number', { disk: 'many' }, false],
    ['Gt', ['5'], 'a fraction', { disk: '6.5' }, false],
    ['Gt', ['5'], 'no such label', {}, false],
    ['Gt', ['-6'], 'a negative number', { disk: '-5' }, true],
    ['Gt', ['9223372036854775806'], 'the greatest number there is', { disk: '9223372036854775807' }, true],
    ['Gt', ['1'], 'a number that no int64 holds', { disk: '9223372036854775808' }, false],
    ['Lt', ['5'], 'a smaller number', { disk: '4' }, true],
    ['Lt', ['5'], 'the same number', { disk: '5' }, false],
    ['Lt', ['5'], 'no such label', {}, false],
  ])('%s %j on a node with %s', (operator, values, _what, labels, expected) => {
    expect(lands(requiring(expression('disk', operator, ...values)), labelled(labels))).toBe(expected);
  });

  test.each<[string, unknown, string]>([
    ['an unknown operator', expression('disk', 'Near', 'ssd'), 'node affinity on disk: unknown operator Near'],
    ['no operator', { matchExpressions: [{ key: 'disk' }] }, 'node affinity on disk: unknown operator (none)'],
    ['In without values', expression('disk', 'In'), 'node affinity on disk: In needs values'],
    ['Exists with a value', expression('disk', 'Exists', 'x'), 'node affinity on disk: Exists takes no values'],
    ['Gt with a word', expression('disk', 'Gt', 'x'), 'node affinity on disk: Gt needs exactly one integer'],
    ['Lt with two numbers', expression('disk', 'Lt', '1', '2'), 'node affinity on disk: Lt needs exactly one integer'],
    ['a value that is no text', expression('disk', 'In', 7), 'node affinity on disk: a value is no text'],
    ['no key', expression('', 'Exists'), 'node affinity on (no key): a requirement without a key'],
    ['a field with Exists', field('Exists'), 'node affinity on metadata.name: operator Exists is not for fields'],
    ['a field with two names', field('In', 'a', 'b'), 'node affinity on metadata.name: exactly one value is allowed'],
    [
      'another field',
      { matchFields: [{ key: 'spec.unschedulable', operator: 'In', values: ['x'] }] },
      'node affinity: no field spec.unschedulable can be asked for, only metadata.name',
    ],
  ])('%s matches no node, and is said', (_what, term, problem) => {
    const placement = placementOf(requiring(term));
    expect(placement.problems).toEqual([problem]);
    expect(fits(placement, labelled({ disk: 'x' }))).toMatchObject({ fits: false });
  });

  test('a term that is not valid leaves those beside it standing', () => {
    expect(lands(requiring(expression('disk', 'Near'), expression('disk', 'Exists')), labelled({ disk: 'x' }))).toBe(
      true,
    );
  });
});

describe('the terms of a required node affinity', () => {
  const both = {
    matchExpressions: [
      { key: 'zone', operator: 'In', values: ['a'] },
      { key: 'disk', operator: 'Exists' },
    ],
  };
  test.each<[string, unknown, Record<string, string>, boolean]>([
    ['one of two terms is enough', requiring(expression('a', 'Exists'), expression('b', 'Exists')), { b: '' }, true],
    ['none of two is not', requiring(expression('a', 'Exists'), expression('b', 'Exists')), { c: '' }, false],
    ['all requirements of a term must hold', requiring(both), { zone: 'a', disk: '' }, true],
    ['one requirement of a term is not enough', requiring(both), { zone: 'a' }, false],
    ['an empty term matches nothing', requiring({}), {}, false],
    ['an empty term takes nothing from another', requiring({}, expression('a', 'Exists')), { a: '' }, true],
    ['a list without terms matches nothing', requiring(), {}, false],
    ['no required affinity at all matches everything', { affinity: { nodeAffinity: {} } }, {}, true],
    [
      'a preference is no requirement',
      {
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 1, preference: expression('disk', 'In', 'ssd') },
            ],
          },
        },
      },
      {},
      true,
    ],
    [
      'nodeSelector and affinity must both hold',
      { ...object(requiring(both)), nodeSelector: { x: 'y' } },
      { zone: 'a', disk: '' },
      false,
    ],
  ])('%s', (_what, spec, labels, expected) => {
    expect(lands(spec, labelled(labels))).toBe(expected);
  });

  test.each<[string, unknown, boolean]>([
    ['the name of this node', field('In', 'worker-1'), true],
    ['the name of another', field('In', 'worker-2'), false],
    ['not another', field('NotIn', 'worker-2'), true],
    ['not this one', field('NotIn', 'worker-1'), false],
  ])('matchFields: %s', (_what, term, expected) => {
    expect(lands(requiring(term), bare)).toBe(expected);
  });

  test('matchFields and matchExpressions of one term must both hold', () => {
    const term = { ...object(field('In', 'worker-1')), ...object(expression('disk', 'Exists')) };
    expect(lands(requiring(term), bare)).toBe(false);
    expect(lands(requiring(term), labelled({ disk: '' }))).toBe(true);
  });
});

describe('nodeSelector', () => {
  test.each<[string, Record<string, string>, string]>([
    ['the same value', { pool: 'gpu' }, 'it fits'],
    ['another value', { pool: 'web' }, 'its label pool is web, not gpu'],
    ['no such label', {}, 'it has no label pool, which must be gpu'],
  ])('on a node with %s', (_what, labels, expected) => {
    expect(because({ nodeSelector: { pool: 'gpu' } }, labelled(labels))).toBe(expected);
  });

  test("a label of JavaScript's own is no label of the node", () => {
    expect(lands({ nodeSelector: { constructor: 'x' } }, bare)).toBe(false);
    expect(lands(requiring(expression('toString', 'DoesNotExist')), bare)).toBe(true);
  });
});

describe('taints and tolerations', () => {
  const gpu = taint('dedicated', 'gpu', 'NoSchedule');
  test.each<[string, unknown[], NodeTaint, boolean]>([
    ['NoSchedule keeps Pods away', [], gpu, false],
    ['NoExecute keeps Pods away', [], taint('dedicated', 'gpu', 'NoExecute'), false],
    ['PreferNoSchedule does not', [], taint('dedicated', 'gpu', 'PreferNoSchedule'), true],
    [
      'Equal with the same value',
      [{ key: 'dedicated', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' }],
      gpu,
      true,
    ],
    ['Equal is what no operator means', [{ key: 'dedicated', value: 'gpu' }], gpu, true],
    ['Equal with another value', [{ key: 'dedicated', value: 'web' }], gpu, false],
    ['Equal without a value, of a taint without one', [{ key: 'x' }], taint('x', '', 'NoSchedule'), true],
    ['Exists whatever the value', [{ key: 'dedicated', operator: 'Exists' }], gpu, true],
    ['Exists of another key', [{ key: 'other', operator: 'Exists' }], gpu, false],
    ['the same key with another effect', [{ key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }], gpu, false],
    [
      'no effect means each effect',
      [{ key: 'dedicated', operator: 'Exists' }],
      taint('dedicated', 'gpu', 'NoExecute'),
      true,
    ],
    ['no key and Exists tolerates everything', [{ operator: 'Exists' }], gpu, true],
    ['no key, Exists and an effect: of that effect only', [{ operator: 'Exists', effect: 'NoExecute' }], gpu, false],
    ['no key and Equal is not valid', [{ operator: 'Equal', value: 'gpu' }], gpu, false],
    ['an unknown operator tolerates nothing', [{ key: 'dedicated', operator: 'Near', value: 'gpu' }], gpu, false],
    [
      'Gt compares the taint with the toleration',
      [{ key: 'sla', operator: 'Gt', value: '950' }],
      taint('sla', '960', 'NoSchedule'),
      true,
    ],
    ['Gt of a smaller taint', [{ key: 'sla', operator: 'Gt', value: '950' }], taint('sla', '900', 'NoSchedule'), false],
    [
      'Lt compares the taint with the toleration',
      [{ key: 'sla', operator: 'Lt', value: '950' }],
      taint('sla', '900', 'NoExecute'),
      true,
    ],
    ['Gt of a word', [{ key: 'sla', operator: 'Gt', value: '950' }], taint('sla', 'high', 'NoSchedule'), false],
  ])('%s', (_what, tolerations, one, expected) => {
    expect(lands({ tolerations }, tainted(one))).toBe(expected);
  });

  test('one toleration does not serve for another taint', () => {
    const tolerations = [{ key: 'dedicated', operator: 'Exists' }];
    expect(because({ tolerations }, tainted(gpu, taint('flaky', '', 'NoExecute')))).toBe(
      'its taint flaky:NoExecute is not tolerated',
    );
  });

  test('an operator that needs a feature gate is said to', () => {
    expect(placementOf({ tolerations: [{ key: 'sla', operator: 'Gt', value: '1' }] }).problems).toEqual([
      'toleration of sla: operator Gt needs the feature gate TaintTolerationComparisonOperators, which is off by default',
    ]);
  });
});

describe('a cordoned node', () => {
  const cordoned = { ...bare, unschedulable: true };
  test.each<[string, unknown, string | undefined, string]>([
    ['takes no Pods', {}, undefined, 'it is cordoned (unschedulable)'],
    [
      'takes those that tolerate it',
      { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] },
      undefined,
      'it fits',
    ],
    ['takes those of a DaemonSet', {}, 'DaemonSet', 'it fits'],
    ['takes those that name it', { nodeName: 'worker-1' }, undefined, 'it fits'],
  ])('%s', (_what, spec, kind, expected) => {
    expect(because(spec, cordoned, kind)).toBe(expected);
  });
});

describe('the Pods of a DaemonSet', () => {
  const condition = (name: string, effect: string): NodePlace =>
    tainted(taint(`node.kubernetes.io/${name}`, '', effect));
  test.each<[string, string, unknown, boolean]>([
    ['not-ready', 'NoExecute', {}, true],
    ['not-ready', 'NoSchedule', {}, false],
    ['unreachable', 'NoExecute', {}, true],
    ['disk-pressure', 'NoSchedule', {}, true],
    ['memory-pressure', 'NoSchedule', {}, true],
    ['pid-pressure', 'NoSchedule', {}, true],
    ['network-unavailable', 'NoSchedule', {}, false],
    ['network-unavailable', 'NoSchedule', { hostNetwork: true }, true],
  ])('%s:%s with %j', (name, effect, spec, expected) => {
    expect(fits(placementOf(spec, 'DaemonSet'), condition(name, effect)).fits).toBe(expected);
  });
});

describe('Pods that name their node', () => {
  const named = { nodeName: 'worker-1' };
  test.each<[string, unknown, NodePlace, string]>([
    ['land on no other', { nodeName: 'worker-2' }, bare, 'the Pods name the node worker-2'],
    ['pass by NoSchedule', named, tainted(taint('a', '', 'NoSchedule')), 'it fits'],
    [
      'are turned away by NoExecute',
      named,
      tainted(taint('a', '', 'NoExecute')),
      'its taint a:NoExecute is not tolerated',
    ],
    [
      'are given five minutes on a node that is not ready',
      named,
      tainted(taint('node.kubernetes.io/not-ready', '', 'NoExecute')),
      'it fits',
    ],
    [
      'are held to their nodeSelector by the kubelet',
      { ...named, nodeSelector: { a: 'b' } },
      bare,
      'it has no label a, which must be b',
    ],
  ])('%s', (_what, spec, node, expected) => {
    expect(because(spec, node)).toBe(expected);
  });
});

test.each([
  ['linux', 'it fits'],
  ['windows', 'the Pods are for windows, and it runs linux'],
])('Pods for %s on a node that runs linux', (name, expected) => {
  expect(because({ os: { name } }, labelled({ 'kubernetes.io/os': 'linux' }))).toBe(expected);
});

describe('bad input', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a list', []],
    ['a text', 'nodeName'],
    ['fields of other types', { nodeName: 7, nodeSelector: ['a'], tolerations: 'all', affinity: 3, os: [] }],
  ])('%s asks for nothing', (_what, spec) => {
    expect(placementOf(spec)).toEqual({
      nodeName: '',
      os: '',
      nodeSelector: {},
      terms: undefined,
      tolerations: [],
      problems: [],
    });
  });

  test('whatever a Pod spec holds, reading it and asking it throws nothing', () => {
    const junk = fc.oneof(fc.jsonValue(), fc.constantFrom(null, undefined, 1, [], {}));
    fc.assert(
      fc.property(junk, junk, junk, (nodeSelector, tolerations, terms) => {
        const spec = { nodeSelector, tolerations: [tolerations], ...object(requiring(terms)) };
        expect(typeof fits(placementOf(spec), bare).fits).toBe('boolean');
      }),
    );
  });

  test('the same problem is said once', () => {
    expect(placementOf(requiring(expression('a', 'Near'), expression('a', 'Near'))).problems).toHaveLength(1);
  });
});

test('a placement is plain JSON, so that it can be handed on as it is', () => {
  const placement = placementOf({
    ...object(requiring(expression('a', 'In', 'b'))),
    nodeSelector: { c: 'd' },
    tolerations: [{ operator: 'Exists' }],
  });
  expect(JSON.parse(JSON.stringify(placement))).toEqual(placement);
});

function object(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
