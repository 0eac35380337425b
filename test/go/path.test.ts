import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanPath } from '#go/path.ts';

describe('cleanPath', () => {
  test.each([
    ['', '/'],
    ['/', '/'],
    ['//a///b', '/a/b'],
    ['/a/./b', '/a/b'],
    ['/a/../../b', '/b'],
    ['/..', '/'],
    ['a/b/', '/a/b'],
  ])('%j is %j', (path, expected) => {
    expect(cleanPath(path)).toBe(expected);
  });

  test('what is clean stays, and nothing climbs', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('..', '.', '', 'a', 'v2')), (parts) => {
        const cleaned = cleanPath(parts.join('/'));
        expect(cleanPath(cleaned)).toBe(cleaned);
        expect(cleaned.split('/')).not.toContain('..');
      }),
    );
  });
});
