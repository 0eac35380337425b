/** How often mirrors are asked for tags themselves. */
import { describe, expect, test } from 'vitest';
import { isTagDue, tagRestMs } from '#budget/cadence.ts';
import { Pacer } from '#budget/pacer.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

describe('a tag', () => {
  test.each([
    ['at once', 0, hourMs],
    ['within the hour', hourMs / 2, hourMs],
    ['within some hours', 3 * hourMs, 3 * hourMs],
    ['within days', 100 * hourMs, 100 * hourMs],
    ['never', Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ])('whose round goes by %s is asked for as often, and every hour at most', (_, roundMs, restMs) => {
    expect(tagRestMs(roundMs)).toBe(restMs);
  });

  test('is due once in each rest, at a moment that is its own', () => {
    const own = { restMs: hourMs, name: 'node-7 docker.io/library/nginx:1' };
    const due: number[] = [];
    let askedMs = 0;
    for (let nowMs = 0; nowMs < 24 * hourMs; nowMs += minuteMs) {
      if (!isTagDue(own, { askedMs, nowMs })) continue;
      due.push(nowMs);
      askedMs = nowMs;
    }
    expect(due).toHaveLength(24);
    expect(new Set(due.slice(1).map((at, i) => at - (due[i] ?? 0)))).toEqual(new Set([hourMs]));
    const others = ['node-8 docker.io/library/nginx:1', 'node-7 docker.io/library/nginx:2'];
    const phases = others.map((name) => {
      for (let nowMs = 0; ; nowMs += minuteMs) if (isTagDue({ ...own, name }, { askedMs: 0, nowMs })) return nowMs;
    });
    expect(new Set([due[0], ...phases]).size).toBe(3);
  });

  test('that nobody may ask for is never due', () => {
    expect(isTagDue({ restMs: Number.POSITIVE_INFINITY, name: 'a' }, { askedMs: 0, nowMs: 1_000 * hourMs })).toBe(
      false,
    );
  });

  test('that was asked for in a time to come, before the clock was set back, is due when that has passed', () => {
    const own = { restMs: hourMs, name: 'a' };
    expect(isTagDue(own, { askedMs: 10 * hourMs, nowMs: hourMs })).toBe(false);
    expect(isTagDue(own, { askedMs: 10 * hourMs, nowMs: 12 * hourMs })).toBe(true);
  });
});

describe('between two questions for each of 50 tags', () => {
  const restHours = (budgetKey: string, agents: number, budgets = {}): number =>
    Math.round((new Pacer('node-7', { agents, budgets }).tagRestMs(budgetKey, 50) / hourMs) * 10) / 10;

  test.each([
    ['docker.io', 1, 1],
    ['docker.io', 10, 1],
    ['docker.io', 100, 2.4],
    ['docker.io', 5_000, 118.2],
    ['public.ecr.aws', 1, 1],
    ['registry.corp.internal', 5_000, 1],
  ])('of %s, %i agents rest so long that its budget bears them', (budgetKey, agents, hours) => {
    expect(restHours(budgetKey, agents)).toBe(hours);
  });

  test('an operator may allow more', () => {
    expect(restHours('docker.io', 100, { 'docker.io': 6_000 })).toBe(1);
  });
});

test('a hundred agents that were started together ask the registry behind their mirror within its budget in every minute', () => {
  const nodes = Array.from({ length: 100 }, (_, i) => `node-${i}`);
  const tags = Array.from({ length: 50 }, (_, i) => `docker.io/library/app-${i}:1`);
  const perMinute = new Map<number, number>();
  for (const [i, node] of nodes.entries()) {
    const restMs = new Pacer(node, { agents: nodes.length, budgets: {} }).tagRestMs('docker.io', tags.length);
    const asked = new Map(tags.map((tag) => [tag, 0]));
    // Their passes, every five minutes, are spread over these.
    for (let nowMs = i * 3_000; nowMs < 8 * hourMs; nowMs += 5 * minuteMs) {
      for (const [tag, askedMs] of asked) {
        if (!isTagDue({ restMs, name: `${node} ${tag}` }, { askedMs, nowMs })) continue;
        asked.set(tag, nowMs);
        const minute = Math.floor(nowMs / minuteMs);
        perMinute.set(minute, (perMinute.get(minute) ?? 0) + 1);
      }
    }
  }
  const counts = [...perMinute.values()];
  expect(Math.max(...counts)).toBeLessThanOrEqual(60);
  expect(
    counts.reduce((sum, count) => sum + count, 0),
    'each tag of each node every rest',
  ).toBeGreaterThan(3 * 5_000);
});
