import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GoJson } from '#go/json.ts';
import { readGoJson } from '#go/json.ts';

function why(text: string): string {
  const read = readGoJson(text);
  return read.ok ? 'fine' : read.why;
}

describe('a syntax error reads as in Go (encoding/json scanner.go)', () => {
  test.each([
    ['', 'unexpected end of JSON input'],
    ['  ', 'unexpected end of JSON input'],
    ['{', 'unexpected end of JSON input'],
    ['{"a"', 'unexpected end of JSON input'],
    ['{"a":', 'unexpected end of JSON input'],
    ['{"a":1', 'unexpected end of JSON input'],
    ['[1,', 'unexpected end of JSON input'],
    ['"abc', 'unexpected end of JSON input'],
    ['x', "invalid character 'x' looking for beginning of value"],
    ['\ufeff{}', "invalid character 'ï' looking for beginning of value"],
    ['\u0000', String.raw`invalid character '\x00' looking for beginning of value`],
    ['\u00a0', "invalid character 'Â' looking for beginning of value"],
    ["'a'", String.raw`invalid character '\'' looking for beginning of value`],
    ['}', "invalid character '}' looking for beginning of value"],
    ['[1,]', "invalid character ']' looking for beginning of value"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
    ['{"a":1]', "invalid character ']' after object key:value pair"],
    ['[1 2]', "invalid character '2' after array element"],
    ['[1}', "invalid character '}' after array element"],
    ['{} x', "invalid character 'x' after top-level value"],
    ['{}{', "invalid character '{' after top-level value"],
    ['"a\nb"', String.raw`invalid character '\n' in string literal`],
    ['"a\tb"', String.raw`invalid character '\t' in string literal`],
    [String.raw`"\x"`, "invalid character 'x' in string escape code"],
    ['"\\', "invalid character ' ' in string escape code"],
    [String.raw`"\u00g0"`, String.raw`invalid character 'g' in \u hexadecimal character escape`],
    ['-', "invalid character ' ' in numeric literal"],
    ['-a', "invalid character 'a' in numeric literal"],
    ['01', "invalid character '1' after top-level value"],
    ['1.', "invalid character ' ' after decimal point in numeric literal"],
    ['1e+', "invalid character ' ' in exponent of numeric literal"],
    ['tru', "invalid character ' ' in literal true (expecting 'e')"],
    ['falsy', "invalid character 'y' in literal false (expecting 'e')"],
    ['nil', "invalid character 'i' in literal null (expecting 'u')"],
    ['TRUE', "invalid character 'T' looking for beginning of value"],
    ['['.repeat(10_001), "invalid character '[' exceeded max depth"],
    ['{"a":'.repeat(10_001), "invalid character '{' exceeded max depth"],
    [`${'['.repeat(10_000)}${']'.repeat(10_000)}`, 'fine'],
  ])('%#', (text, expected) => {
    expect(why(text)).toBe(expected);
  });
});

test('members keep the order of the text and every duplicate', () => {
  expect(readGoJson('{"b":1,"2":null,"b":[true]}')).toEqual({
    ok: true,
    value: {
      is: 'object',
      members: [
        { key: 'b', value: { is: 'number', text: '1' } },
        { key: '2', value: { is: 'null' } },
        { key: 'b', value: { is: 'array', items: [{ is: 'bool', value: true }] } },
      ],
    },
  });
});

test('half a surrogate pair becomes the replacement character', () => {
  expect(readGoJson(String.raw`"\ud800x\u00e9"`)).toEqual({ ok: true, value: { is: 'string', value: '\ufffdxé' } });
});

describe('properties', () => {
  test('it agrees with JSON.parse on every JSON text', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const read = readGoJson(text);
        expect(read.ok && JSON.stringify(plain(read.value))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  test('it refuses exactly what JSON.parse refuses, and never throws', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '1',
      '-',
      '.',
      'e',
      'true',
      'null',
      ' ',
      '\\',
      'u',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((all) => all.join('')),
        ),
        (text) => {
          expect(readGoJson(text).ok).toBe(parses(text));
        },
      ),
      { numRuns: 3000 },
    );
  });
});

function parses(text: string): boolean {
  try {
    JSON.parse(text.toWellFormed());
    return true;
  } catch {
    return false;
  }
}

function plain(json: GoJson): unknown {
  switch (json.is) {
    case 'null':
      return null;
    case 'bool':
    case 'string':
      return json.value;
    case 'number':
      return Number(json.text);
    case 'array':
      return json.items.map(plain);
    case 'object':
      return Object.fromEntries(json.members.map(({ key, value }) => [key, plain(value)]));
  }
}
