/** Warnings as the OCI distribution specification writes them, and what comes in their place. */
import { expect, test } from 'vitest';
import { readAnnouncements } from '#registry/http/warning-header.ts';

test.each<readonly [string, readonly string[], readonly string[]]>([
  ['one', ['299 - "Your token expires in 30 seconds."'], ['Your token expires in 30 seconds.']],
  ['two headers', ['299 - "a"', '299 - "b"'], ['a', 'b']],
  ['two in one', ['299 - "a", 299 - "b, still b"'], ['a', 'b, still b']],
  ['the same twice', ['299 - "a"', '299 - "a"'], ['a']],
  ['with an agent and a date', ['299 hub "a" "Wed, 04 Mar 2026 12:00:00 GMT"'], ['a']],
  ['quoted quotes', ['299 - "move to \\"new\\""'], ['move to "new"']],
  ["a cache's own", ['110 - "Response is Stale"', '199 - "x"'], []],
  ['nothing', [], []],
  ['no text', ['299 - ""', '299 - "  "'], []],
  ['not closed', ['299 - "a'], []],
  ['no shape', ['hello', '299', '"299 - "'], []],
])('%s', (_, values, texts) => {
  expect(readAnnouncements(values)).toEqual(texts);
});

test('a flood is cut', () => {
  const flood = readAnnouncements(Array.from({ length: 1000 }, (_, n) => `299 - "${n} ${'x'.repeat(5000)}"`));
  expect(flood).toEqual([]);
  expect(readAnnouncements(Array.from({ length: 1000 }, (_, n) => `299 - "${n} ${'x'.repeat(500)}"`))).toHaveLength(4);
  expect(Math.max(...readAnnouncements([`299 - "${'y'.repeat(3000)}"`]).map(({ length }) => length))).toBe(240);
});
