import { describe, expect, test } from 'vitest';
import type { Entry } from '#report/ledger.ts';
import type { Change } from '#agent/state.ts';
import { newsOf, readinessOf } from '#agent/node-status-text.ts';
import { refused, pulls } from '../kit/agent.ts';

const counts = { asked: 0, pulls: 0, at_risk: 0, fails: 0, unknown: 0 };
const entryOf = (report: Entry['report']): Entry => ({
  id: report.image,
  report,
  history: { spans: [], recent: [], count: 0 },
});
const failing = (registry: string, image: string): Entry => entryOf({ ...refused(image), registry });

describe('the condition', () => {
  test('names causes by registry, in an order that does not change, and few of them', () => {
    const against = ['f', 'b', 'c', 'a', 'd', 'e', 'b'].map((registry, n) => failing(registry, `${registry}/app:${n}`));
    const causesText = (order: readonly Entry[]) =>
      readinessOf({ is: 'not_ready', because: '7 images', counts, against: order, elsewhere: [] });
    expect(causesText(against)).toEqual({
      status: 'False',
      reason: 'ImagesWouldNotPull',
      message:
        '7 images: tcp.refused at a (a/app:3); tcp.refused at b (b/app:1 and 1 more); tcp.refused at c (c/app:2); ' +
        'tcp.refused at d (d/app:4); tcp.refused at e (e/app:5); and 1 more',
    });
    expect(causesText(against.toReversed())).toEqual(causesText(against));
  });

  test.each([
    ['ready', 'True'],
    ['unknown', 'Unknown'],
  ] as const)('of a node that is %s is %s', (is, status) => {
    const readiness = readinessOf({ is, because: 'why', counts, against: [], elsewhere: [] });
    expect(readiness).toMatchObject({ status, message: 'why' });
  });
});

describe('an Event', () => {
  const change = (report: Entry['report'], was?: Change['was']): Change => ({
    was,
    wasFault: undefined,
    entry: entryOf(report),
  });
  test('warns of a failure with its cause and remedy', () => {
    expect(newsOf(change(refused('r/a')))).toEqual({
      about: 'r/a',
      type: 'Warning',
      reason: 'ImageWouldNotPull',
      note: 'r/a: c r',
    });
  });

  test.each([
    [undefined, undefined],
    ['unknown', undefined],
    ['fails', 'ImageWouldPullAgain'],
    ['at_risk', 'ImageWouldPullAgain'],
  ] as const)('about an image that pulls and was %s: %s', (was, reason) => {
    expect(newsOf(change(pulls('r/a'), was))?.reason).toBe(reason);
  });

  test('says nothing of what could not be told', () => {
    const { verdict, ...rest } = refused('r/a');
    if (verdict.is !== 'fails') throw new Error(verdict.is);
    expect(newsOf(change({ ...rest, verdict: { ...verdict, is: 'unknown' } }, 'pulls'))).toBeUndefined();
  });
});
