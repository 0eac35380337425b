/** No registry is hammered by a fleet: the real pace code on virtual time, in short. `npm run bench -- fleet` is the long form. */
import { describe, expect, test } from 'vitest';
import { minuteMs, mirrored, ordinary, simulate, type Told } from '../kit/fleet.ts';

const above = ({ peaks }: Told): readonly string[] =>
  peaks
    .filter(({ perMinute, budget }) => perMinute > budget)
    .map(({ budgetKey, perMinute }) => `${budgetKey} ${perMinute}`);

describe('five thousand nodes behind one address', { timeout: 60_000 }, () => {
  test('hold every budget, while they start, are rolled out anew, and after an outage of everything', () => {
    const shown = simulate({
      nodes: 5_000,
      registries: ordinary,
      forMs: 60 * minuteMs,
      rollOutMs: 15 * minuteMs,
      outage: [30 * minuteMs, 40 * minuteMs],
      newImagesMs: 45 * minuteMs,
    });
    expect(above(shown)).toEqual([]);
    expect(shown.peaks.find(({ budgetKey }) => budgetKey === 'docker.io')?.perMinute).toBeGreaterThan(0);
    expect(shown.apiCallsPerSecond).toBeLessThan(15);
  });
});

test('a node alone has rehearsed everything within minutes', () => {
  const shown = simulate({ nodes: 1, registries: ordinary, forMs: 15 * minuteMs });
  expect(above(shown)).toEqual([]);
  expect(shown.seen).toBe(1);
});

// One fleet in twenty has names that meet (share.test.ts counts them); these do not.
test.each([
  [4, 8, 0.9],
  [8, 48, 0.9],
  [20, 7 * 24, 0.9],
])('%i nodes hold small budgets as well, and in %i hours they have asked', (nodes, hours, share) => {
  const shown = simulate({ nodes, registries: ordinary, forMs: hours * 60 * minuteMs, rollOutMs: 2 * 60 * minuteMs });
  expect(above(shown)).toEqual([]);
  expect(shown.seenAt['public.ecr.aws']).toBeGreaterThanOrEqual(share);
});

test('what a hundred agents that thought themselves alone would do is above the budget: the simulation would show it', () => {
  const [hub] = ordinary;
  const shown = simulate({ nodes: 100, registries: hub === undefined ? [] : [hub], forMs: 5 * minuteMs, believed: 1 });
  expect(above(shown)).not.toEqual([]);
});

describe(
  'a mirror that fails, and whose fleet would fall through to the registries behind it all at once',
  { timeout: 60_000 },
  () => {
    const story = { registries: mirrored, mirrorsFail: [15 * minuteMs, 30 * minuteMs] } as const;

    test('five thousand nodes hold every budget while it fails and when it serves again', () => {
      const shown = simulate({ ...story, nodes: 5_000, forMs: 40 * minuteMs });
      expect(above(shown)).toEqual([]);
      expect(shown.peaks.find(({ budgetKey }) => budgetKey === 'docker.io')?.perMinute).toBeGreaterThan(0);
    });

    test('nobody says of an image what it cannot know, and the longer the mirror serves again the fewer are left', () => {
      const [during, soonAfter, after] = [30, 45, 75].map(
        (minutes) => simulate({ ...story, nodes: 100, forMs: minutes * minuteMs }).open,
      );
      expect(during).toBeGreaterThan(0.3);
      expect(soonAfter).toBeLessThan((during ?? 0) / 2);
      expect(after).toBeLessThan(0.01);
    });

    test('without the gate in front of the origin they would exceed it', () => {
      const shown = simulate({ ...story, nodes: 100, forMs: 30 * minuteMs, ungated: true });
      expect(above(shown).join()).toContain('docker.io');
    });
  },
);

describe('a fleet that books its turns together', { timeout: 60_000 }, () => {
  const story = { registries: ordinary, forMs: 4 * 60 * minuteMs, rollOutMs: 60 * minuteMs } as const;
  const ecr = 'public.ecr.aws';

  test('asks ECR Public, which as many agents that do not hardly ever would, within its budget', () => {
    const [apart, together] = [false, true].map((is) => simulate({ ...story, nodes: 100, together: is }));
    expect(apart?.seenAt[ecr]).toBe(0);
    expect(together?.seenAt[ecr]).toBeGreaterThan(0.5);
    expect(together === undefined ? [] : above(together)).toEqual([]);
  });

  test('whatever its clocks say', () => {
    const shown = simulate({ ...story, nodes: 300, together: true, skewMs: 30 * minuteMs });
    expect(above(shown)).toEqual([]);
    expect(shown.seenAt['docker.io']).toBeGreaterThan(0.5);
  });

  test('twenty agents, two of whom would else meet in one minute, are within it as well', () => {
    expect(above(simulate({ ...story, nodes: 20, together: true }))).toEqual([]);
  });

  test('five thousand ask the API server less than three times a second for it', () => {
    const shown = simulate({ ...story, nodes: 5_000, forMs: 60 * minuteMs, together: true });
    expect(above(shown)).toEqual([]);
    expect(shown.turnCalls.worstPerSecond).toBeGreaterThan(0);
    expect(shown.turnCalls.worstPerSecond).toBeLessThan(3);
  });
});
