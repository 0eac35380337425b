/** What comes and goes is held, the longer the oftener; nothing that fails is hidden or late. */
import { describe, expect, test } from 'vitest';
import { damp, learnHeld, type HeldSet } from '#forecast/damping.ts';
import type { Forecast } from '#forecast/forecast.ts';

const noon = Date.parse('2026-03-04T12:00:00.000Z');
const minute = 60_000;
const down: Forecast = {
  rule: 'route-down',
  about: 'mirror.test',
  fault: 'tcp.refused',
  likelihood: 'possible',
  effect: 'fails',
  withinS: 3_600,
  because: 'mirror.test fails',
  remedy: 'Mend it.',
};
const other: Forecast = { ...down, about: 'other.test', withinS: 60 };

/** `x` sees `down`, `.` does not; what each rehearsal told, `X` where it was told as seen, `h` as held, `.` not at all. */
function shown(sights: string, apartMs = 5 * minute): string {
  let held: HeldSet = {};
  return Array.from(sights)
    .map((clusterState, index) => {
      const nowMs = noon + index * apartMs;
      const logged = damp(held, clusterState === 'x' ? [down] : [], nowMs);
      held = learnHeld(held, logged, nowMs);
      const [first] = logged;
      return first === undefined ? '.' : first.seen === undefined ? 'X' : 'h';
    })
    .join('');
}

test.each([
  ['what was never seen', '.....', '.....'],
  ['what stays', 'xxxxx', 'XXXXX'],
  ['what is over goes after two rehearsals without it', 'x....', 'Xh...'],
  ['what comes and goes each time stays told', 'x.x.x.x.x.', 'XhXhXhXhXh'],
  ['what comes back is held for twice as long, and so on', 'x..x.....x.........', 'Xh.Xhhh..Xhhhhhhh..'],
])('%s', (_, sights, expected) => {
  expect(shown(sights)).toBe(expected);
});

test('it is let go after two rehearsals at least, however far apart they are', () => {
  expect(shown('x.x.x...', 6 * 60 * minute)).toBe('XhXhXh..');
});

test('on a slow schedule two are enough, once the time is up', () => {
  expect(shown('x..x.....', 2 * 60 * minute)).toBe('Xh.Xh....');
});

test('what stayed away for a day begins anew', () => {
  expect(shown('x..' + '.'.repeat(24 * 12) + 'x...')).toMatch(/^Xh\.+Xh\.\.$/);
});

test('since when it is told, what is left of its time, and when it was seen last', () => {
  const held = learnHeld(learnHeld({}, [down], noon), [down], noon + 5 * minute);
  expect(damp(held, [], noon + 10 * minute)).toEqual([
    { ...down, withinS: 3_300, since: '2026-03-04T12:00:00.000Z', seen: '2026-03-04T12:05:00.000Z' },
  ]);
  expect(damp(held, [down], noon + 10 * minute)).toEqual([{ ...down, since: '2026-03-04T12:00:00.000Z' }]);
  expect(damp(held, [], noon + 90 * minute)[0]?.withinS).toBe(0);
});

test('as it is found now it is told, whatever was held before', () => {
  const held = learnHeld({}, [down], noon);
  expect(damp(held, [{ ...down, likelihood: 'certain', withinS: 5 }], noon + minute)).toMatchObject([
    { likelihood: 'certain', withinS: 5 },
  ]);
});

test('what can not be told now was not seen either: the held one stands for it', () => {
  const held = learnHeld({}, [down], noon);
  const untold: Forecast = { ...down, likelihood: 'unknown' };
  expect(damp(held, [untold], noon + minute)).toMatchObject([
    { likelihood: 'possible', seen: '2026-03-04T12:00:00.000Z' },
  ]);
  expect(damp({}, [untold], noon)).toEqual([untold]);
  expect(learnHeld({}, [untold], noon)).toEqual({});
});

test('the most urgent comes first, held or not', () => {
  const held = learnHeld({}, [down], noon);
  expect(damp(held, [other], noon + minute).map(({ about }) => about)).toEqual(['other.test', 'mirror.test']);
});

describe('what is remembered', () => {
  test('is bounded', () => {
    const many = Array.from({ length: 100 }, (_, n) => ({ ...down, about: `h${n}.test` }));
    expect(Object.keys(learnHeld({}, many, noon)).length).toBeLessThanOrEqual(24);
  });

  test('a name that objects have of themselves is one like any other', () => {
    expect(damp({}, [{ ...down, rule: '__proto__', about: 'constructor' }], noon)).toHaveLength(1);
  });
});
