import { describe, expect, test } from 'vitest';
import { type CatalogDemand, type FleetNode, ownShare } from '#catalog/share.ts';
import { isUpcoming } from '#report/upcoming.ts';
import { type NodePlace } from '#kubelet/placement.ts';
import { memberOf } from '#budget/rendezvous.ts';
import { placementOf } from '#kubelet/placement-spec.ts';

const place = (name: string, over: Partial<NodePlace> = {}): NodePlace => ({
  name,
  labels: { 'kubernetes.io/os': 'linux', 'kubernetes.io/hostname': name },
  taints: [],
  unschedulable: false,
  ...over,
});
const fleetOf = (
  places: readonly NodePlace[],
  stratumOf: (one: NodePlace) => string = () => '',
): readonly FleetNode[] => places.map((one) => ({ ...memberOf(one.name), stratum: stratumOf(one) }));
const known = (places: readonly NodePlace[]): readonly FleetNode[] =>
  places.map((one) => ({ ...memberOf(one.name), stratum: '', place: one }));
const demand = (written: string, spec: object = {}): CatalogDemand => ({
  written,
  policy: 'IfNotPresent',
  namespace: 'shop',
  secretNames: [],
  account: 'default',
  placement: placementOf(spec),
  requestedBy: [],
});
const images = (count: number, spec: object = {}): readonly CatalogDemand[] =>
  Array.from({ length: count }, (_, i) => demand(`reg.test/app-${i}:1`, spec));

/** Which nodes ask about each image. */
function askers(demands: readonly CatalogDemand[], places: readonly NodePlace[], fleet: readonly FleetNode[]) {
  const by = new Map<string, string[]>();
  for (const one of places)
    for (const { written } of ownShare({ place: one, fleet })(demands))
      by.set(written, [...(by.get(written) ?? []), one.name]);
  return demands.map(({ written }) => by.get(written) ?? []);
}

describe('what any node could get', () => {
  const places = Array.from({ length: 30 }, (_, i) => place(`node-${i}`));

  test('is asked about from three nodes', () => {
    for (const names of askers(images(100), places, fleetOf(places))) expect(names).toHaveLength(3);
  });

  test('is asked about from three nodes of each stratum', () => {
    const zone = ({ name }: NodePlace): string => (Number(name.slice(5)) < 10 ? 'a' : 'b');
    for (const names of askers(images(100), places, fleetOf(places, zone))) {
      expect(names.filter((name) => Number(name.slice(5)) < 10)).toHaveLength(3);
      expect(names).toHaveLength(6);
    }
  });

  test('is asked about from all nodes where there are no more than three', () => {
    const few = places.slice(0, 2);
    for (const names of askers(images(20), few, fleetOf(few))) expect(names).toHaveLength(2);
  });

  test('is left to others by a node that the catalog does not name yet, and by all where it names none', () => {
    expect(ownShare({ place: place('new'), fleet: fleetOf(places) })(images(200))).toEqual([]);
    expect(ownShare({ place: place('new'), fleet: [] })(images(200))).toEqual([]);
  });

  test('is passed on by nodes that would not get it, where the taints of the others are known', () => {
    const taint = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' };
    const mixed = places.map((one, i) => (i % 2 === 0 ? { ...one, taints: [taint] } : one));
    for (const names of askers(images(100), mixed, known(mixed))) {
      expect(names).toHaveLength(3);
      expect(names.filter((name) => Number(name.slice(5)) % 2 === 0)).toEqual([]);
    }
  });

  test.each<readonly [string, object, number]>([
    ['no word on nodes', {}, 3],
    ['any Linux', { nodeSelector: { 'kubernetes.io/os': 'linux' } }, 3],
    ['tolerations only', { tolerations: [{ operator: 'Exists' }] }, 3],
    ['Windows', { nodeSelector: { 'kubernetes.io/os': 'windows' } }, 0],
    ['a pool', { nodeSelector: { pool: 'gpu' } }, 5],
    ['a node', { nodeName: 'node-1' }, 1],
    [
      'an affinity',
      {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'Exists' }] }],
            },
          },
        },
      },
      5,
    ],
  ])('%s is asked about by so many of five nodes that know nothing of each other', (_, spec, count) => {
    const labels = { 'kubernetes.io/os': 'linux', pool: 'gpu' };
    const places = Array.from({ length: 5 }, (__, i) => place(`node-${i}`, { labels }));
    for (const names of askers(images(5, spec), places, fleetOf(places))) expect(names).toHaveLength(count);
  });
});

describe('what only some nodes could get', () => {
  const pools = Array.from({ length: 12 }, (_, i) =>
    place(`node-${i}`, { labels: { 'kubernetes.io/os': 'linux', pool: i < 8 ? 'gpu' : 'cpu' } }),
  );
  const gpu = { nodeSelector: { pool: 'gpu' } };

  test('is kept by each that fits while nothing is known of the others, and dropped by the rest', () => {
    for (const names of askers(images(5, gpu), pools, fleetOf(pools))) {
      expect(names).toEqual(pools.slice(0, 8).map(({ name }) => name));
    }
  });

  test('is shared out among those that fit where their labels are known', () => {
    for (const names of askers(images(50, gpu), pools, known(pools))) {
      expect(names).toHaveLength(3);
      for (const name of names) expect(Number(name.slice(5))).toBeLessThan(8);
    }
  });

  test('is kept although the catalog names no node', () => {
    const [first = place('')] = pools;
    expect(ownShare({ place: first, fleet: [] })(images(4, gpu))).toHaveLength(4);
  });
});

test('the same image with other secrets is another question, for other nodes to ask', () => {
  const places = Array.from({ length: 100 }, (_, i) => place(`node-${i}`));
  const plain = images(20);
  const secret = plain.map((one) => ({ ...one, secretNames: ['hub'] }));
  const fleet = fleetOf(places);
  expect(askers(plain, places, fleet)).not.toEqual(askers(secret, places, fleet));
});

test('an image is about to come where all who want it are', () => {
  const here = { kind: 'Pod', namespace: 'shop', name: 'web-1', part: 'container web' };
  const coming = { ...here, kind: 'Deployment', name: 'web', coming: true } as const;
  expect(isUpcoming([coming])).toBe(true);
  expect(isUpcoming([coming, here])).toBe(false);
  expect(isUpcoming([])).toBe(false);
});
