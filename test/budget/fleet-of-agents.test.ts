/** As fleet.test.ts, with the real book and the real choice: re-tries, knocks and back-off of a fleet whose registries fail. */
import { describe, expect, test } from 'vitest';
import { simulateBooks, type BooksTold, type Episode } from '../kit/fleet-of-books.ts';
import { minuteMs, mirrored, ordinary } from '../kit/fleet.ts';

const above = ({ peaks }: BooksTold): readonly string[] =>
  peaks
    .filter(({ perMinute, budget }) => perMinute > budget)
    .map(({ budgetKey, perMinute }) => `${budgetKey} ${perMinute}`);

const everywhere = (is: Episode['is'], from: number, to: number): readonly Episode[] =>
  ordinary.map(({ budgetKey: host }) => ({ host, is, fromMs: from * minuteMs, toMs: to * minuteMs }));

describe.each([1, 100])('%i agents with their books', { timeout: 60_000 }, (nodes) => {
  test.each(['shut', 'broken', 'limiting', 'gone'] as const)(
    'hold every budget while all registries are %s, and afterwards',
    async (is) => {
      const shown = await simulateBooks({
        nodes,
        registries: ordinary,
        forMs: 60 * minuteMs,
        episodes: everywhere(is, 20, 35),
      });
      expect(above(shown)).toEqual([]);
      expect(shown.requests).toBeGreaterThan(0);
    },
  );

  test.each(['gone', 'broken', 'limiting', 'shut'] as const)(
    'hold every budget while the mirror in front of all of them is %s, and afterwards',
    async (is) => {
      const shown = await simulateBooks({
        nodes,
        registries: mirrored,
        forMs: 60 * minuteMs,
        episodes: [{ host: 'mirror.corp.internal', is, fromMs: 20 * minuteMs, toMs: 35 * minuteMs }],
      });
      expect(above(shown)).toEqual([]);
    },
  );
});

describe('what a hundred agents say', { timeout: 60_000 }, () => {
  const mirrorFails = (forMin: number): Promise<BooksTold> =>
    simulateBooks({
      nodes: 100,
      registries: mirrored,
      forMs: forMin * minuteMs,
      episodes: [{ host: 'mirror.corp.internal', is: 'broken', fromMs: 20 * minuteMs, toMs: 35 * minuteMs }],
    });

  test('while a mirror answers 503: that many verdicts are open, and none that an image fails', async () => {
    const { verdicts } = await mirrorFails(35);
    expect(verdicts['unknown agent.over_budget']).toBeGreaterThan(500);
    expect(Object.keys(verdicts).filter((name) => name.startsWith('fails'))).toEqual([]);
  });

  test('an hour after: that everything pulls', async () => {
    const { verdicts } = await mirrorFails(95);
    expect(verdicts).toEqual({ pulls: 2_200 });
  });
});

test('an agent alone sees within a quarter of an hour that everything is well again, whatever had failed', async () => {
  for (const is of ['shut', 'broken', 'gone'] as const) {
    const shown = await simulateBooks({
      nodes: 1,
      registries: ordinary,
      forMs: 50 * minuteMs,
      episodes: everywhere(is, 20, 35),
    });
    expect(shown.verdicts).toEqual({ pulls: 22 });
  }
});

describe('a hundred agents with their books that book turns together', { timeout: 60_000 }, () => {
  const forMs = 75 * minuteMs;

  test.each(['well', 'broken', 'limiting'] as const)(
    'hold every budget while all registries are %s for a while, and ask ECR Public',
    async (is) => {
      const episodes = is === 'well' ? [] : everywhere(is, 20, 35);
      const shown = await simulateBooks({ nodes: 100, registries: ordinary, forMs, episodes, together: true });
      expect(above(shown)).toEqual([]);
      expect(shown.seenAt['public.ecr.aws']).toBeGreaterThan(0.1);
    },
  );

  test('hold every budget while a mirror in front of all registries is broken, and afterwards', async () => {
    const episodes = [
      { host: 'mirror.corp.internal', is: 'broken', fromMs: 20 * minuteMs, toMs: 50 * minuteMs },
    ] as const;
    const shown = await simulateBooks({ nodes: 100, registries: mirrored, forMs, episodes, together: true });
    expect(above(shown)).toEqual([]);
    expect(shown.verdicts).toEqual({ pulls: 2_200 });
  });
});
