/** Docker Hub's quota, really counted by a Hub on loopback: what was foretold, and that it came. */
import { describe, expect, test } from 'vitest';
import { parseImage } from '#image/reference.ts';
import type { Entry } from '#report/ledger.ts';
import { emptyNodeHistory, learnReport, learnSamples, type NodeHistory } from '#forecast/history/history.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand, NodeView } from '#node/view.ts';
import { forecastNode } from '#forecast/rules.ts';
import { openWire } from '#rehearsal/open-wire.ts';
import { QuotaSampler, type Sampling } from '#rehearsal/quota-samples.ts';
import { Memory } from '#runtime/attempt/memory.ts';
import { broughtAbout } from '../../kit/brought-about.ts';
import { FakeHub, predicted } from '../../kit/fake-hub.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import { entry } from '../../kit/ledger.ts';
import { rateLimited } from '../../kit/misbehaviour.ts';
import { demandFor, gist, pullOf, pullSecret } from '../../kit/stage.ts';

const beganMs = Date.parse('2026-03-04T12:00:00.000Z');
const minute = 60_000;

/** A node over virtual time: each look is a rehearsal over real sockets, and what it showed is remembered. */
class Days {
  nowMs = beganMs;
  history: NodeHistory = emptyNodeHistory;
  readonly memory = new Memory();
  readonly now = (): number => this.nowMs;

  async rehearse(view: NodeView, wanted: string | Demand): Promise<PullReport> {
    const sketch = { now: () => new Date(this.nowMs), memory: this.memory, history: () => this.history };
    const report = await pullOf(view, wanted, sketch);
    this.history = learnReport(this.history, report);
    return report;
  }

  /** What the kubelet would do: another memory, and no regard for what it costs. */
  async pull(view: NodeView, wanted: string | Demand): Promise<string> {
    return gist(await pullOf(view, wanted, { now: () => new Date(this.nowMs), manners: { spend: true } }));
  }
}

describe('a quota that others behind the same address use up', () => {
  test('is foretold hours ahead, and used up when it was foretold', async () => {
    const days = new Days();
    await using hub = await FakeHub.open({ now: days.now, images: ['library/nginx:1'] });
    const view = hub.node();
    const five = async (): Promise<PullReport> => {
      days.nowMs += 5 * minute;
      hub.consume('127.0.0.1', 2);
      return days.rehearse(view, 'nginx:1');
    };
    const first = await days.rehearse(view, 'nginx:1');
    expect(first.verdict.is).toBe('pulls');
    let report = first;
    for (let i = 0; i < 12; i += 1) report = await five();
    const shown = report;
    const [forecast] = predicted(report, 'quota-runs-out');
    // 24 an hour: 76 are left after the first, and last for 3 h 10 min.
    expect(forecast).toMatchObject({
      likelihood: 'likely',
      fault: 'api.rate_limited',
      about: 'docker.io quota of 127.0.0.1',
    });
    expect(report.verdict.is).toBe('at_risk');
    const endsMs = days.nowMs + (forecast?.withinS ?? 0) * 1000;
    expect(endsMs - days.nowMs).toBeGreaterThan(3 * 60 * minute);
    const asked = hub.requests.length;
    while (days.nowMs < endsMs - 10 * minute) expect((await five()).verdict.is).toBe('at_risk');
    while (days.nowMs < endsMs + 5 * minute) report = await five();
    broughtAbout('quota-runs-out', 'api.rate_limited', { shown, came: report, offByS: 600 });
    expect(hub.requests.length).toBeGreaterThan(asked);
    expect(hub.manifestGets).toBe(0);
    expect(await days.pull(view, 'nginx:1')).toBe('fails api.rate_limited');
  });

  test('is no trouble where as much comes back as is used', async () => {
    const days = new Days();
    await using hub = await FakeHub.open({ now: days.now, images: ['library/nginx:1'] });
    const view = hub.node();
    for (let i = 0; i < 8 * 12; i += 1) {
      days.nowMs += 5 * minute;
      hub.consume('127.0.0.1', 1);
      const report = await days.rehearse(view, 'nginx:1');
      expect(gist(report)).toBe('pulls');
    }
    expect(hub.manifestGets).toBe(0);
  });
});

describe('a quota with little left', () => {
  test('is foretold below a tenth, and the next who pulls after the others is refused', async () => {
    const days = new Days();
    await using hub = await FakeHub.open({ now: days.now, images: ['library/nginx:1'] });
    const view = hub.node();
    hub.consume('127.0.0.1', 92);
    const shown = await days.rehearse(view, 'nginx:1');
    expect(predicted(shown, 'rate-limit-nears')[0]?.because).toContain('has 8 of 100 pulls in 6 h left');
    days.nowMs += minute;
    hub.consume('127.0.0.1', 8);
    const came = await pullOf(view, 'nginx:1', { now: () => new Date(days.nowMs), manners: { spend: true } });
    broughtAbout('rate-limit-nears', 'api.rate_limited', { shown, came });
  });

  test('is short for the images that a node lacks, and as many of them are refused as were foretold', async () => {
    const days = new Days();
    const names = Array.from({ length: 6 }, (_, i) => `team/app-${i}:1`);
    await using hub = await FakeHub.open({ now: days.now, images: names });
    const view = hub.node();
    hub.consume('127.0.0.1', 96);
    const entries: Entry[] = [];
    for (const name of names) entries.push(entry({ ...(await days.rehearse(view, name)), present: 'no' }));
    const forecasts = forecastNode({ now: new Date(days.nowMs), view, entries, history: days.history });
    const [, left, lacking] =
      /has (\d+) pulls left, and (\d+) images/.exec(
        forecasts.find(({ rule }) => rule === 'quota-short')?.because ?? '',
      ) ?? [];
    expect([left, lacking]).toEqual(['4', '6']);
    const pulled: string[] = [];
    for (const name of names) pulled.push(await days.pull(view, name));
    const status = [...Array<string>(4).fill('pulls'), ...Array<string>(2).fill('fails api.rate_limited')];
    const came = { atMs: days.nowMs, status, so: pulled.map((one) => one.replace(/^at_risk .*/, 'pulls')) };
    broughtAbout('quota-short', 'api.rate_limited', { shown: { forecasts, atMs: days.nowMs }, came });
  });
});

/** Where the sampler looks, for whom, and what it knows. */
function sampling(days: Days, view: NodeView, over: Partial<Sampling> = {}): Sampling {
  const opening = {
    memory: days.memory,
    manners: { verify: false, spend: false, deadlineMs: 5_000, patienceMs: 2_000, evidence: false },
    now: () => new Date(days.nowMs),
    clockMs: () => performance.now(),
    localContent: () => Promise.resolve(undefined),
    perRegistry: 1,
  };
  return {
    view,
    demands: [],
    entries: [],
    history: days.history,
    askProviders: () => Promise.resolve([]),
    openWire: (family) => openWire(view, family === undefined ? opening : { ...opening, family }),
    signal: new AbortController().signal,
    nowMs: days.now,
    ...over,
  };
}

async function lookOnce(days: Days, sampler: QuotaSampler, given: Sampling): Promise<readonly string[]> {
  const sampleRequests = sampler.sampleRequests(given, days.nowMs);
  const samples = await sampler.sampleBuckets(sampleRequests, given);
  days.history = learnSamples(days.history, samples);
  return samples.map(
    ({ account, family, limit }) =>
      `${account} ${family} ${limit?.remaining ?? '?'}/${limit?.limit ?? '?'} ${limit?.source ?? ''}`,
  );
}

describe('a look at the quota beside the rehearsals', () => {
  const exempt = { images: ['sponsored/app:1'], exempt: ['sponsored/app'] };

  test('is made for each address family, and never by a GET of a manifest', async () => {
    const days = new Days();
    await using hub = await FakeHub.open({ now: days.now, dualStack: true, ...exempt });
    const view = hub.node();
    const report = await days.rehearse(view, 'sponsored/app:1');
    expect(days.history.quotas).toEqual([]);
    hub.consume('::1', 30);
    const given = (): Sampling =>
      sampling(days, view, { demands: [demandFor('sponsored/app:1')], entries: [entry(report)] });
    const sampler = new QuotaSampler();
    expect(await lookOnce(days, sampler, given())).toEqual([
      'anonymous ipv4 100/100 127.0.0.1',
      'anonymous ipv6 70/100 ::1',
    ]);
    // More than four fifths are left over IPv4: a quarter of an hour; else five minutes.
    days.nowMs += 6 * minute;
    expect(await lookOnce(days, sampler, given())).toEqual(['anonymous ipv6 70/100 ::1']);
    days.nowMs += minute;
    expect(await lookOnce(days, sampler, given())).toEqual([]);
    expect(hub.manifestGets).toBe(0);
  });

  test('a family without an address of the registry is asked once an hour, and costs it nothing', async () => {
    const days = new Days();
    await using hub = await FakeHub.open({ now: days.now, ...exempt });
    const view = hub.node();
    const report = await days.rehearse(view, 'sponsored/app:1');
    const given = (): Sampling =>
      sampling(days, view, { demands: [demandFor('sponsored/app:1')], entries: [entry(report)] });
    const sampler = new QuotaSampler();
    expect(await lookOnce(days, sampler, given())).toEqual(['anonymous ipv4 100/100 127.0.0.1']);
    days.nowMs += 16 * minute;
    expect(sampler.sampleRequests(given(), days.nowMs).map(({ place }) => place.family)).toEqual(['ipv4']);
  });

  test('is made once for each account that the node would use, and a paid one is left alone for an hour', async () => {
    const days = new Days();
    const users = { ci: 'right', boss: 'right' };
    await using hub = await FakeHub.open({
      now: days.now,
      users,
      paid: ['boss'],
      images: ['library/nginx:1', 'team/app:1'],
      exempt: ['library/nginx'],
    });
    const view = hub.node();
    const demands = [
      demandFor('nginx:1', { secrets: [pullSecret('ci', { 'docker.io': ['ci', 'right'] })] }),
      demandFor('team/app:1', { secrets: [pullSecret('boss', { 'docker.io': ['boss', 'right'] })] }),
    ];
    const entries: Entry[] = [];
    for (const demand of demands) entries.push(entry(await days.rehearse(view, demand)));
    const sampler = new QuotaSampler();
    const given = (): Sampling => sampling(days, view, { demands, entries });
    expect(await lookOnce(days, sampler, given())).toEqual(['ci any 200/200 ci', 'boss any ?/? ']);
    days.nowMs += 50 * minute;
    expect(sampler.sampleRequests(given(), days.nowMs).map(({ place }) => place.account)).toEqual(['ci']);
    expect(hub.manifestGets).toBe(0);
  });

  test('is not made where a rehearsal has just shown what is left', async () => {
    const days = new Days();
    await using hub = await FakeHub.open({ now: days.now, images: ['library/nginx:1'] });
    const view = hub.node();
    const report = await days.rehearse(view, 'nginx:1');
    const given = sampling(days, view, { demands: [demandFor('nginx:1')], entries: [entry(report)] });
    expect(new QuotaSampler().sampleRequests(given, days.nowMs).map(({ place }) => place.family)).toEqual(['ipv6']);
  });

  test('is not made without leave', async () => {
    const days = new Days();
    await using hub = await FakeHub.open({ now: days.now, ...exempt });
    const view = hub.node();
    const report = await days.rehearse(view, 'sponsored/app:1');
    const before = hub.requests.length;
    const request: string[] = [];
    const given = sampling(days, view, {
      demands: [demandFor('sponsored/app:1')],
      entries: [entry(report)],
      admit: (registry, requests) => {
        request.push(`${registry} ${requests}`);
        return false;
      },
    });
    expect(await lookOnce(days, new QuotaSampler(), given)).toEqual([]);
    expect(request).toEqual(['docker.io 3', 'docker.io 3']);
    expect(hub.requests).toHaveLength(before);
  });

  test('presents no login that was refused', async () => {
    const days = new Days();
    await using hub = await FakeHub.open({ now: days.now, users: { ci: 'right' }, ...exempt });
    const view = hub.node();
    const demands = [demandFor('sponsored/app:1', { secrets: [pullSecret('old', { 'docker.io': ['ci', 'wrong'] })] })];
    const report = await days.rehearse(view, demands[0] ?? 'sponsored/app:1');
    expect(gist(report)).toBe('fails auth.rejected');
    const before = hub.logins;
    expect(
      await lookOnce(days, new QuotaSampler(), sampling(days, view, { demands, entries: [entry(report)] })),
    ).toEqual([]);
    expect(hub.logins).toBe(before);
  });

  test('finds a quota that runs out behind images that say nothing, before they fail', async () => {
    const days = new Days();
    await using hub = await FakeHub.open({
      now: days.now,
      images: ['library/nginx:1'],
      exempt: ['library/nginx'],
      limits: { anonymous: 60 },
    });
    const view = hub.node();
    const sampler = new QuotaSampler();
    let report = await days.rehearse(view, 'nginx:1');
    for (let i = 0; i < 10; i += 1) {
      days.nowMs += 5 * minute;
      hub.consume('127.0.0.1', 3);
      const given = sampling(days, view, { demands: [demandFor('nginx:1')], entries: [entry(report)] });
      await lookOnce(days, sampler, given);
      report = await days.rehearse(view, 'nginx:1');
    }
    const [forecast] = predicted(report, 'quota-runs-out');
    // 30 of 60 are left at 36 an hour.
    expect(forecast?.withinS).toBeGreaterThan(40 * 60);
    expect(forecast?.withinS).toBeLessThan(60 * 60);
    // Less than an hour: each minute.
    days.nowMs += minute;
    const given = sampling(days, view, { entries: [entry(report)], history: days.history });
    expect(sampler.sampleRequests(given, days.nowMs).map(({ place }) => place.family)).toEqual(['ipv4']);
    expect(hub.manifestGets).toBe(0);
  });

  test('behind a mirror nothing is asked, and that is said', async () => {
    const days = new Days();
    await using hub = await FakeHub.open({ now: days.now, images: ['library/nginx:1'] });
    await using mirror = await FakeHub.open({ now: days.now, images: ['library/nginx:1'] });
    const port = mirror.authority.split(':')[1] ?? '';
    const view = hub.node({ hosts: { 'mirror.test': ['127.0.0.1'] } }, [`mirror.test:${port}`]);
    const report = await days.rehearse(view, 'nginx:1');
    const entries = [entry(report)];
    const before = hub.requests.length;
    expect(
      await lookOnce(days, new QuotaSampler(), sampling(days, view, { demands: [demandFor('nginx:1')], entries })),
    ).toEqual([]);
    expect(hub.requests).toHaveLength(before);
    const forecasts = forecastNode({ now: new Date(days.nowMs), view, entries, history: days.history });
    expect(forecasts).toMatchObject([
      { rule: 'quota-unseen', likelihood: 'unknown', about: `docker.io quota of mirror.test:${port}` },
    ]);
  });

  test('behind a mirror what others leave is not seen, and one day it is nothing', async () => {
    const days = new Days();
    await using hub = await FakeHub.open({ now: days.now, images: ['library/nginx:1'] });
    // A pull-through cache that has nothing yet, and passes on what it is told.
    await using mirror = await FakeRegistry.open({
      images: { 'library/nginx:1': image() },
      headers: { date: new Date(days.nowMs).toUTCString() },
    });
    const view = hub.node({ hosts: { 'mirror.test': ['127.0.0.1'] } }, [`mirror.test:${mirror.port}`]);
    const report = await days.rehearse(view, 'nginx:1');
    expect(gist(report)).toBe('pulls');
    const forecasts = forecastNode({
      now: new Date(days.nowMs),
      view,
      entries: [entry(report)],
      history: days.history,
    });
    mirror.play(rateLimited());
    hub.consume('127.0.0.1', 100);
    const came = await pullOf(view, 'nginx:1', { now: () => new Date(days.nowMs), manners: { spend: true } });
    broughtAbout('quota-unseen', 'api.rate_limited', { shown: { forecasts, atMs: days.nowMs }, came });
  });

  test('headers without numbers are unknown, and neither none nor zero', async () => {
    const days = new Days();
    await using hub = await FakeHub.open({ now: days.now, images: ['library/nginx:1'] });
    const view = hub.node();
    hub.headersAreEmpty = true;
    const report = await days.rehearse(view, 'nginx:1');
    expect(gist(report)).toBe('pulls');
    const forecasts = forecastNode({
      now: new Date(days.nowMs),
      view,
      entries: [entry(report)],
      history: days.history,
    });
    expect(forecasts).toMatchObject([{ rule: 'quota-unseen', likelihood: 'unknown' }]);
  });
});

test('the preview image is an image', () => {
  expect(parseImage('docker.io/ratelimitpreview/test:latest')).toMatchObject({ ok: true, value: { tag: 'latest' } });
});
