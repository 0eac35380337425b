/** Rules about the hosts of layers, by facts alone. */
import { describe, expect, test } from 'vitest';
import type { Forecast } from '#forecast/forecast.ts';
import type { Image } from '#image/reference.ts';
import type { Good } from '#report/outcome.ts';
import type { BlobHostHistory } from '#forecast/history/blob-hosts.ts';
import { emptyNodeHistory } from '#forecast/history/history.ts';
import { planPull } from '#runtime/plan.ts';
import type { Content, Ending, Exchange, Rehearsal } from '#report/rehearsal.ts';
import { forecastImage } from '#forecast/rules.ts';
import { exchange, good, healthy } from '../../kit/exchanges.ts';
import { demandFor, nodeOf } from '../../kit/stage.ts';

const nowMs = Date.parse('2026-03-04T12:00:00.000Z');
const hour = 3_600_000;
const refused = { ok: false, fault: { code: 'tcp.refused', address: '10.0.0.9', port: 443 } } as const;
const from = (host: string, outcome: Exchange['outcome'] = good({ status: 200, bytes: 1 })): Exchange =>
  exchange('layer', `https://${host}/blob`, { outcome });

type Hosts = Readonly<Record<string, Partial<BlobHostHistory>>>;

interface Seen {
  readonly exchanges: readonly Exchange[];
  readonly depth?: Content['depth'];
}

function predicted(rule: string, { exchanges, depth = 'blobs_sampled' }: Seen, known?: Hosts): readonly Forecast[] {
  const demand = demandFor('reg.test/team/app:v1');
  const view = nodeOf();
  const plan = planPull(view, { ...demand, image: demand.image as Good<Image> }, []);
  const { ending, as } = healthy('reg.test', 'team/app');
  const shown: Ending = ending.is === 'pulled' ? { ...ending, content: { ...ending.content, depth } } : ending;
  const rehearsal: Rehearsal = { attempts: [{ as, exchanges, ending: shown }], evidence: [], ms: 1 };
  const hosts = Object.entries(known ?? {}).map(([host, over]): [string, BlobHostHistory] => [
    host,
    { sinceMs: nowMs - 500 * hour, recent: '1', ...over },
  ]);
  const blobHosts = known === undefined ? {} : { 'reg.test': Object.fromEntries(hosts) };
  const history = { ...emptyNodeHistory, blobHosts };
  return forecastImage({ now: new Date(nowMs), view, demand, plan, rehearsal, history }).filter(
    (one) => one.rule === rule,
  );
}

const ok = { okMs: nowMs - hour };

describe('blob-host-new', () => {
  const found = (exchanges: readonly Exchange[], known?: Hosts) => predicted('blob-host-new', { exchanges }, known);

  test('one that works is told and threatens nothing', () => {
    expect(found([from('new.test')], { 'old.test': ok })).toMatchObject([
      { about: 'new.test', likelihood: 'possible', effect: 'none' },
    ]);
  });

  test('one that fails where another serves is likely to fail pulls', () => {
    const forecasts = found([from('old.test'), from('new.test', refused)], { 'old.test': ok });
    expect(forecasts).toMatchObject([
      { about: 'new.test', likelihood: 'likely', effect: 'fails', fault: 'blob.redirect_failed', withinS: 0 },
    ]);
  });

  test('one that failed for another image an hour ago, too', () => {
    const failed = { sinceMs: nowMs - hour, failMs: nowMs - hour, fault: 'blob.denied', recent: '00' } as const;
    expect(found([from('old.test')], { 'old.test': ok, 'new.test': failed })).toMatchObject([{ fault: 'blob.denied' }]);
    const longAgo = { ...failed, failMs: nowMs - 7 * hour, sinceMs: nowMs - 7 * hour };
    expect(found([from('old.test')], { 'old.test': ok, 'new.test': longAgo })).toEqual([]);
  });

  test.each<readonly [string, readonly Exchange[], Hosts | undefined]>([
    ['in the first rehearsal of a registry', [from('a.test'), from('b.test')], undefined],
    ['of the hosts that are known', [from('old.test')], { 'old.test': ok }],
    ['of the registry itself', [from('reg.test')], { 'old.test': ok }],
    [
      'of one that is known for more than a day',
      [from('new.test')],
      { 'old.test': ok, 'new.test': { ...ok, sinceMs: nowMs - 25 * hour } },
    ],
    [
      'of what came in the same hour as the first',
      [from('b.test')],
      { 'a.test': { ...ok, sinceMs: nowMs - hour / 2 } },
    ],
    ['where no layer was asked for', [], { 'old.test': ok }],
  ])('silent %s', (_, exchanges, known) => {
    expect(found(exchanges, known)).toEqual([]);
  });
});

test('where no layer may be asked for, it cannot be told where they come from, until one was', () => {
  const shallow = { exchanges: [], depth: 'resolved' } as const;
  expect(predicted('blob-host-new', shallow)).toMatchObject([{ about: 'reg.test', likelihood: 'unknown' }]);
  expect(predicted('blob-host-new', shallow, { 'old.test': ok })).toEqual([]);
});

describe('blob-host-flaky', () => {
  const found = (recent: string, over: Partial<BlobHostHistory> = {}) =>
    predicted(
      'blob-host-flaky',
      { exchanges: [from('cdn.test')] },
      {
        'cdn.test': { ...ok, failMs: nowMs - hour, fault: 'tcp.reset', recent, failed: ['a', 'b'], ...over },
      },
    );

  test.each<readonly [string, string, string]>([
    [
      '111011101110',
      'likely',
      '3 of the last 13 requests for layers to cdn.test failed (tcp.reset): a pull of 5 of them fails with 73 %',
    ],
    [
      '1111111111111110111111111101111',
      'possible',
      '2 of the last 32 requests for layers to cdn.test failed (tcp.reset): a pull of 5 of them fails with 28 %',
    ],
  ])('%s', (recent, likelihood, because) => {
    expect(found(recent)).toMatchObject([{ likelihood, because, effect: 'fails', withinS: 0 }]);
  });

  test('three failures in a row need no more requests', () => {
    const down = [from('cdn.test', refused)];
    const known = { 'cdn.test': { ...ok, failMs: nowMs, fault: 'tcp.refused', recent: '100', failed: ['a'] } as const };
    expect(predicted('blob-host-flaky', { exchanges: down }, known)).toMatchObject([
      { likelihood: 'likely', fault: 'blob.redirect_failed' },
    ]);
  });

  test.each([
    ['few requests', '10'],
    ['one failure', '11111111101111'],
    ['none', '1111111111111'],
  ])('silent over %s', (_, recent) => {
    expect(found(recent)).toEqual([]);
  });

  test('what one other image alone meets may be its own; what two meet, or this one, is the host’s', () => {
    expect(found('0101010101', { failed: ['other.test/a:1'] })).toEqual([]);
    expect(found('0101010101', { failed: ['reg.test/team/app:v1'] })).toHaveLength(1);
  });

  test('silent over what was this morning', () => {
    expect(found('0101010101', { failMs: nowMs - 7 * hour })).toEqual([]);
  });
});
