import { describe, expect, test } from 'vitest';
import { backOffMs } from '#budget/back-off.ts';
import { costBefore, perMinuteOf } from '#budget/budgets.ts';
import { budgets } from '#budget/registries.ts';
import { firstDelayMs, restOf } from '#budget/cadence.ts';
import { isPrivateName, budgetKeyOf } from '#budget/key.ts';
import type { Demand } from '#kubelet/demand.ts';
import { demandFor } from '../kit/stage.ts';

const own = {};

describe('the budget of a registry', () => {
  test.each([
    ['docker.io', false, 60],
    ['public.ecr.aws', false, 6],
    ['europe-docker.pkg.dev', false, 300],
    ['1234.dkr.ecr.eu-central-1.amazonaws.com', false, 600],
    ['nobody.example', false, 60],
    ['nobody.example:5000', true, 6000],
    ['docker.io', true, 60],
  ])('%s (in a private network: %s) is %i', (registry, isPrivate, expected) => {
    expect(perMinuteOf(registry, { own, isPrivate })).toBe(expected);
  });

  test("is the operator's where there is one, the narrowest first", () => {
    const logged = { '*.pkg.dev': 7, 'quay.io': 5, private: 9, '*': 8 };
    const of = (registry: string, isPrivate = false): number => perMinuteOf(registry, { own: logged, isPrivate });
    expect([of('a.pkg.dev'), of('quay.io:443'), of('x.y'), of('x.y', true), of('docker.io')]).toEqual([7, 5, 8, 9, 60]);
  });

  test('is no property of every object', () => {
    expect(perMinuteOf('constructor', { own, isPrivate: false })).toBe(60);
    expect(perMinuteOf('__proto__', { own, isPrivate: false })).toBe(60);
  });

  test('has a reason each, and each registry once', () => {
    expect(budgets.every(({ because }) => because.length > 5)).toBe(true);
    expect(new Set(budgets.map(({ registry }) => registry)).size).toBe(budgets.length);
    expect(costBefore('docker.io')).toBeLessThan(costBefore('nobody.example'));
  });
});

describe('a lane', () => {
  test.each([
    ['docker.io', 'origin', 'registry-1.docker.io', 'docker.io'],
    ['docker.io', 'mirror', 'mirror.corp:5000', 'mirror.corp:5000'],
    ['index.docker.io', 'origin', 'index.docker.io', 'docker.io'],
    ['quay.io', 'mirror', 'registry-1.docker.io', 'docker.io'],
    ['Quay.io', 'origin', 'quay.io', 'quay.io'],
  ] as const)('of an image of %s at its %s %s is %s', (registry, role, authority, budgetKey) => {
    expect(budgetKeyOf(registry, { role, authority })).toBe(budgetKey);
  });

  test.each([
    ['127.0.0.1:5000', true],
    ['[fd00::1]:5000', true],
    ['registry:5000', true],
    ['harbor.corp.internal', true],
    ['registry.kube-system.svc', true],
    ['192.0.2.1', false],
    ['quay.io', false],
  ])('%s is private by its name: %s', (budgetKey, expected) => {
    expect(isPrivateName(budgetKey)).toBe(expected);
  });
});

describe('what is well', () => {
  const day = 24 * 3_600_000;
  const pulled = { atMs: 0, ms: 1, is: 'pulls' } as const;
  const calmOf = (history: Parameters<typeof restOf>[1], nowMs: number): number =>
    restOf({ ...demandFor('a'), policy: 'Always' }, history, nowMs);

  test.each([
    ['for an hour', day / 24, 1],
    ['for a day', day, 2],
    ['for a week', 7 * day, 4],
    ['for a year', 365 * day, 4],
  ])('%s is asked about every %i-th time', (_, forMs, cadences) => {
    expect(calmOf({ sinceMs: 0, recent: [pulled] }, forMs)).toBe(cadences);
  });

  test('is what pulls, not what fails for a week', () => {
    const failed = { ...pulled, is: 'fails' } as const;
    expect(calmOf({ sinceMs: 0, recent: [failed] }, 7 * day)).toBe(1);
    expect(calmOf({ recent: [] }, 7 * day)).toBe(1);
  });

  test('rests for twelve cadences at most, whatever else would let it rest', () => {
    const resting: Demand = { ...demandFor('a'), asks: 'no' };
    expect(restOf(resting, { sinceMs: 0, recent: [pulled] }, 7 * day)).toBe(12);
  });
});

test('one agent does not wait for its first pass; thousands are spread, within one cadence', () => {
  expect([1, 20, 5_000, 1_000_000].map((agents) => firstDelayMs(agents, 300_000))).toEqual([0, 0, 50_000, 300_000]);
});

describe('a host that said "too many"', () => {
  const minute = 60_000;
  const wait = (scope: 'abuse' | 'login' | 'quota', strikes: number, retryAfterS?: number, dice = 0): number =>
    backOffMs({ scope, ...(retryAfterS === undefined ? {} : { retryAfterS }) }, { strikes, dice });

  test('is left alone for a minute, then for twice as long each time, for an hour at most', () => {
    expect([1, 2, 3, 7, 100].map((strikes) => wait('abuse', strikes) / minute)).toEqual([1, 2, 4, 60, 60]);
  });

  test('is taken at its word, and never asked sooner', () => {
    expect(wait('abuse', 1, 9)).toBe(9_000);
    expect(wait('abuse', 3, 9)).toBe(4 * minute);
    expect(wait('abuse', 1, 7_200)).toBe(7_200_000);
    expect(wait('quota', 1, 7_200, 0.99)).toBeGreaterThanOrEqual(7_200_000);
  });

  test('about a login is left alone for a quarter of an hour', () => {
    expect(wait('login', 1)).toBe(15 * minute);
    expect(wait('login', 1, 60)).toBe(15 * minute);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -5, 1e12])('a senseless Retry-After of %d is bounded', (asked) => {
    expect(wait('abuse', 1, asked)).toBeGreaterThanOrEqual(minute);
    expect(wait('abuse', 1, asked)).toBeLessThanOrEqual(24 * 60 * minute);
  });
});
