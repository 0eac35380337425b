/** Incidents of logins and quotas that are seen before they happen. It pulls yet, and then it fails as foretold. */
import { expect } from 'vitest';
import type { PullReport } from '#report/report.ts';
import type { Demand, NodeView } from '#node/view.ts';
import { forecastNode } from '#forecast/rules.ts';
import { Memory } from '#runtime/attempt/memory.ts';
import { FakeHub, type HubWish } from '../kit/fake-hub.ts';
import { FakeRegistry, image } from '../kit/fake-registry.ts';
import { expectCame, incident } from '../kit/incidents.ts';
import { entry } from '../kit/ledger.ts';
import { predicted, hour, minute, RememberingNode } from '../kit/remembering.ts';
import { demandFor, gist, nodeOf, pullOf, pullSecret } from '../kit/stage.ts';
import { ecrPassword, untilItEnds } from '../kit/tokens.ts';

const startMs = Date.parse('2026-03-04T12:00:00.000Z');
const expired = { rule: 'credential-expires', fault: 'auth.rejected', likelihood: 'likely', stage: 'auth' } as const;

/** A private ECR, and a pull secret for it with whatever password there is. */
async function ecr() {
  const registry = await FakeRegistry.open({
    images: { 'team/app:v1': image() },
    onRequest: (visit) => untilItEnds(() => node.nowMs)(visit),
  });
  const place = `ecr.test:${registry.port}`;
  const node = new RememberingNode(nodeOf({ registries: { 'ecr.test': registry } }), startMs, { memory: new Memory() });
  const withPassword = (endsMs: number): Demand =>
    demandFor(`${place}/team/app:v1`, { secrets: [pullSecret('ecr', { [place]: ['AWS', ecrPassword(endsMs)] })] });
  return { node, withPassword, [Symbol.asyncDispose]: () => registry.close() };
}

incident(30, async () => {
  await using at = await ecr();
  const { node, withPassword } = at;
  const pasted = withPassword(startMs + 12 * hour);
  const first = await node.rehearse(pasted);
  expect(gist(first)).toBe('pulls');
  expect(predicted(first, 'credential-expires')).toMatchObject({ withinS: 12 * 3600, likelihood: 'unknown' });
  const before = await node.after(10.5 * hour, pasted);
  expectCame(before, await node.after(1.5 * hour, pasted), { ...expired, withinS: 1.5 * 3600 });
});

incident(32, async () => {
  await using at = await ecr();
  const { node, withPassword } = at;
  // Every eight hours, three times.
  let endsMs = startMs;
  for (let round = 0; round < 3; round += 1) {
    endsMs = node.nowMs + 12 * hour;
    for (let looks = 0; looks < 16; looks += 1) {
      expect(gist(await node.rehearse(withPassword(endsMs)))).toBe('pulls');
      node.nowMs += 30 * minute;
    }
  }
  const before = await node.after(30 * minute, withPassword(endsMs));
  const after = await node.after(endsMs - node.nowMs, withPassword(endsMs));
  expectCame(before, after, { ...expired, withinS: 3.5 * 3600 });
});

interface Drained {
  readonly hub: FakeHub;
  readonly node: RememberingNode;
  readonly wanted: string | Demand;
  /** What others take in five minutes, and how Docker Hub counts them. */
  readonly each: number;
  readonly source: string;
}

/** An hour of it, and then until the quota is gone: the first forecast is held against what came. */
async function drains({ hub, node, wanted, each, source }: Drained): Promise<PullReport> {
  const five = (): Promise<PullReport> => {
    hub.consume(source, each);
    return node.after(5 * minute, wanted);
  };
  expect(gist(await node.rehearse(wanted))).toBe('pulls');
  let before = await five();
  for (let looks = 0; looks < 11; looks += 1) before = await five();
  const shown = predicted(before, 'quota-runs-out');
  const endsMs = node.nowMs + (shown?.withinS ?? 0) * 1000;
  let after = before;
  while (node.nowMs < endsMs - 10 * minute) {
    after = await five();
    expect(after.verdict.is).toBe('at_risk');
  }
  while (node.nowMs < endsMs + 5 * minute) after = await five();
  expect(shown?.withinS).toBeGreaterThan(3600);
  expectCame(before, after, {
    rule: 'quota-runs-out',
    fault: 'api.rate_limited',
    likelihood: 'likely',
    about: `docker.io quota of ${source}`,
    stage: 'api',
  });
  return before;
}

const remembers = (hub: FakeHub, view: NodeView = hub.node()): RememberingNode =>
  new RememberingNode(view, startMs, { memory: new Memory() });

/** A Docker Hub whose clock is that of the node which looks at it. */
async function openHub(request: Omit<HubWish, 'now'>) {
  const hub: FakeHub = await FakeHub.open({ ...request, now: () => node.nowMs });
  const node = remembers(hub);
  return { hub, node, [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() };
}

incident(36, async () => {
  await using at = await openHub({ images: ['library/nginx:1'], users: { ci: 'right' } });
  // Docker Hub's page is not its registry: the kubelet has no use for this key.
  const wanted = demandFor('nginx:1', { secrets: [pullSecret('hub', { 'hub.docker.com': ['ci', 'right'] })] });
  const before = await drains({ ...at, wanted, each: 2, source: '127.0.0.1' });
  expect(before.plan?.identities).toEqual(['anonymous']);
  const facts = { now: new Date(before.at), view: at.node.view, entries: [entry(before)], history: at.node.history };
  expect(forecastNode(facts)).toContainEqual(
    expect.objectContaining({ rule: 'secret-matches-nothing', about: 'pull secret shop/hub' }),
  );
});

incident(37, async () => {
  await using at = await openHub({ images: ['library/nginx:1'] });
  await drains({ ...at, wanted: 'nginx:1', each: 3, source: '127.0.0.1' });
});

incident(38, async () => {
  await using at = await openHub({ images: ['library/nginx:1'], dualStack: true });
  await drains({ ...at, wanted: 'nginx:1', each: 2, source: '::1' });
});

incident(40, async () => {
  const repositories = ['team/app', 'team/web'];
  await using at = await openHub({
    images: repositories.map((name) => `${name}:1`),
    users: { ci: 'right' },
    exempt: repositories,
  });
  const { node } = at;
  const requestedBy = ['a', 'b'].map((name) => ({ kind: 'Pod', namespace: 'shop', name, part: 'container web' }));
  const old = pullSecret('stale', { 'docker.io': ['ci', 'wrong'] });
  const waiting: Demand = { ...demandFor('team/app:1', { secrets: [old] }), requestedBy };
  const well = demandFor('team/web:1', { secrets: [pullSecret('fresh', { 'docker.io': ['ci', 'right'] })] });
  expect(gist(await node.rehearse(waiting))).toBe('fails auth.rejected');
  const before = await node.rehearse(well);
  const endsMs = node.nowMs + (predicted(before, 'login-nears-lock')?.withinS ?? 0) * 1000;
  // The kubelet: each container at once, and then with its back-off.
  for (let waitMs = 10_000; node.nowMs < endsMs; waitMs *= 2) {
    for (let i = 0; i < requestedBy.length; i += 1)
      await pullOf(node.view, waiting, { now: () => new Date(node.nowMs) });
    node.nowMs += waitMs;
  }
  // With a fresh memory: nobody has proven the right password in this pass.
  const after = await pullOf(node.view, well, { now: () => new Date(node.nowMs), history: () => node.history });
  expectCame(before, after, {
    rule: 'login-nears-lock',
    fault: 'api.rate_limited',
    about: 'docker.io account ci',
    stage: 'api',
  });
});
