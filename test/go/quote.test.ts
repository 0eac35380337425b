import { expect, test } from 'vitest';
import { goQuote } from '#go/quote.ts';

test.each([
  ['reg.test/app:v1', '"reg.test/app:v1"'],
  ['a b', '"a b"'],
  ['a\u00a0b', String.raw`"a\u00a0b"`],
  ['a\u200b', String.raw`"a\u200b"`],
  ['\ufeffa', String.raw`"\ufeffa"`],
  ['a\nb\tc', String.raw`"a\nb\tc"`],
  ['a"b\\c', String.raw`"a\"b\\c"`],
  ['\u0000\u007f', String.raw`"\x00\x7f"`],
  ['\u0085', String.raw`"\u0085"`],
  ['bücher', '"bücher"'],
  ['\u{e0001}', String.raw`"\U000e0001"`],
])('%j', (text, quoted) => {
  expect(goQuote(text)).toBe(quoted);
});
