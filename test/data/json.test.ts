import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isWithinBounds, parseJson } from '#data/json.ts';

/** Values, as the bounds count them. */
function count(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, inner) => sum + count(inner), 1);
}

describe('parseJson', () => {
  test('is JSON.parse within the bounds', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test('never throws, and returns undefined for what is no JSON', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        parseJson(text);
      }),
    );
    expect(parseJson('{')).toBeUndefined();
  });

  test('refuses more values than the bound', () => {
    const text = `[${'[],'.repeat(999)}[]]`;
    expect(parseJson(text, { nodes: 2_000, depth: 10 })).toBeUndefined();
    expect(parseJson(text, { nodes: 2_001, depth: 10 })).toHaveLength(1_000);
  });

  test('refuses a deeper nesting than the bound', () => {
    const text = `${'['.repeat(9)}${']'.repeat(9)}`;
    expect(parseJson(text, { nodes: 100, depth: 8 })).toBeUndefined();
    expect(parseJson(text, { nodes: 100, depth: 9 })).toBeDefined();
  });

  test('does not count what is inside of strings', () => {
    const text = JSON.stringify({ a: '[[[[,,,,"\\', b: '{}' });
    expect(isWithinBounds(text, { nodes: 3, depth: 1 })).toBe(true);
  });

  test('a text that passes never has more values than twice the bound', () => {
    fc.assert(
      fc.property(fc.json(), fc.integer({ min: 1, max: 40 }), (text, nodes) => {
        if (isWithinBounds(text, { nodes, depth: 100 })) expect(count(JSON.parse(text))).toBeLessThanOrEqual(2 * nodes);
      }),
    );
  });
});
