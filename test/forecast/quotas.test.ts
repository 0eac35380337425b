/** The rules about quotas and other limits, by facts. */
import { describe, expect, test } from 'vitest';
import type { Image } from '#image/reference.ts';
import type { Entry } from '#report/ledger.ts';
import type { Good } from '#report/outcome.ts';
import { emptyNodeHistory, type NodeHistory } from '#forecast/history/history.ts';
import { planPull } from '#runtime/plan.ts';
import type { QuotaSeries } from '#report/quota.ts';
import { forecastImage, forecastNode } from '#forecast/rules.ts';
import { exchange, good, healthy } from '../kit/exchanges.ts';
import { hubQuota, runningOut } from '../kit/hub-quota.ts';
import { entry, pulling } from '../kit/ledger.ts';
import { demandFor, nodeOf, plain, pullSecret, toml } from '../kit/stage.ts';

const now = new Date('2026-03-04T12:00:00.000Z');
const nowMs = now.getTime();
const minute = 60_000;
const view = nodeOf();

const running = (over: Partial<QuotaSeries> = {}): QuotaSeries => hubQuota(nowMs, runningOut, over);

describe('quota-runs-out', () => {
  const judged = (series: QuotaSeries, over: { family?: 'ipv4' | 'ipv6'; user?: string; mirror?: string } = {}) => {
    const { family = 'ipv4', user, mirror } = over;
    const node =
      mirror === undefined
        ? view
        : nodeOf({ dirs: { 'docker.io': toml(plain('registry-1.docker.io'), plain(mirror)) } });
    const demand = demandFor(
      'nginx:1',
      user === undefined ? {} : { secrets: [pullSecret('hub', { 'docker.io': [user, 'x'] })] },
    );
    const plan = planPull(node, { ...demand, image: demand.image as Good<Image> }, []);
    const as = plan.identities.ok ? (plan.identities.value[0]?.label ?? '') : '';
    const shown = exchange('resolve', 'https://registry-1.docker.io/v2/', {
      as,
      outcome: good({ status: 200, bytes: 0, family }),
    });
    const rehearsal = { attempts: [{ ...healthy('docker.io', 'x'), as, exchanges: [shown] }], evidence: [], ms: 1 };
    const history = { ...emptyNodeHistory, quotas: [series] };
    return forecastImage({ now, view: node, demand, plan, rehearsal, history }).filter(
      ({ rule }) => rule === 'quota-runs-out',
    );
  };

  test('says when, of how much, for whom, and what that rests on', () => {
    const [forecast] = judged(running());
    expect(forecast).toMatchObject({
      likelihood: 'likely',
      effect: 'fails',
      fault: 'api.rate_limited',
      about: 'docker.io quota of 192.0.2.1',
    });
    expect(forecast?.withinS).toBeCloseTo(40 * 60, -2);
    expect(forecast?.because).toBe(
      'docker.io has 40 of 100 pulls left for pulls without a login (192.0.2.1); 60 an hour are used, so none is left in 40 min',
    );
    expect(forecast?.assuming).toContain("the last hour's consumption goes on");
  });

  test.each([
    ['an account, over whichever family', running({ account: 'ci', family: 'any', source: 'ci' }), { user: 'ci' }],
    ['a mirror that counts for itself', running({ registry: 'mirror.test' }), { mirror: 'mirror.test' }],
    ['a bucket of an unknown family', running({ family: 'any' }), {}],
  ])('of %s', (_, series, over) => {
    expect(judged(series, over)).toHaveLength(1);
  });

  test.each([
    ['ipv4', 'ipv6', 'pulls go over IPv4 now, and would meet it over IPv6'],
    ['ipv6', 'ipv4', 'pulls go over IPv6 now, and would meet it over IPv4'],
  ] as const)('where pulls go over %s is told of %s too, and threatens no pull', (family, other, reported) => {
    const [forecast, ...more] = judged(running({ family: other, source: '2001:db8::' }), { family });
    expect(more).toEqual([]);
    expect(forecast).toMatchObject({
      likelihood: 'possible',
      effect: 'none',
      fault: 'api.rate_limited',
      about: 'docker.io quota of 2001:db8::',
    });
    expect(forecast?.withinS).toBeCloseTo(40 * 60, -2);
    expect(forecast?.because).toContain(reported);
  });

  test.each([
    ['a proxy that is not used', running({ family: 'proxy' }), {}],
    ['another family, where a login is presented', running({ family: 'ipv6' }), { user: 'ci' }],
    ['another account', running({ account: 'boss', family: 'any' }), { user: 'ci' }],
    ['an address, where a login is presented', running(), { user: 'ci' }],
    ['Docker Hub, where a mirror serves', running(), { mirror: 'mirror.test' }],
    ['hours ago', running({ seenMs: nowMs - 3 * 60 * minute }), {}],
    ['headers that say nothing', running({ points: [], reported: 'nothing' }), {}],
  ])('not of %s', (_, series, over) => {
    expect(judged(series, over)).toEqual([]);
  });
});

describe('quota-short', () => {
  const images = (count: number, present: 'yes' | 'no'): readonly Entry[] =>
    Array.from({ length: count }, (_, i) => {
      const report = pulling({ image: `team/app${i}:1`, registry: 'docker.io' });
      const attempts = report.attempts.map((one) =>
        one.ending.is === 'pulled'
          ? { ...one, ending: { ...one.ending, content: { ...one.ending.content, digest: `sha256:${i}` } } }
          : one,
      );
      return entry({ ...report, present, attempts });
    });
  const judged = (entries: readonly Entry[], left: number, over: Partial<QuotaSeries> = {}) => {
    const history: NodeHistory = { ...emptyNodeHistory, quotas: [running({ points: [[nowMs, left]], ...over })] };
    return forecastNode({ now, view, entries, history }).filter(({ rule }) => rule === 'quota-short');
  };

  test('less is left than the images that are missing need', () => {
    expect(judged(images(12, 'no'), 11)).toMatchObject([
      { likelihood: 'likely', withinS: 0, fault: 'api.rate_limited' },
    ]);
  });

  test('less is left than the whole node would need if it started anew', () => {
    const [forecast] = judged(images(12, 'yes'), 11);
    expect(forecast).toMatchObject({ likelihood: 'possible', assuming: 'each image counts as one pull' });
    expect(forecast?.withinS).toBeUndefined();
  });

  test.each([
    ['enough is left', images(12, 'yes'), 12, {}],
    ['it counts for another account', images(12, 'yes'), 1, { account: 'ci' }],
    ['it counts for another registry', images(12, 'yes'), 1, { registry: 'quay.io' }],
    ['it was seen long ago', images(12, 'yes'), 1, { seenMs: nowMs - 3 * 60 * minute }],
  ])('not where %s', (_, entries, left, over) => {
    expect(judged(entries, left, over)).toEqual([]);
  });

  test('not where the node goes by another address family', () => {
    const over6 = images(12, 'no').map((one): Entry => {
      const [first] = one.report.attempts;
      if (first === undefined) return one;
      const shown = exchange('resolve', 'u', { outcome: good({ status: 200, bytes: 0, family: 'ipv6' }) });
      return { ...one, report: { ...one.report, attempts: [{ ...first, exchanges: [shown] }] } };
    });
    expect(judged(over6, 1)).toEqual([]);
    expect(judged(over6, 1, { family: 'ipv6' })).toHaveLength(1);
  });

  test('one content under two names is one pull', () => {
    const [one] = images(1, 'no');
    if (one === undefined) throw new Error('no image');
    expect(judged([one, { ...one, id: 'b', report: { ...one.report, image: 'b' } }], 1)).toEqual([]);
  });
});

describe('quota-unseen', () => {
  const judged = (entries: readonly Entry[], quotas: readonly QuotaSeries[] = []) =>
    forecastNode({ now, view, entries, history: { ...emptyNodeHistory, quotas } }).filter(
      ({ rule }) => rule === 'quota-unseen',
    );
  const mirrored = (registry: string): Entry => {
    const report = pulling({ image: 'a', registry });
    const [origin] = report.plan?.routes ?? [];
    if (report.plan === undefined || origin === undefined) throw new Error('the kit draws no plan');
    const routes = [{ ...origin, role: 'mirror' as const, url: 'https://mirror.test/v2' }, origin];
    return entry({ ...report, plan: { ...report.plan, routes } });
  };

  test('behind a mirror', () => {
    expect(judged([mirrored('docker.io')])).toMatchObject([
      { likelihood: 'unknown', about: 'docker.io quota of mirror.test' },
    ]);
  });

  test('in empty headers', () => {
    expect(judged([], [running({ reported: 'empty' })])).toMatchObject([{ likelihood: 'unknown' }]);
  });

  test.each([
    ['behind a mirror of another registry', [mirrored('quay.io')], []],
    ['of Docker Hub itself', [entry(pulling({ image: 'a', registry: 'docker.io' }))], []],
    ['of a paid account', [], [running({ reported: 'nothing', points: [] })]],
  ])('not %s', (_, entries, quotas) => {
    expect(judged(entries, quotas)).toEqual([]);
  });
});

describe('registry-limited', () => {
  const judged = (registry: string, limit: NodeHistory['limits'][string], user?: string) => {
    const demand = demandFor(
      `${registry}/team/app:1`,
      user === undefined ? {} : { secrets: [pullSecret('s', { [registry]: [user, 'x'] })] },
    );
    const plan = planPull(view, { ...demand, image: demand.image as Good<Image> }, []);
    const rehearsal = { attempts: [healthy(registry, 'x')], evidence: [], ms: 1 };
    const history = { ...emptyNodeHistory, limits: { [registry]: limit } };
    return forecastImage({ now, view, demand, plan, rehearsal, history }).map(({ rule, effect, likelihood }) => [
      rule,
      effect,
      likelihood,
    ]);
  };
  const ago = (minutes: number) => nowMs - minutes * minute;

  test.each<[string, string, NodeHistory['limits'][string], string, string]>([
    ['a burst only delays', 'quay.io', { scope: 'burst', atMs: ago(1) }, 'delays', 'possible'],
    ['what is not told neither', 'harbor.test', { scope: 'unknown', atMs: ago(1) }, 'delays', 'possible'],
    ['the abuse limiter stops everything', 'docker.io', { scope: 'abuse', atMs: ago(10) }, 'fails', 'possible'],
    [
      'so does what refuses a HEAD of Docker Hub',
      'docker.io',
      { scope: 'unknown', atMs: ago(10) },
      'fails',
      'possible',
    ],
    ['a locked login', 'docker.io', { scope: 'login', atMs: ago(14) }, 'fails', 'possible'],
    [
      "a month's volume, to the month's end",
      'public.ecr.aws',
      { scope: 'monthly', atMs: Date.parse('2026-03-01T00:00:01Z') },
      'fails',
      'likely',
    ],
    [
      'as long as the registry said',
      'quay.io',
      { scope: 'burst', atMs: ago(20), retryAfterS: 1800 },
      'delays',
      'possible',
    ],
  ])('%s', (_, registry, limit, effect, likelihood) => {
    expect(judged(registry, limit)).toEqual([['registry-limited', effect, likelihood]]);
  });

  test.each<[string, string, NodeHistory['limits'][string], string | undefined]>([
    ['a burst is over', 'quay.io', { scope: 'burst', atMs: ago(6) }, undefined],
    ['a lock is over', 'docker.io', { scope: 'login', atMs: ago(16) }, undefined],
    ['the month is over', 'public.ecr.aws', { scope: 'monthly', atMs: Date.parse('2026-02-28T23:59:59Z') }, undefined],
    ["a stranger's volume is not one's own", 'public.ecr.aws', { scope: 'monthly', atMs: ago(1) }, 'AWS'],
    ['a quota is counted elsewhere', 'docker.io', { scope: 'quota', atMs: ago(1) }, undefined],
  ])('nothing where %s', (_, registry, limit, user) => {
    expect(judged(registry, limit, user)).toEqual([]);
  });
});
