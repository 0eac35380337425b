import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashOf, isChosen, memberOf } from '#budget/rendezvous.ts';

const nodes = (count: number, prefix = 'node'): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
const images = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `reg.test/team/app-${i}:v1`);

/** Each member decides for itself; here is who said yes. */
function chosen(key: string, names: readonly string[], count = 3): readonly string[] {
  const others = names.map(memberOf);
  return names.filter((name) => isChosen(hashOf(key), memberOf(name), { others, count }));
}

describe('who looks after a thing', () => {
  test('exactly three of many, and all of fewer', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 40 }),
        fc.string(),
        (names, key) => {
          expect(chosen(key, names)).toHaveLength(Math.min(3, names.length));
        },
      ),
    );
  });

  test('is the same whatever the order in which the others are known', () => {
    const names = nodes(50);
    for (const key of images(20)) expect(new Set(chosen(key, names))).toEqual(new Set(chosen(key, names.toReversed())));
  });

  test('a member that comes takes over what is its own, and nothing else moves', () => {
    const before = nodes(100);
    const after = [...before, 'newcomer'];
    let moved = 0;
    for (const key of images(500)) {
      const [was, is] = [new Set(chosen(key, before)), new Set(chosen(key, after))];
      const news = [...is].filter((name) => !was.has(name));
      expect(news.filter((name) => name !== 'newcomer')).toEqual([]);
      moved += news.length;
    }
    // Its fair share is 3 of 101 for each image: about 15 of 500.
    expect(moved).toBeGreaterThan(3);
    expect(moved).toBeLessThan(40);
  });

  test('what a member leaves behind goes to others, and only that', () => {
    const before = nodes(100);
    for (const key of images(200)) {
      const was = chosen(key, before);
      const [gone = ''] = was;
      const is = new Set(
        chosen(
          key,
          before.filter((name) => name !== gone),
        ),
      );
      expect(is.size).toBe(3);
      for (const name of was) expect(is.has(name)).toBe(name !== gone);
    }
  });

  test.each([
    ['names that differ in a number', nodes(60)],
    ['names as clouds give them', nodes(60, 'gke-prod-pool-1-5f3c9a1b-node')],
    ['addresses', Array.from({ length: 60 }, (_, i) => `ip-10-0-${i}-17.eu-west-1.compute.internal`)],
  ])('the load is even: %s', (_, names) => {
    const load = new Map<string, number>();
    for (const key of images(3000)) for (const name of chosen(key, names)) load.set(name, (load.get(name) ?? 0) + 1);
    // 3000 images, three askers each, 60 nodes: 150 each, with a standard deviation of 12.
    expect(Math.min(...names.map((name) => load.get(name) ?? 0))).toBeGreaterThan(95);
    expect(Math.max(...load.values())).toBeLessThan(205);
  });

  test('who does not stand for election is passed over, and asked for only where it would be ahead', () => {
    const names = nodes(200);
    const out = new Set(names.filter((_, i) => i % 2 === 0));
    const standing = names.filter((name) => !out.has(name));
    const others = names.map(memberOf);
    let asked = 0;
    for (const key of images(50)) {
      const counts = ({ name }: { readonly name: string }): boolean => {
        asked += 1;
        return !out.has(name);
      };
      const found = standing.filter((name) => isChosen(hashOf(key), memberOf(name), { others, count: 3, counts }));
      expect(found).toEqual(chosen(key, standing));
    }
    expect(asked / (50 * standing.length)).toBeLessThan(20);
  });
});
