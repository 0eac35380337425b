import { describe, expect, test } from 'vitest';
import { checked, isFresh } from '#report/check-answer.ts';
import type { Fault } from '#report/fault.ts';
import { readCheckAnswer } from '#report/read-check-answer.ts';
import type { PullReport } from '#report/report.ts';
import { exchange } from '../kit/exchanges.ts';
import { failing, now, pulling, risking } from '../kit/ledger.ts';

const advice = { cause: '', remedy: '', owner: 'node' } as const;
const fails = (fault: Fault): PullReport => failing({ image: 'a', fault, stage: 'api', advice });
const missing: Fault = { code: 'manifest.unknown_tag', image: 'a', host: 'h', message: '' };
const rejected: Fault = { code: 'auth.rejected', host: 'h', as: 'u', status: 401, message: '' };
const unseen: Fault = { code: 'agent.cannot_see', what: 'w', why: 'y' };

function byDigest(reference: string): PullReport {
  const report = { ...pulling({ image: 'a' }), reference };
  const url = `https://mirror.test/v2/a/manifests/sha256:${'0'.repeat(64)}?ns=a.test`;
  const attempts = report.attempts.map((one) => ({ ...one, exchanges: [exchange('resolve', url)] }));
  return { ...report, attempts };
}

describe('what an agent knows is answer enough', () => {
  test.each<[string, PullReport, number, boolean]>([
    ['what pulled, within the cadence', pulling({ image: 'a' }), 299_000, true],
    ['what pulled, a cadence ago', pulling({ image: 'a' }), 300_000, false],
    ['what is at risk, within the cadence', risking({ image: 'a' }, []), 299_000, true],
    ['a missing tag, for the neighbours of a moment', fails(missing), 14_000, true],
    ['a missing tag, no longer: it may just have been pushed', fails(missing), 15_000, false],
    ['a refused login, which another try could lock', fails(rejected), 299_000, true],
    ['what was unknown, no longer than a moment', { ...fails(unseen) }, 15_000, false],
    ['what a mirror was asked for by digest in place of its tag', byDigest('a.test/a:1'), 1_000, false],
    ['what is pinned', byDigest(`a.test/a@sha256:${'0'.repeat(64)}`), 1_000, true],
    ['what comes from the future, for a clock was set', pulling({ image: 'a' }), -1, false],
  ])('%s', (_what, report, ageMs, expected) => {
    const at = new Date(now - ageMs).toISOString();
    expect(isFresh({ ...report, at }, { nowMs: now, cadenceMs: 300_000 })).toBe(expected);
  });
});

test('an answer says how old it is, and leaves its steps out where they are not wanted', () => {
  const report = { ...pulling({ image: 'a' }), at: new Date(now - 5000).toISOString() };
  expect(checked(report, { known: true, brief: false }, now)).toEqual({ ...report, ageMs: 5000 });
  const brief = checked(report, { known: true, brief: true }, now);
  expect(brief).toMatchObject({ ageMs: 5000, attempts: [], evidence: [] });
  expect(brief).not.toHaveProperty('plan');
});

describe('the answer of another drypull', () => {
  const good = { ...pulling({ image: 'a' }), ageMs: 0 };
  test.each<[string, unknown, number | undefined]>([
    ['reports', { version: 1, reports: [good] }, 1],
    ['with the words of a newer one', { version: 1, reports: [{ ...good, colour: 'blue' }], more: true }, 1],
    [
      'a fault that is not known here',
      {
        version: 1,
        reports: [
          good,
          {
            ...good,
            verdict: { is: 'fails', fault: { code: 'new.kind' }, stage: 'x', confidence: { is: 'exact', because: [] } },
          },
        ],
      },
      1,
    ],
    ['a verdict that is not known here', { version: 1, reports: [{ ...good, verdict: { is: 'perhaps' } }] }, 0],
    ['no age', { version: 1, reports: [pulling({ image: 'a' })] }, 0],
    ['something else in the list', { version: 1, reports: [null, 7, 'a', []] }, 0],
    ['another version', { version: 2, reports: [good] }, undefined],
    ['no list', { version: 1, reports: {} }, undefined],
    ['a text', 'reports', undefined],
    ['nothing', undefined, undefined],
  ])('%s', (_what, body, expected) => {
    expect(readCheckAnswer(body)?.length).toBe(expected);
  });
});
