import { expect, test } from 'vitest';
import { atLeast } from '#runtime/version.ts';
import { versionOf } from '../kit/stage.ts';

test.each([
  ['2.1.9', [2, 1, 9], true],
  ['2.1.9', [2, 1, 10], false],
  ['2.1.9', [2, 2, 0], false],
  ['2.1.9', [1, 7, 99], true],
  ['2.1.9', [3, 0, 0], false],
] as const)('%s is at least %j: %s', (text, [major, minor, patch], expected) => {
  expect(atLeast(versionOf(text), major, minor, patch)).toBe(expected);
});
