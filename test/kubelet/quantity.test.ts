import { expect, test } from 'vitest';
import { parseQuantity } from '#kubelet/quantity.ts';

test.each([
  ['0', 0],
  ['100Mi', 100 * 1024 ** 2],
  ['1.5Gi', 1.5 * 1024 ** 3],
  ['1G', 1e9],
  ['2k', 2000],
  ['2e3', 2000],
  ['2E3', 2000],
  ['1E', 1e18],
  ['500m', 1],
  ['.5', 1],
  ['1n', 1],
  ['-1Gi', -(1024 ** 3)],
])('%s is %d', (text, value) => {
  expect(parseQuantity(text)).toBe(value);
});

test.each(['', 'much', '1K', '1 Gi', '10%', '1Gi ', '1e', '1e9999', '0x10', '1kk', '١Gi'])('%j is none', (text) => {
  expect(parseQuantity(text)).toBeUndefined();
});
