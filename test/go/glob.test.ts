import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchGlob } from '#go/glob.ts';

describe('a pattern matches as in Go (path/filepath match_test.go)', () => {
  test.each([
    ['abc', 'abc', true],
    ['*', 'abc', true],
    ['*', '', true],
    ['*c', 'abc', true],
    ['a*', 'a', true],
    ['a*', 'abc', true],
    ['a*', 'ab/c', false],
    ['a*/b', 'abc/b', true],
    ['a*/b', 'a/c/b', false],
    ['a*b*c*d*e*/f', 'axbxcxdxe/f', true],
    ['a*b*c*d*e*/f', 'axbxcxdxexxx/f', true],
    ['a*b*c*d*e*/f', 'axbxcxdxe/xxx/f', false],
    ['a*b?c*x', 'abxbbxdbxebxczzx', true],
    ['a*b?c*x', 'abxbbxdbxebxczzy', false],
    ['ab[c]', 'abc', true],
    ['ab[b-d]', 'abc', true],
    ['ab[e-g]', 'abc', false],
    ['ab[^c]', 'abc', false],
    ['ab[^b-d]', 'abc', false],
    ['ab[^e-g]', 'abc', true],
    [String.raw`a\*b`, 'a*b', true],
    [String.raw`a\*b`, 'ab', false],
    ['a?b', 'a☺b', true],
    ['a[^a]b', 'a☺b', true],
    ['a???b', 'a☺b', false],
    ['[a-ζ]*', 'α', true],
    ['*[a-ζ]', 'A', false],
    ['a?b', 'a/b', false],
    ['a*b', 'a/b', false],
    [String.raw`[\]a]`, ']', true],
    [String.raw`[\-]`, '-', true],
    [String.raw`[x\-]`, 'x', true],
    [String.raw`[x\-]`, '-', true],
    [String.raw`[x\-]`, 'z', false],
    [String.raw`[\-x]`, 'a', false],
    ['[]a]', ']', undefined],
    ['[-]', '-', undefined],
    ['[x-]', 'x', undefined],
    ['[-x]', 'x', undefined],
    ['\\', 'a', undefined],
    ['[a-b-c]', 'a', undefined],
    ['[', 'a', undefined],
    ['[^', 'a', undefined],
    ['[^bc', 'a', undefined],
    ['a[', 'a', undefined],
    ['a[', 'ab', undefined],
    ['a[', 'x', undefined],
    ['a/b[', 'x', undefined],
    ['*x', 'xxx', true],
    ['', '', true],
    ['', 'a', false],
  ])('%s %s', (pattern, name, expected) => {
    expect(matchGlob(pattern, name)).toBe(expected);
  });
});

test('a name matches itself with every character escaped', () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const escaped = Array.from(name, (char) => `\\${char}`).join('');
      expect(matchGlob(escaped, name)).toBe(true);
    }),
  );
});

test('a hostile pattern ends', () => {
  expect(matchGlob(`${'*a'.repeat(200)}b`, 'a'.repeat(2000))).toBe(false);
});
