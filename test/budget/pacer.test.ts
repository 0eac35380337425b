/** Who may go, in which lane: what is set aside, what comes back, and who may go on into a lane that nobody foresaw. */
import { describe, expect, test } from 'vitest';
import { Pacer } from '#budget/pacer.ts';

const minute = 60_000;
const began = Date.parse('2026-03-04T12:00:00Z');
const mirror = 'mirror.corp.internal';

function fleetOf(agents: number): Pacer {
  return new Pacer('node-7', { agents, budgets: {} });
}

/** When it may go in this lane next. */
function momentOf(pacer: Pacer, budgetKey: string, fromMs = began): number {
  return pacer.nextMs({ id: 'nobody', budgetKeys: [budgetKey] }, fromMs);
}

describe('one agent of thousands', () => {
  test('let in by its mirror, it may not go on to the registry behind it, but at the moment of that', () => {
    const pacer = fleetOf(5_000);
    const atMs = momentOf(pacer, mirror);
    expect(pacer.admits({ id: 'a', budgetKeys: [mirror] }, atMs)).toBe(true);
    expect(pacer.enters('a', mirror, atMs)).toBe(true);
    expect(pacer.enters('a', 'docker.io', atMs)).toBe(false);
    const later = momentOf(pacer, 'docker.io', atMs);
    expect(later).toBeGreaterThan(atMs);
    expect(pacer.enters('a', 'docker.io', later)).toBe(true);
  });

  test('let in by the registry, it may ask its mirror before, and passes up the mirror’s next moment', () => {
    const pacer = fleetOf(5_000);
    const atMs = momentOf(pacer, 'docker.io');
    expect(pacer.admits({ id: 'a', budgetKeys: [mirror, 'docker.io'] }, atMs)).toBe(true);
    expect(pacer.enters('a', mirror, atMs)).toBe(true);
    const untouched = momentOf(fleetOf(5_000), mirror, atMs + 1);
    expect(momentOf(pacer, mirror, atMs + 1)).toBeGreaterThanOrEqual(untouched);
    expect(momentOf(pacer, mirror, atMs + 1) - atMs).toBeGreaterThan(0.8 * pacer.roundMs(mirror, 1));
  });

  test('a moment that was taken on the way comes back where nobody was asked after all', () => {
    const pacer = fleetOf(5_000);
    const atMs = momentOf(pacer, 'docker.io');
    expect(pacer.enters('a', 'docker.io', atMs)).toBe(true);
    pacer.settle('a', new Map(), atMs);
    expect(pacer.admits({ id: 'b', budgetKeys: ['docker.io'] }, atMs)).toBe(true);
  });

  test('and stays spent where somebody was, or nobody can tell', () => {
    const pacer = fleetOf(5_000);
    const atMs = momentOf(pacer, 'docker.io');
    pacer.enters('a', 'docker.io', atMs);
    pacer.settle('a', new Map([['docker.io', 3]]), atMs);
    expect(pacer.enters('b', 'docker.io', atMs)).toBe(false);
    const other = fleetOf(5_000);
    other.enters('a', 'docker.io', atMs);
    other.abandon('a');
    expect(other.enters('a', 'docker.io', atMs)).toBe(false);
  });

  test('between lanes whose turns are as rare, one turn opens both, once a round', () => {
    const pacer = fleetOf(5_000);
    const [one, other] = ['one.example.com', 'other.example.com'];
    const atMs = momentOf(pacer, one);
    expect(pacer.admits({ id: 'a', budgetKeys: [one, other] }, atMs)).toBe(true);
    expect(pacer.enters('a', other, atMs)).toBe(true);
    pacer.settle('a', new Map([one, other].map((budgetKey) => [budgetKey, 4])), atMs);
    const next = momentOf(pacer, other, atMs);
    expect(next - atMs).toBeGreaterThan(0.8 * pacer.roundMs(other, 1));
  });
});

test('a few agents pay from both purses, and stop where one is empty', () => {
  const pacer = fleetOf(3);
  let entered = 0;
  for (let i = 0; i < 100; i += 1) {
    if (!pacer.admits({ id: `i${i}`, budgetKeys: [mirror] }, began)) break;
    if (pacer.enters(`i${i}`, 'docker.io', began)) entered += 4;
  }
  expect(entered).toBeGreaterThan(0);
  expect(entered).toBeLessThanOrEqual(60 / 3);
});

test('an image that nobody let in yet goes nowhere but at its moment', () => {
  const pacer = fleetOf(5_000);
  const atMs = momentOf(pacer, 'docker.io');
  expect(pacer.enters('a', 'docker.io', atMs - minute)).toBe(false);
  expect(pacer.enters('a', 'docker.io', atMs)).toBe(true);
});

test('the lane whose turns are rarest is the strictest, whatever its budget is called', () => {
  const pacer = new Pacer('node-7', { agents: 5_000, budgets: { 'dear.example.com': 60, 'docker.io': 60 } });
  expect(pacer.strictest(['docker.io', 'dear.example.com'])).toBe('dear.example.com');
  expect(pacer.strictest([])).toBeUndefined();
});
