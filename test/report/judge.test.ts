import { describe, expect, test } from 'vitest';
import { faultCodes, ownerOf, type Fault } from '#report/fault.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Good } from '#report/outcome.ts';
import type { Image } from '#image/reference.ts';
import { judge, judgeUnplanned } from '#report/judge.ts';
import { planPull, type PullPlan } from '#runtime/plan.ts';
import type { Ending, Exchange, Attempt, Rehearsal } from '#report/rehearsal.ts';
import type { Demand, Doubt } from '#node/view.ts';
import { exchange, good } from '../kit/exchanges.ts';
import { demandFor, nodeOf } from '../kit/stage.ts';

const written = 'reg.test/team/app:v1';
const demand = demandFor(written);
const image = demand.image as Good<Image>;
const plan: PullPlan = planPull(nodeOf(), { ...demand, image }, []);

const pulled: Ending = {
  is: 'pulled',
  content: {
    digest: 'sha256:aa',
    mediaType: '',
    resolvedBy: 0,
    layers: 1,
    bytes: 1,
    blobHosts: [],
    depth: 'blobs_sampled',
  },
};
const refused: Fault = { code: 'tcp.refused', address: '10.0.0.1', port: 443 };
const rejected: Fault = { code: 'auth.rejected', host: 'reg.test', as: 'a', status: 401, message: '' };
const required: Fault = { code: 'auth.required', host: 'reg.test', scheme: 'Basic' };
const failedBy = (fault: Fault, stage: 'tcp' | 'auth' = 'tcp'): Ending => ({
  is: 'failed',
  fault,
  stage,
  shown: 'words',
});
const untold: Ending = {
  is: 'undetermined',
  fault: { code: 'agent.out_of_time', step: 'x', afterMs: 1 },
  stage: 'plan',
};
const challenge: Exchange = exchange('resolve', 'https://reg.test/v2/', { outcome: good({ status: 401, bytes: 0 }) });
const token: Exchange = exchange('token', 'https://reg.test/token', { outcome: { ok: false, fault: refused } });

function attempt(ending: Ending, as = 'anonymous', exchanges: readonly Exchange[] = []): Attempt {
  return { as, exchanges, ending };
}

function rehearsal(...attempts: readonly Attempt[]): Rehearsal {
  return { attempts, evidence: [], ms: 1 };
}

function verdictOf(over: Partial<PullPlan>, what: Rehearsal, asked: Demand = demand): string {
  const verdict = judge({ ...plan, ...over }, asked, what, []);
  return 'fault' in verdict ? `${verdict.is} ${verdict.fault.code} at ${verdict.stage}` : verdict.is;
}

describe('a plugin that wants a token of the ServiceAccount, which we may not mint', () => {
  const unseenProvider: Fault = { code: 'agent.not_allowed', what: 'run the credential provider p' };

  test('may have the credential that nobody else has', () => {
    const refusedLogin = rehearsal(attempt(failedBy(required, 'auth'), 'anonymous', [challenge]));
    expect(verdictOf({ unseenProvider }, refusedLogin)).toBe('unknown agent.not_allowed at auth');
    expect(verdictOf({}, refusedLogin)).toBe('fails auth.required at auth');
  });

  test('comes after a pull secret that is refused', () => {
    const refusedSecret = rehearsal(attempt(failedBy(rejected, 'auth'), 'pull secret shop/old', [challenge]));
    expect(verdictOf({ unseenProvider }, refusedSecret)).toBe('unknown agent.not_allowed at auth');
  });

  test('mends no connection', () => {
    expect(verdictOf({ unseenProvider }, rehearsal(attempt(failedBy(refused))))).toBe('fails tcp.refused at tcp');
  });
});

describe('a pull', () => {
  test('that worked pulls', () => {
    expect(verdictOf({}, rehearsal(attempt(pulled)))).toBe('pulls');
  });

  test('that worked with the second credential pulls', () => {
    expect(verdictOf({}, rehearsal(attempt(failedBy(rejected)), attempt(pulled, 'b')))).toBe('pulls');
  });

  test('with forecasts is at risk, and one that fails is not', () => {
    const forecast: Forecast = {
      rule: 'r',
      about: 'reg.test',
      fault: 'tls.expired',
      likelihood: 'likely',
      effect: 'fails',
      because: 'b',
      remedy: 'r',
    };
    expect(judge(plan, demand, rehearsal(attempt(pulled)), [forecast])).toMatchObject({
      is: 'at_risk',
      forecasts: [forecast],
    });
    expect(judge(plan, demand, rehearsal(attempt(failedBy(refused))), [forecast])).toMatchObject({ is: 'fails' });
  });

  test('that nobody could tell is unknown, whatever else failed', () => {
    expect(verdictOf({}, rehearsal(attempt(failedBy(refused)), attempt(untold)))).toBe(
      'unknown agent.out_of_time at plan',
    );
    expect(verdictOf({}, rehearsal(attempt(untold), attempt(failedBy(refused))))).toBe(
      'unknown agent.out_of_time at plan',
    );
  });

  test('that could not be told with one credential and worked with the next pulls', () => {
    expect(verdictOf({}, rehearsal(attempt(untold, 'a'), attempt(pulled, 'b')))).toBe('pulls');
  });

  test('that was never rehearsed is a bug of ours, never a failure', () => {
    expect(verdictOf({}, rehearsal())).toBe('unknown agent.bug at plan');
  });

  test('that the kubelet or containerd gives up before any request fails with their reason', () => {
    const malformed: Fault = { code: 'credential.malformed', secret: 's', namespace: 'n', why: 'w' };
    const ca: Fault = { code: 'hosts.ca_unreadable', file: '/ca', why: 'w' };
    expect(verdictOf({ identities: { ok: false, fault: malformed } }, rehearsal())).toBe(
      'fails credential.malformed at plan',
    );
    expect(verdictOf({ routes: { ok: false, fault: ca } }, rehearsal())).toBe('fails hosts.ca_unreadable at plan');
  });
});

describe('of several failures', () => {
  test('one that got beyond the login is named before a refused login', () => {
    expect(verdictOf({}, rehearsal(attempt(failedBy(rejected, 'auth'), 'a'), attempt(failedBy(refused), 'b')))).toBe(
      'fails tcp.refused at tcp',
    );
  });

  test('all refused logins: the first', () => {
    expect(
      verdictOf({}, rehearsal(attempt(failedBy(rejected, 'auth'), 'a'), attempt(failedBy(rejected, 'auth'), 'b'))),
    ).toBe('fails auth.rejected at auth');
  });

  test('nobody to log in, and a secret that is not there: the secret', () => {
    const missing: Fault = { code: 'credential.secret_missing', secret: 'hub', namespace: 'shop' };
    const what = rehearsal(attempt(failedBy(required, 'auth')));
    expect(verdictOf({ warnings: [missing] }, what)).toBe('fails credential.secret_missing at auth');
    expect(verdictOf({ warnings: [{ code: 'hosts.unparsable', file: 'f', why: 'w' }] }, what)).toBe(
      'fails auth.required at auth',
    );
    expect(verdictOf({ warnings: [missing] }, rehearsal(attempt(failedBy(refused))))).toBe('fails tcp.refused at tcp');
  });
});

describe('a secret that nobody let us read', () => {
  const over = { unseenSecrets: [{ namespace: 'shop', name: 'hub', why: 'forbidden' }] };

  test.each([
    ['a challenge', [challenge]],
    ['a token', [token]],
  ])('matters after %s, whether it then worked or not', (_, exchanges) => {
    expect(verdictOf(over, rehearsal(attempt(pulled, 'anonymous', exchanges)))).toBe(
      'unknown agent.not_allowed at auth',
    );
    expect(verdictOf(over, rehearsal(attempt(failedBy(required), 'anonymous', exchanges)))).toBe(
      'unknown agent.not_allowed at auth',
    );
  });

  test('does not matter where nobody asked', () => {
    expect(verdictOf(over, rehearsal(attempt(pulled)))).toBe('pulls');
    expect(verdictOf(over, rehearsal(attempt(failedBy(refused))))).toBe('fails tcp.refused at tcp');
  });

  test('does not matter where another credential was enough', () => {
    expect(verdictOf(over, rehearsal(attempt(pulled, 'pull secret shop/own', [challenge])))).toBe('pulls');
  });
});

describe('policy Never', () => {
  test.each([
    ['yes', 'pulls'],
    ['no', 'fails image.never_pulled at plan'],
    ['unknown', 'unknown agent.cannot_see at plan'],
  ] as const)('present %s: %s', (present, expected) => {
    expect(verdictOf({}, rehearsal(), demandFor(written, { policy: 'Never', present }))).toBe(expected);
  });
});

test.each([
  [true, 'Never', 'approximate'],
  [undefined, 'Never', 'exact'],
  [true, 'IfNotPresent', 'exact'],
] as const)('where the kubelet wants proof (%s), policy %s is %s about what is on the node', (wants, policy, is) => {
  const proof = wants === undefined ? {} : { needsProof: wants };
  const asked = demandFor(written, { policy, present: 'yes', ...proof });
  expect(judge(plan, asked, rehearsal(attempt(pulled)), [])).toMatchObject({ is: 'pulls', confidence: { is } });
});

describe('how sure it is', () => {
  const doubt = (is: Doubt['is'], about: Doubt['about']): Doubt => ({ is, about, because: `${is} ${about}` });
  const confidence = (doubts: readonly Doubt[], exchanges: readonly Exchange[] = []) =>
    judge({ ...plan, doubts }, demand, rehearsal(attempt(pulled, 'anonymous', exchanges)), []).confidence;

  test('exact without doubts', () => {
    expect(confidence([])).toEqual({ is: 'exact', because: [] });
  });

  test('exact once the runtime restarts', () => {
    expect(confidence([doubt('if_restarted', 'runtime')])).toEqual({
      is: 'exact-if-restarted',
      because: ['if_restarted runtime'],
    });
  });

  test('approximate where anything is', () => {
    expect(
      confidence([
        doubt('if_restarted', 'runtime'),
        doubt('approximate', 'resolver'),
        doubt('approximate', 'resolver'),
      ]),
    ).toEqual({
      is: 'approximate',
      because: ['if_restarted runtime', 'approximate resolver'],
    });
  });

  test('doubts about credentials count where somebody asked for them', () => {
    const about = [doubt('approximate', 'credentials')];
    expect(confidence(about).is).toBe('exact');
    expect(confidence(about, [challenge]).is).toBe('approximate');
  });

  test('a tag that was only resolved is approximate, and a failure after it is not for that', () => {
    const shallow: Ending = { ...pulled, content: { ...pulled.content, depth: 'resolved' } };
    expect(judge(plan, demand, rehearsal(attempt(shallow)), []).confidence).toMatchObject({ is: 'approximate' });
    expect(judge(plan, demand, rehearsal(attempt(failedBy(refused))), []).confidence).toEqual({
      is: 'exact',
      because: [],
    });
  });
});

test('every fault of ours is unknown, every other one fails', () => {
  for (const code of faultCodes) {
    const verdict = judgeUnplanned({ ok: false, fault: { code } as Fault });
    expect(verdict.is).toBe(ownerOf(code) === 'agent' ? 'unknown' : 'fails');
  }
});

describe("the kubelet's own config.json that nobody let us read", () => {
  const unseenFile: Fault = { code: 'agent.cannot_see', what: '/var/lib/kubelet', why: 'the directory is not mounted' };

  test('leaves a login that was demanded and not had untold', () => {
    const what = rehearsal(attempt(failedBy(required, 'auth'), 'anonymous', [challenge]));
    expect(verdictOf({ unseenFile }, what)).toBe('unknown agent.cannot_see at auth');
  });

  test('changes nothing of a pull that works, nor of one that fails elsewhere', () => {
    expect(verdictOf({ unseenFile }, rehearsal(attempt(pulled, 'anonymous', [challenge])))).toBe('pulls');
    expect(verdictOf({ unseenFile }, rehearsal(attempt(failedBy(refused))))).toBe('fails tcp.refused at tcp');
  });

  test('changes nothing where another credential was refused', () => {
    const what = rehearsal(attempt(failedBy(rejected, 'auth'), 'pull secret shop/hub', [challenge]));
    expect(verdictOf({ unseenFile }, what)).toBe('fails auth.rejected at auth');
  });
});
