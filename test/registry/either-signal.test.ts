import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { eitherOf } from '#registry/either-signal.ts';

test.each([0, 1])('ends with whichever ends first: %i', (which) => {
  const controllers = [new AbortController(), new AbortController()] as const;
  const { signal } = eitherOf(controllers[0].signal, controllers[1].signal);
  expect(signal.aborted).toBe(false);
  controllers[which]?.abort();
  expect(signal.aborted).toBe(true);
});

test('has ended from the start where one had', () => {
  expect(eitherOf(AbortSignal.abort(), new AbortController().signal).signal.aborted).toBe(true);
});

test('leaves nothing behind when it is released', () => {
  const long = new AbortController();
  const short = new AbortController();
  const { signal, release } = eitherOf(short.signal, long.signal);
  release();
  expect(getEventListeners(long.signal, 'abort')).toEqual([]);
  expect(getEventListeners(short.signal, 'abort')).toEqual([]);
  long.abort();
  expect(signal.aborted).toBe(false);
});
