import { expect, test } from 'vitest';
import type { Demand } from '#node/view.ts';
import { type Need, needOf } from '#kubelet/pull-need.ts';

type Row = readonly [Demand['policy'], Demand['present'], string, string | undefined, Need['asks']];
const rows: readonly Row[] = [
  ['Always', 'yes', 'v1.36.2', undefined, 'yes'],
  ['Always', 'no', 'v1.30.0', undefined, 'yes'],
  ['IfNotPresent', 'no', 'v1.36.2', undefined, 'yes'],
  ['IfNotPresent', 'yes', 'v1.34.9', undefined, 'no'],
  ['IfNotPresent', 'yes', 'v1.35.0', undefined, 'perhaps'],
  ['IfNotPresent', 'yes', 'v1.36.2', 'NeverVerifyPreloadedImages', 'perhaps'],
  ['IfNotPresent', 'yes', 'v1.36.2', 'AlwaysVerify', 'perhaps'],
  ['IfNotPresent', 'yes', 'v1.36.2', 'NeverVerify', 'no'],
  ['IfNotPresent', 'yes', 'v2.0.0', undefined, 'perhaps'],
  ['IfNotPresent', 'yes', 'nonsense', undefined, 'no'],
  ['IfNotPresent', 'unknown', 'v1.36.2', undefined, 'perhaps'],
  ['Never', 'yes', 'v1.36.2', undefined, 'no'],
  ['Never', 'no', 'v1.36.2', undefined, 'no'],
];

test.each(rows)(
  '%s, on the node: %s, kubelet %s with %s: the registry is asked: %s',
  (policy, present, kubeletVersion, verify, asks) => {
    const verification = { kubeletVersion, ...(verify === undefined ? {} : { policy: verify }) };
    expect(needOf({ policy, present }, verification).asks).toBe(asks);
  },
);

test.each([
  ['Never', 'yes', 'v1.36.2', undefined, true],
  ['Never', 'yes', 'v1.36.2', 'NeverVerify', undefined],
  ['Never', 'yes', 'v1.34.0', undefined, undefined],
  ['IfNotPresent', 'yes', 'v1.35.0', 'AlwaysVerify', true],
  ['IfNotPresent', 'no', 'v1.35.0', 'AlwaysVerify', undefined],
] as const)(
  '%s, on the node: %s, kubelet %s with %s: it wants proof: %s',
  (policy, present, kubeletVersion, verify, wants) => {
    const verification = { kubeletVersion, ...(verify === undefined ? {} : { policy: verify }) };
    expect(needOf({ policy, present }, verification).needsProof).toBe(wants);
  },
);
