import { describe, expect, test } from 'vitest';
import type { PullReport } from '#report/report.ts';
import { noScores, score } from '#report/ledger.ts';
import {
  type PullOutcome,
  type StandingPrediction,
  addScore,
  emptyTally,
  isAbout,
  scoreOutcome,
  record,
  predictionAt,
} from '#report/score.ts';
import type { Verdict } from '#report/verdict.ts';

const confidence = { is: 'exact', because: [] } as const;
const fault = { code: 'tcp.refused', address: '10.0.0.1', port: 443 } as const;
const verdictOf: Readonly<Record<Verdict['is'], Verdict>> = {
  pulls: { is: 'pulls', confidence },
  at_risk: { is: 'at_risk', forecasts: [], confidence },
  fails: { is: 'fails', fault, stage: 'tcp', confidence },
  unknown: { is: 'unknown', fault: { code: 'agent.not_allowed', what: 'secrets' }, stage: 'plan', confidence },
};

function prediction(
  is: Verdict['is'],
  more: Partial<PullReport> = {},
  since = '2026-01-01T00:00:00Z',
): StandingPrediction {
  const report: PullReport = {
    version: 1,
    node: 'node1',
    at: '2026-01-01T00:10:00Z',
    ms: 5,
    image: 'app:1',
    policy: 'Always',
    requestedBy: [],
    verdict: verdictOf[is],
    forecasts: [],
    attempts: [],
    evidence: [],
    warnings: [],
    ...more,
  };
  return { report, since: new Date(since) };
}

function outcome(result: PullOutcome['result'], more: Partial<PullOutcome> = {}): PullOutcome {
  return {
    image: 'app:1',
    namespace: 'shop',
    pod: 'web',
    part: 'container c',
    result,
    reason: result === 'failed' ? 'ErrImagePull' : '',
    message: '',
    begun: new Date('2026-01-01T01:00:00Z'),
    at: new Date('2026-01-01T01:00:30Z'),
    ...more,
  };
}

const own = { requestedBy: [{ kind: 'Pod', namespace: 'shop', name: 'web', part: 'container c' }] };
const otherPod = { requestedBy: [{ kind: 'Pod', namespace: 'shop', name: 'api', part: 'container c' }] };

describe('a verdict and what the kubelet then got', () => {
  const kinds: readonly (readonly [Verdict['is'], PullOutcome['result'], string])[] = [
    ['fails', 'failed', 'hit'],
    ['fails', 'pulled', 'false_alarm'],
    ['pulls', 'failed', 'miss'],
    ['pulls', 'pulled', 'correct_rejection'],
    ['at_risk', 'failed', 'hit'],
    ['at_risk', 'pulled', 'correct_rejection'],
    ['unknown', 'failed', 'unscored'],
    ['unknown', 'pulled', 'unscored'],
  ];
  test.each(kinds)('said %s, and it %s: %s', (is, result, kind) => {
    expect(scoreOutcome(outcome(result), [prediction(is)]).is).toBe(kind);
  });

  test('a hit says how long before it was said, from the first time on', () => {
    const score = scoreOutcome(outcome('failed'), [prediction('fails', {}, '2026-01-01T00:00:30Z')]);
    expect(score).toMatchObject({ is: 'hit', leadS: 3600, actual: 'fails' });
  });

  const reasons: readonly (readonly [string, string, boolean])[] = [
    ['ErrImagePull', 'ErrImagePull', true],
    ['ErrImagePull', 'ImagePullBackOff', true],
    ['ErrImagePull', 'InvalidImageName', false],
    ['illegal base64 data at input byte 3', 'illegal base64 data at input byte 3', true],
    ['illegal base64 data at input byte 3', 'ErrImagePull', false],
  ];
  test.each(reasons)('foretold %j, got %j: the same reason is %s', (waitingReason, reason, same) => {
    const kubelet = { waitingReason, waitingMessage: '', events: [] };
    const score = scoreOutcome(outcome('failed', { reason }), [prediction('fails', { kubelet })]);
    expect(score).toMatchObject({ is: 'hit', sameReason: same });
  });
});

describe('which verdict counts', () => {
  test('none that came after the kubelet began', () => {
    const late = prediction('fails', { at: '2026-01-01T01:00:01Z' });
    expect(scoreOutcome(outcome('failed'), [late])).toMatchObject({ is: 'unscored', why: 'no_verdict' });
  });

  test('none about another image', () => {
    expect(scoreOutcome(outcome('failed'), [prediction('fails', { image: 'app:2' })])).toMatchObject({
      why: 'no_verdict',
    });
  });

  test("the Pod's own before that of others", () => {
    const verdicts = [prediction('pulls', otherPod), prediction('fails', own)];
    expect(scoreOutcome(outcome('failed'), verdicts).is).toBe('hit');
    expect(scoreOutcome(outcome('failed'), verdicts.toReversed()).is).toBe('hit');
  });

  test('the newest of its own', () => {
    const verdicts = [prediction('fails', { ...own, at: '2026-01-01T00:20:00Z' }), prediction('pulls', own)];
    expect(scoreOutcome(outcome('failed'), verdicts).is).toBe('hit');
  });

  test('that of others, where they all say the same', () => {
    expect(scoreOutcome(outcome('failed'), [prediction('fails', otherPod), prediction('fails')]).is).toBe('hit');
    const differ = scoreOutcome(outcome('failed'), [prediction('fails', otherPod), prediction('pulls')]);
    expect(differ).toMatchObject({ is: 'unscored', why: 'verdicts_differ' });
  });
});

describe('the tally', () => {
  test('counts each kind, and what could not be scored beside it', () => {
    const scores = [
      scoreOutcome(outcome('failed'), [prediction('fails')]),
      scoreOutcome(outcome('failed'), [prediction('pulls')]),
      scoreOutcome(outcome('pulled'), [prediction('pulls')]),
      scoreOutcome(outcome('pulled'), [prediction('fails')]),
      scoreOutcome(outcome('pulled'), []),
    ];
    const tally = scores.reduce(addScore, emptyTally);
    expect(tally.counts).toEqual({ hit: 1, miss: 1, false_alarm: 1, correct_rejection: 1 });
    expect(tally.unscored).toBe(1);
  });

  test('keeps misses whole, the newest twenty', () => {
    let tally = emptyTally;
    for (let index = 0; index < 25; index += 1)
      tally = addScore(tally, scoreOutcome(outcome('failed', { message: `text ${index}` }), [prediction('pulls')]));
    expect(tally.counts.miss).toBe(25);
    expect(tally.misses.map(({ outcome: { message } }) => message)).toEqual(
      Array.from({ length: 20 }, (_, index) => `text ${index + 5}`),
    );
    expect(tally.misses[0]?.prediction.report.image).toBe('app:1');
  });
});

describe('what had been said at some moment', () => {
  const at = (minute: number): string => new Date(minute * 60_000).toISOString();
  const actual = (is: Verdict['is'], minute: number) => prediction(is, { at: at(minute) }).report;
  /** Failed from 1 to 5, pulls from 6 to 10, fails again from 11 to 15. */
  const memory = Array.from({ length: 15 }, (_, n) => n + 1).reduce<readonly StandingPrediction[]>(
    (known, minute) =>
      record(
        known,
        actual(minute >= 6 && minute <= 10 ? 'pulls' : 'fails', minute),
        new Date((minute <= 5 ? 1 : minute <= 10 ? 6 : 11) * 60_000),
      ),
    [],
  );

  test('four reports know two stretches', () => {
    expect(memory.map(({ report }) => [report.verdict.is, Date.parse(report.at) / 60_000])).toEqual([
      ['pulls', 6],
      ['pulls', 10],
      ['fails', 11],
      ['fails', 15],
    ]);
  });

  test.each([
    [20, 'fails'],
    [13, 'fails'],
    [10.5, 'pulls'],
    [7, 'pulls'],
    [3, undefined],
  ])('at %d it was %s', (minute, is) => {
    expect(predictionAt(memory, new Date(minute * 60_000))?.report.verdict.is).toBe(is);
  });

  test('only the newest keeps its steps', () => {
    const exchange = { as: 'anonymous', exchanges: [], ending: { is: 'undetermined' } } as unknown;
    const long = { ...actual('pulls', 1), attempts: [exchange] } as StandingPrediction['report'];
    const [first, second] = record(record([], long, new Date(0)), long, new Date(0));
    expect([first?.report.attempts.length, second?.report.attempts.length]).toEqual([0, 1]);
  });
});

describe('whose pull it was', () => {
  const secret = (name: string) => ({ namespace: 'shop', name, state: { is: 'missing' } }) as const;
  const image = { ok: false, fault } as const;
  const demand = {
    image,
    written: 'app:1',
    policy: 'Always',
    requestedBy: [],
    secrets: [secret('a')],
    present: 'no',
  } as const;
  test.each<[string, Partial<PullOutcome>, boolean]>([
    ['the same in all', {}, true],
    ['another image', { image: 'app:2' }, false],
    ['another policy', { policy: 'Never' }, false],
    ['another namespace', { namespace: 'bank' }, false],
    ['another secret', { secrets: ['b'] }, false],
    ['one secret more', { secrets: ['a', 'b'] }, false],
  ])('%s', (_, over, is) => {
    expect(isAbout(outcome('failed', { policy: 'Always', secrets: ['a'], ...over }), demand)).toBe(is);
  });
});

test('the ledger keeps the last twenty scores, and counts them all', () => {
  const hit = scoreOutcome(outcome('failed'), [prediction('fails')]);
  const scores = Array.from({ length: 50 }).reduce<typeof noScores>((known) => score(known, hit), noScores);
  expect([scores.recent.length, scores.tally.counts.hit]).toEqual([20, 50]);
  const unscored = score(scores, scoreOutcome(outcome('failed'), []));
  expect([unscored.recent.length, unscored.tally.unscored]).toEqual([20, 1]);
});
