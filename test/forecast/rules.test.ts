/** Each rule fires where it should, is silent where all is well, and throws over nothing. */
import { describe, expect, test } from 'vitest';
import type { RateLimit } from '#pull/fault.ts';
import type { Forecast } from '#pull/forecast.ts';
import type { Image } from '#pull/image.ts';
import type { Good } from '#pull/outcome.ts';
import { emptyPast } from '#pull/past.ts';
import { planPull, type PullPlan } from '#pull/plan.ts';
import type { Evidence, Exchange, Performance, Rehearsal, Step } from '#pull/rehearsal.ts';
import { foreseeImage, imageRules, nodeRules } from '../../src/forecast/foresee.ts';
import { exchange, good, healthy, opened } from '../kit/exchanges.ts';
import { demandFor, nodeOf, plain, toml } from '../kit/stage.ts';

const now = new Date('2026-03-04T12:00:00.000Z');
const demand = demandFor('reg.test/team/app:v1');
const view = nodeOf({ dirs: { 'reg.test': toml(plain('reg.test'), plain('one.test'), plain('two.test')) } });
const plan: PullPlan = planPull(view, { ...demand, image: demand.image as Good<Image> }, []);
const well = healthy('reg.test', 'team/app');

function foreseen(over: Partial<Rehearsal>, rule?: string): readonly Forecast[] {
  const rehearsal: Rehearsal = { performances: [well], evidence: [], ms: 1, ...over };
  return foreseeImage({ now, view, demand, plan, rehearsal, past: emptyPast }).filter(
    (forecast) => rule === undefined || forecast.rule === rule,
  );
}

const of = (exchanges: readonly Exchange[]): Partial<Rehearsal> => ({ performances: [{ ...well, exchanges }] });
const refused = { ok: false, fault: { code: 'tcp.refused', address: '10.0.0.9', port: 443 } } as const;

test('a healthy rehearsal foresees nothing', () => {
  expect(foreseen({})).toEqual([]);
});

test('an empty one neither', () => {
  expect(foreseen({ performances: [] })).toEqual([]);
});

test('a rule that throws becomes one forecast of ours, and the rest go on', () => {
  const broken = { performances: [{ ...well, exchanges: [{ ...exchange('layer', 'x'), steps: null }] }] };
  const forecasts = foreseeImage({
    now,
    view,
    demand,
    plan,
    rehearsal: { evidence: [], ms: 1, ...broken } as unknown as Rehearsal,
    past: emptyPast,
  });
  expect(forecasts).toMatchObject([{ rule: 'certificate-expires', fault: 'agent.bug' }]);
  expect(JSON.stringify(forecasts)).not.toContain('iterable');
});

describe('certificate-expires', () => {
  const ending = (notAfter: string, verified = true): readonly Step[] =>
    opened('reg.test', 0).map((step) =>
      step.step === 'tls' && step.outcome.ok
        ? { ...step, outcome: good({ ...step.outcome.value, notAfter, verified }) }
        : step,
    );
  const found = (notAfter: string, verified = true) =>
    foreseen(
      of([exchange('resolve', 'https://reg.test/', { steps: ending(notAfter, verified) })]),
      'certificate-expires',
    );

  test.each([
    ['2026-03-07T12:00:00.000Z', 3 * 86_400],
    ['2026-03-04T12:00:01.000Z', 1],
    ['2026-03-04T11:00:00.000Z', 0],
  ])('%s is near', (notAfter, withinS) => {
    expect(found(notAfter)).toMatchObject([{ fault: 'tls.expired', likelihood: 'likely', withinS }]);
  });

  test.each(['2026-03-18T12:00:00.000Z', '2027-01-01T00:00:00.000Z', 'no date'])('%s is not', (notAfter) => {
    expect(found(notAfter)).toEqual([]);
  });

  test('one that nobody verifies may end', () => {
    expect(found('2026-03-05T00:00:00.000Z', false)).toEqual([]);
  });

  test('one host is one forecast, however often it was greeted', () => {
    const steps = ending('2026-03-07T12:00:00.000Z');
    expect(
      foreseen(of([exchange('resolve', 'u', { steps }), exchange('layer', 'u', { steps })]), 'certificate-expires'),
    ).toHaveLength(1);
  });
});

describe('rate-limit-nears', () => {
  const found = (rateLimit: Partial<RateLimit>) =>
    foreseen(
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

describe('route-down', () => {
  const at = (route: number, over: Partial<Exchange> = {}): Exchange => exchange('manifest', 'u', { route, ...over });
  const found = (...exchanges: readonly Exchange[]) => foreseen(of(exchanges), 'route-down');

  test('a mirror that refused and another host that served', () => {
    expect(found(at(0, { outcome: refused }), at(1))).toMatchObject([{ fault: 'tcp.refused', likelihood: 'possible' }]);
    expect(found(at(0, { outcome: refused }), at(1))[0]?.because).toBe(
      'mirror one.test fails (tcp.refused); 2 hosts are left',
    );
  });

  test('two down leave one', () => {
    const [first, second] = found(
      at(0, { outcome: refused }),
      at(1, { outcome: good({ status: 503, bytes: 0 }) }),
      at(2),
    );
    expect(first?.because).toContain('only one host is left');
    expect(second).toMatchObject({ fault: 'api.unavailable' });
  });

  test.each([
    ['404 is no failure', at(0, { outcome: good({ status: 404, bytes: 0 }) })],
    ['a token service is no host', at(0, { act: 'token', outcome: refused })],
  ])('%s', (_, one) => {
    expect(found(one, at(1))).toEqual([]);
  });

  test('one that failed once and served otherwise is up', () => {
    expect(found(at(0, { outcome: refused }), at(0), at(1))).toEqual([]);
  });

  test('a pull that failed needs no forecast', () => {
    const ending: Performance['ending'] = { is: 'failed', fault: refused.fault, stage: 'tcp', shown: '' };
    const performances = [{ ...well, exchanges: [at(0, { outcome: refused }), at(1)], ending }];
    expect(foreseen({ performances }, 'route-down')).toEqual([]);
  });
});

describe('name-server-down and address-down', () => {
  const evidence = (of_: Evidence['of'], target: string, up: boolean, host = 'reg.test'): Evidence => ({
    of: of_,
    host,
    target,
    ms: 1,
    outcome: up ? good({ note: '' }) : refused,
  });

  test.each([
    ['name_server', 'name-server-down'],
    ['address', 'address-down'],
  ] as const)('one %s of two is down', (kind, rule) => {
    expect(foreseen({ evidence: [evidence(kind, 'a', true), evidence(kind, 'b', false)] })).toMatchObject([
      { rule, fault: 'tcp.refused' },
    ]);
  });

  test.each(['name_server', 'address'] as const)('all %s down, or all up, is no foresight', (kind) => {
    expect(foreseen({ evidence: [evidence(kind, 'a', false), evidence(kind, 'b', false)] })).toEqual([]);
    expect(foreseen({ evidence: [evidence(kind, 'a', true), evidence(kind, 'b', true)] })).toEqual([]);
  });

  test.each(['name_server', 'address'] as const)('a %s of another host says nothing', (kind) => {
    expect(foreseen({ evidence: [evidence(kind, 'a', true, 'other.test'), evidence(kind, 'b', false)] })).toEqual([]);
  });
});

describe('clock-skews', () => {
  const ahead = (...seconds: readonly number[]) =>
    foreseen(
      of(
        seconds.map((clockAheadS) => exchange('layer', 'u', { outcome: good({ status: 200, bytes: 0, clockAheadS }) })),
      ),
      'clock-skews',
    );

  test('by the middle of what all say', () => {
    expect(ahead(300, 301, 299)[0]?.because).toContain("300 s ahead of this node's");
    expect(ahead(-300)[0]?.because).toContain("300 s behind this node's");
    expect(ahead(0, 0, 9999)).toEqual([]);
    expect(ahead(239)).toEqual([]);
    expect(ahead()).toEqual([]);
  });
});

describe.each(imageRules.map((rule) => [rule.name, rule] as const))('%s', (name, rule) => {
  test('throws over no fact that can be seen', () => {
    const odd: readonly Exchange[] = [
      exchange('resolve', '', { route: 99 }),
      exchange('token', 'not a url', { outcome: refused, route: -1 }),
      exchange('layer', 'https://x', { outcome: good({ status: 999, bytes: -1, clockAheadS: Number.NaN }) }),
    ];
    for (const performances of [[], [well], [{ ...well, exchanges: odd }]]) {
      for (const one of [plan, { ...plan, routes: refused }]) {
        const rehearsal = { performances, evidence: [], ms: 0 };
        const facts = { view, demand, plan: one, rehearsal, past: emptyPast, now: new Date(Number.NaN) };
        expect(() => [rule.foresee(facts), rule.unseen?.(facts)]).not.toThrow();
      }
    }
  });

  test('is called by its own name', () => {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)+$/);
  });
});

describe.each(nodeRules.map((rule) => [rule.name, rule] as const))('%s', (name, rule) => {
  test('is silent of a node of which nothing is known', () => {
    expect(rule.foresee({ now, view, entries: [], past: emptyPast })).toEqual([]);
  });

  test('is called by its own name', () => {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)+$/);
  });
});

test('every rule has a name of its own', () => {
  const names = [...imageRules, ...nodeRules].map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
