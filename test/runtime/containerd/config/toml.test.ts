import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expressionsOf, field, parseToml } from '#runtime/containerd/config/toml.ts';

describe('TOML', () => {
  test.each([
    'a = ',
    '[a',
    'a = 1\na = 2',
    'a = "x',
    '= 1',
    'a = {',
    'x = [[',
    `a = ${'['.repeat(100)}`,
    'a = "\uFFFD"',
  ])('%j is refused, with a reason on one line that quotes nothing', (text) => {
    const parsed = parseToml(text, 2);
    expect(parsed.ok).toBe(false);
    expect(parsed.ok ? '' : parsed.why).not.toContain('\n');
  });

  test('names that JavaScript gives a meaning to are only names', () => {
    const parsed = parseToml('[__proto__]\nx = 1\n[constructor]\ny = 2\n', 2);
    expect(parsed.ok && Object.keys(parsed.table)).toEqual(['__proto__', 'constructor']);
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('x');
  });

  test('a struct field is found whatever its case in go-toml 2, and in two cases in go-toml 1', () => {
    expect(field({ Server: 'a' }, 'server', 2)).toBe('a');
    expect(field({ Server: 'a' }, 'server', 1)).toBeUndefined();
    expect(field({ SERVER: 'a' }, 'server', 1)).toBe('a');
    expect(field({ server: 'b', SERVER: 'a' }, 'server', 2)).toBe('b');
    expect(field({}, 'constructor', 2)).toBeUndefined();
  });

  test('expressions come in the order of the text, past strings, arrays and comments', () => {
    const text = `
# [comment]
a = "[not.a.table]" # [nor.this]
b = """
[x]
\\"""
[y]
"""
c = '''
[z]'''
d = [
  1, # [n]
  "]", [2],
]
e = { f = "}", g = [1] }
[host."https://a"] # tail
"q = [".x = 1
[ host . 'https://b\\c' . header ]
[[host]]
[7]
[host."\\u0041"]`;
    expect(expressionsOf(text)).toEqual([
      { kind: 'pair', key: ['a'] },
      { kind: 'pair', key: ['b'] },
      { kind: 'pair', key: ['c'] },
      { kind: 'pair', key: ['d'] },
      { kind: 'pair', key: ['e'] },
      { kind: 'table', key: ['host', 'https://a'] },
      { kind: 'pair', key: ['q = [', 'x'] },
      { kind: 'table', key: ['host', 'https://b\\c', 'header'] },
      { kind: 'array', key: ['host'] },
      { kind: 'table', key: ['7'] },
      { kind: 'table', key: ['host', 'A'] },
    ]);
  });

  test('neither the parser nor the order of expressions throws or hangs on anything', () => {
    const piece = fc.constantFrom('[', ']', '"', "'", '"""', "'''", '=', '\n', '#', '{', '}', ',', '\\', 'a', '.', ' ');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece).map((parts) => parts.join('')),
          fc.string(),
        ),
        (text) => {
          parseToml(text, 2);
          expressionsOf(text);
        },
      ),
    );
  });
});

describe('where the two go-tomls differ', () => {
  test.each([
    ['a byte order mark', '\uFEFFa = 1\n', true, false],
    ['brackets in the quotes of a header', '[host."http://[::1]:5000"]\n', false, true],
    ["brackets in the quotes of an array's header", '[["a[0]"]]\n', false, true],
    ['brackets in the quotes of a key', '"http://[::1]:5000" = 1\n', true, true],
    ['brackets in a comment behind a header', '[a."b"] # [c]\n', true, true],
    ['brackets in an array of strings', '[a."b"]\nclient = [["[", "]"]]\n', true, true],
  ])('%s', (_, text, v1, v2) => {
    expect([parseToml(text, 1).ok, parseToml(text, 2).ok]).toEqual([v1, v2]);
  });
});
