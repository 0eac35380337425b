import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCommonPattern, rewriteRepository } from '#runtime/containerd/rewrite.ts';

describe('a rewrite of a repository', () => {
  test.each<readonly [pattern: string, replacement: string, made: string]>([
    ['^(.*)$', 'dockerhub/$1', 'dockerhub/library/nginx'],
    ['^library/(.*)', 'mirror/${1}-x', 'mirror/nginx-x'],
    // The longest name counts, as in Go.
    ['^library/(.*)', 'mirror/$1_x', 'mirror/'],
    ['^library/(.*)', 'a$$b/$1', 'a$b/nginx'],
    ['^other/(.*)', 'x/$1', 'library/nginx'],
    ['n', 'm', 'library/mgimx'],
    ['(', 'x', 'library/nginx'],
  ])('%s to %s', (pattern, replacement, made) => {
    expect(rewriteRepository('library/nginx', [[pattern, replacement]])).toBe(made);
  });

  test('is the first that changes anything', () => {
    const rewrites = [
      ['^x', 'y'],
      ['^library/', 'a/'],
      ['^a/', 'b/'],
    ] as const;
    expect(rewriteRepository('library/nginx', rewrites)).toBe('a/nginx');
  });

  test.each([
    ['^library/(.*)$', true],
    [String.raw`^a\.b/[a-z0-9]+(?:x|y)\d`, true],
    ['(?i)^library', false],
    ['^(?P<name>.*)$', false],
    ['[[:alpha:]]+', false],
    [String.raw`\Qa.b\E`, false],
    [String.raw`\pN`, false],
  ])('means the same in Go: %s is %s', (pattern, same) => {
    expect(isCommonPattern(pattern)).toBe(same);
  });

  test('never throws', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (pattern, replacement) => {
        rewriteRepository('library/nginx', [[pattern, replacement]]);
        isCommonPattern(pattern);
      }),
    );
  });
});
