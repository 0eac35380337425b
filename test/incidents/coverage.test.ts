/** The table of incidents against their tests: what it claims is replayed, and the rest has a reason. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rows } from '../kit/incident-rows.ts';

const all = Object.entries(rows).map(([number, row]) => ({ number: Number(number), ...row }));

async function replayed(): Promise<readonly number[]> {
  const names = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.test.ts'));
  const texts = await Promise.all(names.map((name) => readFile(join(import.meta.dirname, name), 'utf8')));
  return texts.flatMap((text) => [...text.matchAll(/^ *incident\(\s*(\d+),/gm)].map(([, number]) => Number(number)));
}

test('every incident that is seen as a verdict or predicted is replayed, and none twice', async () => {
  const numbers = await replayed();
  const seen = all.filter(({ seen: how }) => how !== 'no').map(({ number }) => number);
  expect(seen.filter((number) => !numbers.includes(number))).toEqual([]);
  expect(numbers.filter((number, index) => numbers.indexOf(number) !== index)).toEqual([]);
  expect(numbers.filter((number) => rows[number] === undefined)).toEqual([]);
});

test('every incident that no node sees has a reason', () => {
  for (const { seen, why } of all) expect(why === undefined).toBe(seen !== 'no');
});

test('the rows are numbered from 1 on without a gap, and no issue is listed twice', () => {
  expect(all.map(({ number }) => number)).toEqual(all.map((_, index) => index + 1));
  expect(new Set(all.map(({ issue }) => issue)).size).toBe(all.length);
});
