import { describe, expect, test } from 'vitest';
import { answerFor } from '#report/node-answer.ts';
import { entry, ledgerOf, startingLedger, node7, now, reports } from '../kit/ledger.ts';

const pod = { kind: 'Pod', namespace: 'shop', name: 'web', part: 'container web' };

describe('answerFor', () => {
  test('a node whose images all pull is ready', () => {
    expect(answerFor(ledgerOf([entry(reports.pulls), entry(reports.atRisk)]), now)).toMatchObject({
      is: 'ready',
      counts: { asked: 2, pulls: 1, at_risk: 1, fails: 0, unknown: 0 },
    });
  });

  test('a node that is asked for nothing is ready', () => {
    expect(answerFor(ledgerOf([]), now).is).toBe('ready');
  });

  test('one listed image that fails makes the node not ready, whatever the fault', () => {
    const answer = answerFor(ledgerOf([entry(reports.pulls), entry(reports.badTag)]), now);
    expect(answer).toMatchObject({ is: 'not_ready', because: '1 image cannot be pulled on this node' });
    expect(answer.against.map(({ id }) => id)).toEqual([reports.badTag.image]);
  });

  test("a Pod's misspelt tag takes no node out of service", () => {
    const answer = answerFor(ledgerOf([entry(reports.pulls), entry({ ...reports.badTag, requestedBy: [pod] })]), now);
    expect(answer.is).toBe('ready');
    expect(answer.elsewhere.map(({ id }) => id)).toEqual([reports.badTag.image]);
  });

  test("a Pod's registry that refuses connections makes the node not ready", () => {
    expect(answerFor(ledgerOf([entry({ ...reports.refused, requestedBy: [pod] })]), now).is).toBe('not_ready');
  });

  test('what is yet to come takes no node out of service, nor makes it unknown', () => {
    const coming = { ...pod, kind: 'Deployment', coming: true } as const;
    const failing = entry({ ...reports.refused, requestedBy: [coming] });
    const answer = answerFor(ledgerOf([entry(reports.pulls), failing]), now);
    expect(answer).toMatchObject({ is: 'ready', counts: { fails: 1 } });
    expect(answer.elsewhere.map(({ id }) => id)).toEqual([reports.refused.image]);
    expect(answerFor(ledgerOf([entry({ ...reports.unknown, requestedBy: [coming] })]), now).is).toBe('ready');
    expect(answerFor(ledgerOf([entry({ ...reports.refused, requestedBy: [coming, pod] })]), now).is).toBe('not_ready');
  });

  test('an image of which nothing is known is no false alarm', () => {
    expect(answerFor(ledgerOf([entry(reports.pulls), entry(reports.unknown)]), now).is).toBe('ready');
  });

  test('a node of which nothing at all is known is unknown', () => {
    expect(answerFor(ledgerOf([entry(reports.unknown)]), now).is).toBe('unknown');
  });

  test('an agent that has just started does not know', () => {
    const starting = startingLedger([entry(reports.pulls)]);
    expect(answerFor(starting, now)).toMatchObject({
      is: 'unknown',
      because: expect.stringContaining('just started') as string,
    });
  });

  test('reports that are too old say nothing about now', () => {
    const ledger = ledgerOf([entry(reports.pulls)]);
    expect(answerFor(ledger, now + 3 * 300_000).is).toBe('unknown');
    expect(answerFor(ledger, now + 3 * 300_000 - 60_000).is).toBe('ready');
  });

  test('what has stood longest comes first', () => {
    expect(answerFor(node7, now).against.map(({ id }) => id)).toEqual([
      reports.badTag.image,
      reports.refused.image,
      reports.untrusted.image,
    ]);
  });
});
