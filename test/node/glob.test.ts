import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { glob, nameMatcher } from '#node/glob.ts';
import { nodeRoot } from '../kit/node-root.ts';

describe('a pattern of one name (Go filepath.Match)', () => {
  test.each([
    ['*.toml', 'a.toml', true],
    ['*.toml', 'a.toml.bak', false],
    ['*', '.hidden', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['a.b', 'axb', false],
    ['[\\]]', ']', true],
    ['*', 'line\nbreak', true],
    ['(x)+', '(x)+', true],
  ])('%s against %s', (pattern, name, matches) => {
    expect(nameMatcher(pattern)?.(name)).toBe(matches);
  });

  test.each(['[', '[a', '[]', '[-a]', 'a\\', '[a-', '[x'])('%s is a bad pattern', (pattern) => {
    expect(nameMatcher(pattern)).toBeUndefined();
  });

  test('no pattern throws or runs away', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ maxLength: 50 }), (pattern, name) => {
        nameMatcher(pattern)?.(name);
      }),
    );
    expect(nameMatcher('*'.repeat(50))?.('a'.repeat(10_000))).toBe(true);
  });
});

test('a path pattern finds files in lexical order, through links inside the root', async () => {
  await using root = await nodeRoot({
    'etc/c/b.toml': '',
    'etc/c/a.toml': '',
    'etc/c/x.bak': '',
    'etc/d/z.toml': '',
    'etc/l': { link: '/etc/d' },
    'etc/c/gone.toml': { link: '/nowhere' },
  });
  expect(await glob(root.path, '/etc/*/*.toml')).toEqual([
    '/etc/c/a.toml',
    '/etc/c/b.toml',
    '/etc/d/z.toml',
    '/etc/l/z.toml',
  ]);
  expect(await glob(root.path, '/etc/none/*.toml')).toEqual([]);
  expect(await glob(root.path, '/etc/[/x')).toBeUndefined();
});
