/** Logins that end, plugins that fail and accounts that are locked, on real sockets: what was foretold, and that it came. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { emptyNodeHistory, learnReport, type NodeHistory } from '#forecast/history/history.ts';
import { threatens } from '#forecast/forecast.ts';
import type { PullReport } from '#report/report.ts';
import type { Demand, NodeView, ProviderAnswer } from '#node/view.ts';
import { forecastNode } from '#forecast/rules.ts';
import { askProviders } from '#node/credential-plugin.ts';
import { ProviderCache } from '#node/provider-cache.ts';
import { Memory } from '#runtime/attempt/memory.ts';
import { broughtAbout } from '../../kit/brought-about.ts';
import { FakeHub, predicted } from '../../kit/fake-hub.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import { entry } from '../../kit/ledger.ts';
import { nodeRoot } from '../../kit/node-root.ts';
import { demandFor, gist, nodeOf, pullOf, pullSecret } from '../../kit/stage.ts';
import { ecrPassword, jwt, untilItEnds } from '../../kit/tokens.ts';
import type { Script } from '../../kit/visit.ts';

const beganMs = Date.parse('2026-03-04T12:00:00.000Z');
const minute = 60_000;
const hour = 60 * minute;

class Days {
  nowMs = beganMs;
  history: NodeHistory = emptyNodeHistory;
  readonly memory = new Memory();

  /** The server's clock is the node's. */
  readonly dates: Script = ({ response }) => void response.setHeader('date', new Date(this.nowMs).toUTCString());

  async rehearse(view: NodeView, wanted: Demand, answers: readonly ProviderAnswer[] = []): Promise<PullReport> {
    const now = (): Date => new Date(this.nowMs);
    const report = await pullOf(view, wanted, { now, memory: this.memory, history: () => this.history, answers });
    this.history = learnReport(this.history, report);
    return report;
  }
}

const images = { 'team/app:1': image() };

describe('a password that says when it ends', () => {
  test.each([
    ["private ECR's", (endsMs: number) => ecrPassword(endsMs), 12 * hour],
    ['a JWT', (endsMs: number) => jwt({ exp: endsMs / 1000, iat: beganMs / 1000 }), 12 * hour],
  ])(
    '%s is told twelve hours ahead, threatens in the last two, and is refused when it was foretold',
    async (_, make, lifeMs) => {
      const days = new Days();
      await using registry = await FakeRegistry.open({ images, onRequest: untilItEnds(() => days.nowMs) });
      const view = nodeOf({ registries: { 'reg.test': registry } });
      const name = `reg.test:${registry.port}`;
      const demand = demandFor(`${name}/team/app:1`, {
        secrets: [pullSecret('ecr', { [name]: ['AWS', make(beganMs + lifeMs)] })],
      });
      const first = await days.rehearse(view, demand);
      expect(gist(first)).toBe('pulls');
      expect(predicted(first, 'credential-expires')).toMatchObject([
        { likelihood: 'unknown', withinS: 12 * 3600, fault: 'auth.rejected' },
      ]);
      days.nowMs = beganMs + 10.5 * hour;
      const late = await days.rehearse(view, demand);
      expect(gist(late)).toBe('at_risk credential-expires');
      expect(predicted(late, 'credential-expires')).toMatchObject([{ likelihood: 'likely', withinS: 1.5 * 3600 }]);
      days.nowMs += 1.5 * hour;
      const came = await days.rehearse(view, demand);
      broughtAbout('credential-expires', 'auth.rejected', { shown: first, came });
      broughtAbout('credential-expires', 'auth.rejected', { shown: late, came });
      expect(JSON.stringify([first, late])).not.toContain('DATA_KEY');
      expect(JSON.stringify([first, late, days.history])).not.toContain(make(beganMs + lifeMs).slice(0, 60));
    },
  );

  test('that somebody renews in time is no trouble; a renewal that does not come is one', async () => {
    const days = new Days();
    await using registry = await FakeRegistry.open({ images, onRequest: untilItEnds(() => days.nowMs) });
    const view = nodeOf({ registries: { 'reg.test': registry } });
    const name = `reg.test:${registry.port}`;
    let endsMs = 0;
    const readView = async (): Promise<PullReport> =>
      days.rehearse(
        view,
        demandFor(`${name}/team/app:1`, { secrets: [pullSecret('ecr', { [name]: ['AWS', ecrPassword(endsMs)] })] }),
      );
    for (let day = 0; day < 3; day += 1) {
      // A CronJob every eight hours.
      endsMs = days.nowMs + 12 * hour;
      for (const untilMs = days.nowMs + 8 * hour; days.nowMs < untilMs; days.nowMs += 30 * minute)
        expect(gist(await readView())).toBe('pulls');
    }
    days.nowMs += 30 * minute;
    const missed = await readView();
    expect(gist(missed)).toBe('at_risk credential-expires');
    expect(predicted(missed, 'credential-expires')[0]).toMatchObject({ likelihood: 'likely', withinS: 3.5 * 3600 });
    days.nowMs = endsMs;
    broughtAbout('credential-expires', 'auth.rejected', { shown: missed, came: await readView() });
  });
});

test('a plugin that fails while its old answer lasts is found at half of its time, before pulls fail', async () => {
  const days = new Days();
  await using registry = await FakeRegistry.open({
    images,
    auth: { scheme: 'basic', users: { AWS: 'right' } },
    onRequest: days.dates,
  });
  const name = `reg.test:${registry.port}`;
  const apiVersion = 'credentialprovider.kubelet.k8s.io/v1';
  const answer = JSON.stringify({
    kind: 'CredentialProviderResponse',
    apiVersion,
    cacheKeyType: 'Registry',
    cacheDuration: '6h0m0s',
    auth: { [name]: { username: 'AWS', password: 'right' } },
  });
  await using root = await nodeRoot({
    'bin/ecr': {
      text: `#!/bin/sh\n[ -e "$NOTES/broken" ] && exit 1\ncat <<'END'\n${answer}\nEND\n`,
      mode: 0o755,
    },
  });
  const provider = {
    name: 'ecr',
    apiVersion,
    matchImages: [name],
    defaultCacheS: 0,
    args: [],
    env: [],
    binary: join(root.path, 'bin/ecr'),
    wantsToken: false,
  };
  const means = {
    cache: new ProviderCache(),
    matches: (pattern: string, repository: string) => repository.startsWith(`${pattern}/`),
    env: { PATH: '/usr/bin:/bin', NOTES: root.path },
    now: () => days.nowMs,
  };
  const view = nodeOf({ registries: { 'reg.test': registry } });
  const readView = async (): Promise<PullReport> =>
    days.rehearse(view, demandFor(`${name}/team/app:1`), await askProviders([provider], `${name}/team/app`, means));
  expect(gist(await readView())).toBe('pulls');
  await writeFile(join(root.path, 'broken'), '');
  days.nowMs = beganMs + 2 * hour;
  expect(gist(await readView())).toBe('pulls');
  days.nowMs = beganMs + 3 * hour;
  const warned = await readView();
  expect(gist(warned)).toBe('at_risk provider-fails');
  expect(warned.forecasts).toMatchObject([
    { fault: 'credential.provider_failed', about: 'credential provider ecr', withinS: 3 * 3600 },
  ]);
  days.nowMs = beganMs + 6 * hour + 1;
  const failed = await readView();
  broughtAbout('provider-fails', 'credential.provider_failed', { shown: warned, came: failed, offByS: 1 });
});

describe('an account of Docker Hub', () => {
  const request = (days: Days) => ({
    now: () => days.nowMs,
    images: ['team/app:1', 'team/web:1'],
    users: { ci: 'right' },
    exempt: ['team/app', 'team/web'],
  });
  const stale = { secrets: [pullSecret('stale', { 'docker.io': ['ci', 'wrong'] })] };
  const fresh = { secrets: [pullSecret('fresh', { 'docker.io': ['ci', 'right'] })] };
  const containers = ['a', 'b'].map((name) => ({ kind: 'Pod', namespace: 'shop', name, part: 'container web' }));

  test('whose wrong password waiting containers present again and again is locked when it was foretold', async () => {
    const days = new Days();
    await using hub = await FakeHub.open(request(days));
    const view = hub.node();
    const waiting: Demand = { ...demandFor('team/app:1', stale), requestedBy: containers };
    const well = demandFor('team/web:1', fresh);
    expect(gist(await days.rehearse(view, waiting))).toBe('fails auth.rejected');
    const shown = await days.rehearse(view, well);
    const [forecast] = predicted(shown, 'login-nears-lock');
    expect(forecast).toMatchObject({
      fault: 'api.rate_limited',
      about: 'docker.io account ci',
      likelihood: 'possible',
    });
    const endsMs = days.nowMs + (forecast?.withinS ?? 0) * 1000;
    expect(endsMs).toBeGreaterThan(days.nowMs);
    // The kubelet: each container at once, and then with its back-off. Our own look has cost two failures of the ten.
    for (let waitMs = 10_000; days.nowMs < endsMs; waitMs *= 2) {
      for (let i = 0; i < containers.length; i += 1) await pullOf(view, waiting, { now: () => new Date(days.nowMs) });
      days.nowMs += waitMs;
    }
    // With a fresh memory: nobody has proven the right password in this pass.
    const locked = await pullOf(view, well, { now: () => new Date(days.nowMs), history: () => days.history });
    // The kubelet's own back-off is what tells the time: it comes with the next of its tries.
    broughtAbout('login-nears-lock', 'api.rate_limited', { shown, came: locked, offByS: forecast?.withinS ?? 0 });
    expect(locked.verdict).toMatchObject({ fault: { limit: { scope: 'login' } } });
  });

  test('is told of an outdated login that the kubelet tries before the right one', async () => {
    const days = new Days();
    await using hub = await FakeHub.open(request(days));
    const view = hub.node();
    const both = demandFor('team/app:1', { secrets: [...stale.secrets, ...fresh.secrets] });
    const report = await days.rehearse(view, both);
    expect(gist(report)).toBe('at_risk credential-precedes');
    expect(report.forecasts.filter(threatens)).toMatchObject([
      { fault: 'api.rate_limited', about: 'pull secret shop/stale, key docker.io, user ci' },
    ]);
    // Each pull costs two failures, by POST and by GET: five of them lock the account.
    for (let i = 0; i < 4; i += 1) await pullOf(view, both, { now: () => new Date(days.nowMs) });
    const came = await pullOf(view, both, { now: () => new Date(days.nowMs) });
    broughtAbout('credential-precedes', 'api.rate_limited', { shown: report, came });
  });

  test('that suspects abuse puts the images at risk that still come through', async () => {
    const days = new Days();
    await using hub = await FakeHub.open(request(days));
    const view = hub.node();
    const readView = (image: string): Promise<PullReport> =>
      pullOf(view, demandFor(image, fresh), { now: () => new Date(days.nowMs), history: () => days.history });
    hub.isAbused = true;
    const refused = await readView('team/app:1');
    expect(gist(refused)).toBe('fails api.rate_limited');
    days.history = learnReport(days.history, refused);
    hub.isAbused = false;
    days.nowMs += 2 * minute;
    const through = await readView('team/web:1');
    expect(gist(through)).toBe('at_risk registry-limited');
    expect(through.forecasts.filter(threatens)).toMatchObject([
      { fault: 'api.rate_limited', effect: 'fails', withinS: 0 },
    ]);
    hub.isAbused = true;
    broughtAbout('registry-limited', 'api.rate_limited', { shown: through, came: await readView('team/web:1') });
    hub.isAbused = false;
    days.nowMs += 14 * minute;
    expect(gist(await readView('team/web:1'))).toBe('pulls');
  });
});

test('a refused login before the right one costs each pull a refusal, and as many as were foretold', async () => {
  const days = new Days();
  const auth = { scheme: 'basic', users: { ci: 'right' } } as const;
  await using registry = await FakeRegistry.open({ images, auth, onRequest: days.dates });
  const name = `reg.test:${registry.port}`;
  const view = nodeOf({ registries: { 'reg.test': registry } });
  const login = (secret: string, password: string) => pullSecret(secret, { [name]: ['ci', password] });
  const both = demandFor(`${name}/team/app:1`, { secrets: [login('stale', 'wrong'), login('fresh', 'right')] });
  const shown = await days.rehearse(view, both);
  expect(gist(shown)).toBe('pulls');
  expect(predicted(shown, 'credential-precedes')).toMatchObject([{ effect: 'delays', likelihood: 'certain' }]);
  // As the kubelet does: with no memory of the last time.
  const pulled = await pullOf(view, both, { now: () => new Date(days.nowMs) });
  const refused = pulled.attempts.flatMap(({ as, ending }) => (ending.is === 'failed' ? [as] : []));
  const status = [
    /^the kubelet tries (.+) first,/.exec(predicted(shown, 'credential-precedes')[0]?.because ?? '')?.[1],
  ];
  broughtAbout('credential-precedes', 'auth.rejected', { shown, came: { atMs: days.nowMs, status, so: refused } });
});

test('a pull secret for another registry serves nobody: it is told while anybody may pull, and then nobody may', async () => {
  const days = new Days();
  const registry = await FakeRegistry.open({ images, onRequest: days.dates });
  const { port } = registry;
  const view = nodeOf({ registries: { 'reg.test': registry } });
  const secrets = [pullSecret('hub', { 'hub.example': ['ci', 'right'] })];
  const wanted = demandFor(`reg.test:${port}/team/app:1`, { secrets });
  const report = await days.rehearse(view, wanted);
  expect(gist(report)).toBe('pulls');
  const facts = { now: new Date(days.nowMs), view, history: days.history };
  const forecasts = forecastNode({ ...facts, entries: [entry(report)] });
  expect(forecasts).toMatchObject([{ rule: 'secret-matches-nothing', likelihood: 'unknown' }]);
  await registry.close();
  const auth = { scheme: 'basic', users: { ci: 'right' } } as const;
  await using closed = await FakeRegistry.open({ images, port, auth, onRequest: days.dates });
  expect(closed.port).toBe(port);
  const came = await days.rehearse(view, wanted);
  broughtAbout('secret-matches-nothing', 'auth.required', { shown: { forecasts, atMs: days.nowMs }, came });
  expect(forecastNode({ ...facts, entries: [entry(came)] })).toMatchObject([{ likelihood: 'certain', withinS: 0 }]);
});
