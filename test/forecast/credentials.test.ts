/** The rules about logins, by facts. */
import { describe, expect, test } from 'vitest';
import type { Image } from '#image/reference.ts';
import type { Good } from '#report/outcome.ts';
import { emptyNodeHistory, type NodeHistory } from '#forecast/history/history.ts';
import { planPull, type PullPlan } from '#runtime/plan.ts';
import type { Attempt } from '#report/rehearsal.ts';
import { Secret } from '#report/secret.ts';
import type { Demand, ProviderAnswer } from '#node/view.ts';
import { forecastImage, forecastNode } from '#forecast/rules.ts';
import { exchange, good, healthy } from '../kit/exchanges.ts';
import { entry, pulling } from '../kit/ledger.ts';
import { demandFor, nodeOf, pullSecret } from '../kit/stage.ts';
import { ecrPassword, jwt } from '../kit/tokens.ts';

const now = new Date('2026-03-04T12:00:00.000Z');
const nowMs = now.getTime();
const hour = 3_600_000;
const day = 24 * hour;
const view = nodeOf();

function planOf(demand: Demand, answers: readonly ProviderAnswer[] = []): PullPlan {
  return planPull(view, { ...demand, image: demand.image as Good<Image> }, answers);
}

function labelsOf(plan: PullPlan): readonly string[] {
  return plan.identities.ok ? plan.identities.value.map(({ label }) => label) : [];
}

/** The pull worked with this login, which was presented. */
function worked(as: string, isPresented = true): Attempt {
  const own = healthy('reg.test', 'team/app');
  const exchanges = [...own.exchanges, exchange('resolve', 'https://reg.test/v2/', isPresented ? { as } : {})];
  return { ...own, as, exchanges };
}

function predicted(
  plan: PullPlan,
  demand: Demand,
  given: { history?: NodeHistory; attempts?: readonly Attempt[] } = {},
) {
  const { history = emptyNodeHistory, attempts = [worked(labelsOf(plan).at(-1) ?? 'anonymous')] } = given;
  return forecastImage({ now, view, demand, plan, history, rehearsal: { attempts, evidence: [], ms: 1 } });
}

describe('credential-expires', () => {
  const demandWith = (password: string): Demand =>
    demandFor('reg.test/team/app:v1', { secrets: [pullSecret('ecr', { 'reg.test': ['AWS', password] })] });
  const judged = (password: string, known?: NodeHistory['logins'][string]): readonly unknown[] => {
    const demand = demandWith(password);
    const plan = planOf(demand);
    const history =
      known === undefined ? emptyNodeHistory : { ...emptyNodeHistory, logins: { [labelsOf(plan)[0] ?? '']: known } };
    return predicted(plan, demand, { history }).map(({ rule, likelihood, withinS }) => [rule, likelihood, withinS]);
  };
  const known = (endsMs: number, leftMs: readonly number[], sinceMs = nowMs - hour) => ({
    endsMs,
    sinceMs,
    seenMs: nowMs,
    leftMs,
  });

  test.each([
    ['with two of its twelve hours left', ecrPassword(nowMs + 2 * hour), 'likely', 2 * 3600],
    ['with three: somebody may renew it', ecrPassword(nowMs + 3 * hour), 'unknown', 3 * 3600],
    [
      'of a year, with a week left',
      jwt({ iat: nowMs / 1000 - 358 * 86_400, exp: nowMs / 1000 + 7 * 86_400 }),
      'likely',
      7 * 86_400,
    ],
    [
      'of a year, with ten days left',
      jwt({ iat: nowMs / 1000 - 355 * 86_400, exp: nowMs / 1000 + 10 * 86_400 }),
      'unknown',
      10 * 86_400,
    ],
  ])('a login %s', (_, password, likelihood, withinS) => {
    expect(judged(password)).toEqual([['credential-expires', likelihood, withinS]]);
  });

  test.each([
    ['of a year, with a month left', jwt({ exp: nowMs / 1000 + 30 * 86_400 })],
    ['that says nothing of its end', 'dckr_pat_abcdefgh'],
    ['that is over and works all the same', ecrPassword(nowMs - hour)],
  ])('nothing of a login %s', (_, password) => {
    expect(judged(password)).toEqual([]);
  });

  test.each<[string, number, readonly number[], readonly string[]]>([
    ['renewed with four hours left before, and five are', 5 * hour, [4 * hour], []],
    ['renewed with four hours left before, and three are', 3 * hour, [4 * hour, 8 * hour], ['likely']],
    ['renewed with one hour left before, and 50 minutes are: slack', 50 * 60_000, [hour], []],
    ['renewed too late before, and one hour is left', hour, [-60_000], ['likely']],
    ['renewed too late before, and six hours are left', 6 * hour, [-60_000], []],
  ])('one that was %s', (_, leftMs, renewals, likelihoods) => {
    const endsMs = nowMs + leftMs;
    expect(judged(ecrPassword(endsMs), known(endsMs, renewals)).map((one) => (one as unknown[])[1])).toEqual(
      likelihoods,
    );
  });

  test('what was remembered of another content tells nothing of this one', () => {
    expect(judged(ecrPassword(nowMs + hour), known(nowMs - hour, [4 * hour]))).toEqual([
      ['credential-expires', 'likely', 3600],
    ]);
  });

  test('one that nobody asked for may end', () => {
    const demand = demandWith(ecrPassword(nowMs + hour));
    const plan = planOf(demand);
    expect(predicted(plan, demand, { attempts: [worked(labelsOf(plan)[0] ?? '', false)] })).toEqual([]);
  });

  const answer = (password: string, keptUntilMs: number): ProviderAnswer => ({
    provider: 'ecr',
    auth: good({ 'reg.test': { username: 'AWS', password: new Secret(password) } }),
    keptUntilMs,
  });
  test.each([
    ['that is asked again in time', nowMs + hour, []],
    ['whose answer is kept for longer than it is good', nowMs + 3 * hour, ['likely']],
  ])("a plugin's %s", (_, keptUntilMs, likelihoods) => {
    const demand = demandFor('reg.test/team/app:v1');
    const plan = planOf(demand, [answer(ecrPassword(nowMs + 2 * hour), keptUntilMs)]);
    expect(predicted(plan, demand).map(({ likelihood }) => likelihood)).toEqual(likelihoods);
  });

  test("containerd's own, where the kubelet has none", () => {
    const own = nodeOf({
      config: {
        auths: {
          'reg.test': {
            username: '',
            password: new Secret(''),
            identityToken: new Secret(jwt({ exp: nowMs / 1000 + 3600 })),
          },
        },
      },
    });
    const demand = demandFor('reg.test/team/app:v1');
    const plan = planPull(own, { ...demand, image: demand.image as Good<Image> }, []);
    const attempts = [{ ...worked("containerd's own credential for reg.test"), as: 'anonymous' }];
    expect(predicted(plan, demand, { attempts })).toMatchObject([
      { rule: 'credential-expires', about: "containerd's own credential for reg.test" },
    ]);
  });
});

describe('credential-precedes', () => {
  const rejected = (as: string): Attempt => ({
    as,
    exchanges: [],
    ending: {
      is: 'failed',
      stage: 'auth',
      shown: '',
      fault: { code: 'auth.rejected', host: 'auth.test', as, status: 401, message: '' },
    },
  });
  const judged = (image: string, first: readonly [string, string], second: readonly [string, string]) => {
    const key = image.split('/')[0] ?? '';
    const demand = demandFor(image, {
      secrets: [pullSecret('old', { [key]: first }), pullSecret('new', { [key]: second })],
    });
    const plan = planOf(demand);
    const [old = '', fresh = ''] = labelsOf(plan);
    return predicted(plan, demand, { attempts: [rejected(old), worked(fresh)] });
  };

  test.each([
    ['the same account of Docker Hub may be locked', 'docker.io/team/app:1', 'ci', 'ci', 'fails', 'api.rate_limited'],
    ['another account of Docker Hub does not matter', 'docker.io/team/app:1', 'old', 'ci', 'delays', 'auth.rejected'],
    ['elsewhere nobody is known to lock', 'reg.test/team/app:1', 'ci', 'ci', 'delays', 'auth.rejected'],
  ])('%s', (_, image, first, second, effect, fault) => {
    expect(judged(image, [first, 'a'], [second, 'b'])).toMatchObject([{ rule: 'credential-precedes', effect, fault }]);
  });

  test('two that fail are no foresight', () => {
    const demand = demandFor('reg.test/a:1');
    expect(predicted(planOf(demand), demand, { attempts: [rejected('a'), rejected('b')] })).toEqual([]);
  });
});

describe('provider-fails', () => {
  const answer = {
    provider: 'ecr',
    auth: good({ 'reg.test': { username: 'AWS', password: new Secret('x') } }),
    keptUntilMs: nowMs + 2 * hour,
  };
  const demand = demandFor('reg.test/team/app:v1');

  test('while its old answer serves', () => {
    expect(predicted(planOf(demand, [{ ...answer, failing: 'it ended with exit code 1' }]), demand)).toMatchObject([
      { rule: 'provider-fails', fault: 'credential.provider_failed', withinS: 2 * 3600, likelihood: 'likely' },
    ]);
  });

  test('not of one that answers, nor of one whose answer is not used', () => {
    expect(predicted(planOf(demand, [answer]), demand)).toEqual([]);
    const secret = demandFor('reg.test/team/app:v1', { secrets: [pullSecret('own', { 'reg.test': ['ci', 'x'] })] });
    const plan = planOf(secret, [{ ...answer, failing: 'x' }]);
    expect(predicted(plan, secret, { attempts: [worked(labelsOf(plan)[0] ?? '')] })).toEqual([]);
  });
});

describe('login-nears-lock', () => {
  const demand = demandFor('docker.io/team/app:1', { secrets: [pullSecret('hub', { 'docker.io': ['ci', 'x'] })] });
  const waiting = (over = {}) => ({
    image: 'team/web:1',
    account: 'ci',
    sinceMs: nowMs,
    containers: 1,
    perTry: 2,
    ...over,
  });
  const judged = (...logins: readonly ReturnType<typeof waiting>[]) =>
    predicted(planOf(demand), demand, {
      history: { ...emptyNodeHistory, refusedLogins: Object.fromEntries(logins.map((login, i) => [String(i), login])) },
    });

  test.each([
    // The kubelet tries at 0, 10, 30, 70 and 150 s: the fifth try is the ninth and tenth failure.
    ['one container that has begun', [waiting()], 150],
    ['two containers', [waiting({ containers: 2 })], 30],
    ['two images', [waiting(), waiting({ image: 'team/api:1' })], 30],
    ['four containers that have waited for hours', [waiting({ containers: 4, sinceMs: nowMs - day })], 0],
  ])('%s', (_, logins, withinS) => {
    expect(judged(...logins)).toMatchObject([
      { rule: 'login-nears-lock', about: 'docker.io account ci', withinS, fault: 'api.rate_limited' },
    ]);
  });

  test.each([
    ['one container at its slowest', [waiting({ sinceMs: nowMs - day })]],
    ['another account', [waiting({ account: 'boss' })]],
    ['nobody', []],
  ])('not by %s', (_, logins) => {
    expect(judged(...logins)).toEqual([]);
  });

  test('another registry is not known to lock', () => {
    const other = demandFor('quay.io/team/app:1', { secrets: [pullSecret('quay', { 'quay.io': ['ci', 'x'] })] });
    const history = { ...emptyNodeHistory, refusedLogins: { 0: waiting({ containers: 9 }) } };
    expect(predicted(planOf(other), other, { history })).toEqual([]);
  });
});

describe('secret-matches-nothing', () => {
  const plan = pulling({ image: 'a' }).plan;
  if (plan === undefined) throw new Error('the kit draws no plan');
  const report = (image: string, over: Partial<typeof plan>) =>
    entry({ ...pulling({ image }), plan: { ...plan, ...over } });
  const unused = [{ secret: 'shop/hub', keys: ['hub.docker.com'] }];
  const judged = (...entries: readonly ReturnType<typeof entry>[]) =>
    forecastNode({ now, view, entries, history: emptyNodeHistory }).filter(
      ({ rule }) => rule === 'secret-matches-nothing',
    );

  test('a secret whose key is none of the images’ registries: whether it is missed was not seen', () => {
    expect(judged(report('reg.test/a:1', { unusedSecrets: unused }))).toMatchObject([
      {
        about: 'pull secret shop/hub',
        likelihood: 'unknown',
        because: expect.stringContaining('hub.docker.com') as string,
      },
    ]);
  });

  test('is missed where an image is refused for want of a login', () => {
    const one = report('reg.test/a:1', { unusedSecrets: unused });
    const fault = { code: 'auth.required', host: 'reg.test', scheme: 'bearer' } as const;
    const verdict = { is: 'fails', fault, stage: 'auth', confidence: { is: 'exact', because: [] } } as const;
    expect(judged({ ...one, report: { ...one.report, verdict } })).toMatchObject([{ likelihood: 'certain' }]);
  });

  test.each([
    [
      'serves another image',
      [
        report('reg.test/a:1', { unusedSecrets: unused }),
        report('b', { identities: ['pull secret shop/hub, key b, user ci'] }),
      ],
    ],
    [
      'is passed over for another login',
      [report('a', { unusedSecrets: unused, identities: ['node file /config.json, key a, user ci'] })],
    ],
    ['is not there', [report('a', {})]],
  ])('not of one that %s', (_, entries) => {
    expect(judged(...entries)).toEqual([]);
  });
});
