import { expect, test } from 'vitest';
import { installed, needs } from './installed.ts';

test('a program is found where it is', () => {
  expect(installed('sh')).toMatch(/\/sh$/);
  expect(installed('no-such-program')).toBeUndefined();
});

test('nothing missing is no reason to leave anything out', () => {
  expect(needs(['sh'])).toBe(true);
});
