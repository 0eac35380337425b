import { expect, test } from 'vitest';
import { tidied } from '#agent/release-memory.ts';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let n = 0; n < count; n += 1) yield await Promise.resolve(n);
}

async function pass(count: number): Promise<{ readonly seen: readonly number[]; readonly at: readonly number[] }> {
  const seen: number[] = [];
  const at: number[] = [];
  for await (const n of tidied(numbers(count), () => at.push(seen.length))) seen.push(n);
  return { seen, at };
}

test.each([
  [0, [0]],
  [1, [0, 1]],
  [25, [0, 25]],
  [60, [0, 25, 50, 60]],
])('in a pass of %i memory is given back at %j, and nothing is lost', async (count, at) => {
  const { seen, at: tidiedAt } = await pass(count);
  expect(seen).toEqual(Array.from({ length: count }, (_, n) => n));
  expect(tidiedAt).toEqual(at);
});

test('where nothing can be given back the pass goes on as it is', async () => {
  const seen: number[] = [];
  for await (const n of tidied(numbers(3), undefined)) seen.push(n);
  expect(seen).toEqual([0, 1, 2]);
});
