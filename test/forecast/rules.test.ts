/** Each rule fires where it should, is silent where all is well, and throws over nothing. */
import { describe, expect, test } from 'vitest';
import type { RateLimit } from '#report/fault.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Image } from '#image/reference.ts';
import type { Good } from '#report/outcome.ts';
import { emptyNodeHistory } from '#forecast/history/history.ts';
import { planPull, type PullPlan } from '#runtime/plan.ts';
import type { Exchange, Rehearsal } from '#report/rehearsal.ts';
import { forecastImage, imageRules, nodeRules } from '#forecast/rules.ts';
import { exchange, good, healthy } from '../kit/exchanges.ts';
import { demandFor, nodeOf, plain, toml } from '../kit/stage.ts';

const now = new Date('2026-03-04T12:00:00.000Z');
const demand = demandFor('reg.test/team/app:v1');
const view = nodeOf({ dirs: { 'reg.test': toml(plain('reg.test'), plain('one.test'), plain('two.test')) } });
const plan: PullPlan = planPull(view, { ...demand, image: demand.image as Good<Image> }, []);
const well = healthy('reg.test', 'team/app');

function predicted(over: Partial<Rehearsal>, rule?: string): readonly Forecast[] {
  const rehearsal: Rehearsal = { attempts: [well], evidence: [], ms: 1, ...over };
  return forecastImage({ now, view, demand, plan, rehearsal, history: emptyNodeHistory }).filter(
    (forecast) => rule === undefined || forecast.rule === rule,
  );
}

const of = (exchanges: readonly Exchange[]): Partial<Rehearsal> => ({ attempts: [{ ...well, exchanges }] });
const refused = { ok: false, fault: { code: 'tcp.refused', address: '10.0.0.9', port: 443 } } as const;

test('a healthy rehearsal foresees nothing', () => {
  expect(predicted({})).toEqual([]);
});

test('an empty one neither', () => {
  expect(predicted({ attempts: [] })).toEqual([]);
});

test('a rule that throws becomes one forecast of ours, and the rest go on', () => {
  const broken = { attempts: [{ ...well, exchanges: [{ ...exchange('layer', 'x'), steps: null }] }] };
  const forecasts = forecastImage({
    now,
    view,
    demand,
    plan,
    rehearsal: { evidence: [], ms: 1, ...broken } as unknown as Rehearsal,
    history: emptyNodeHistory,
  });
  const bugs = forecasts.filter(({ fault }) => fault === 'agent.bug');
  expect(bugs.map(({ rule }) => rule)).toContain('certificate-expires');
  expect(JSON.stringify(forecasts)).not.toContain('iterable');
});

describe('rate-limit-nears', () => {
  const found = (rateLimit: Partial<RateLimit>) =>
    predicted(
      of([
        exchange('resolve', 'https://hub.test/v2/x', {
          outcome: good({ status: 200, bytes: 0, rateLimit: { scope: 'quota', ...rateLimit } }),
        }),
      ]),
      'rate-limit-nears',
    );

  test.each([
    [{ limit: 100, remaining: 10 }, 'likely'],
    [{ limit: 100, remaining: 0 }, 'certain'],
  ] as const)('%j is %s', (limit, likelihood) => {
    expect(found(limit)).toMatchObject([{ fault: 'api.rate_limited', likelihood }]);
  });

  test.each([
    { limit: 100, remaining: 11 },
    { limit: 100 },
    { remaining: 0 },
    {},
    { scope: 'burst', limit: 100, remaining: 1 },
  ] as const)('%j is nothing', (limit) => {
    expect(found(limit)).toEqual([]);
  });

  test('says whose quota and for how long', () => {
    const [forecast] = found({ limit: 100, remaining: 5, windowS: 21_600, source: '192.0.2.1' });
    expect(forecast?.because).toBe('hub.test has 5 of 100 pulls in 6 h left for 192.0.2.1');
  });
});

describe.each(imageRules.map((rule) => [rule.name, rule] as const))('%s', (name, rule) => {
  test('throws over no fact that can be seen', () => {
    const odd: readonly Exchange[] = [
      exchange('resolve', '', { route: 99 }),
      exchange('token', 'not a url', { outcome: refused, route: -1 }),
      exchange('layer', 'https://x', { outcome: good({ status: 999, bytes: -1, clockAheadS: Number.NaN }) }),
    ];
    for (const attempts of [[], [well], [{ ...well, exchanges: odd }]]) {
      for (const one of [plan, { ...plan, routes: refused }]) {
        const rehearsal = { attempts, evidence: [], ms: 0 };
        const facts = { view, demand, plan: one, rehearsal, history: emptyNodeHistory, now: new Date(Number.NaN) };
        expect(() => [rule.evaluate(facts), rule.unseen?.(facts)]).not.toThrow();
      }
    }
  });

  test('is called by its own name', () => {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)+$/);
  });
});

describe.each(nodeRules.map((rule) => [rule.name, rule] as const))('%s', (name, rule) => {
  test('is silent of a node of which nothing is known', () => {
    expect(rule.evaluate({ now, view, entries: [], history: emptyNodeHistory })).toEqual([]);
  });

  test('is called by its own name', () => {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)+$/);
  });
});

test('every rule has a name of its own', () => {
  const names = [...imageRules, ...nodeRules].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
