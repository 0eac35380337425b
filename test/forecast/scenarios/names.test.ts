/** Names and addresses: what one name server, one suffix, one address hides today, and what is seen of it when the other goes. */
import { expect, test } from 'vitest';
import { emptyNodeHistory, learnReport } from '#forecast/history/history.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { PullReport } from '#report/report.ts';
import type { HostRule, NodeView, Resolver } from '#node/view.ts';
import { broughtAbout } from '../../kit/brought-about.ts';
import { fakeDns, type FakeDns, type Zone } from '../../kit/fake-dns.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import { fullListener } from '../../kit/full-listener.ts';
import { gist, nodeOf, plain, pullOf, toml, type PassSketch } from '../../kit/stage.ts';

const leading = (...addresses: readonly string[]): Zone => ({ 'reg.test': { is: 'addresses', addresses } });
const images = { 'team/app:v1': image() };

/** A node that asks these name servers, in order, for the registry at this port. */
function nodeAsking(
  port: number,
  servers: readonly FakeDns[],
  over: Partial<Resolver> = {},
  rule: Partial<HostRule> = {},
): NodeView {
  const place = `reg.test:${port}`;
  const view = nodeOf({ dirs: { [place]: toml(plain(place, rule)) } });
  const order = {
    order: ['files', 'dns'],
    servers: servers.map(({ address, port: at }) => ({ address, port: at })),
  } as const;
  return { ...view, system: { ...view.system, resolver: { ...view.system.resolver, ...order, ...over } } };
}

const readView = (view: NodeView, port: number, sketch: PassSketch = {}): Promise<PullReport> =>
  pullOf(view, `reg.test:${port}/team/app:v1`, { manners: { evidence: true }, ...sketch });
const of = (report: PullReport, rule: string): Forecast | undefined =>
  report.forecasts.find((forecast) => forecast.rule === rule);

test('a name server that denies a name is foretold while another knows it, and decides when that one goes', async () => {
  await using registry = await FakeRegistry.open({ images });
  await using denying = await fakeDns({});
  const knowing = await fakeDns(leading('127.0.0.1'));
  const view = nodeAsking(registry.port, [knowing, denying]);
  const before = await readView(view, registry.port);
  expect(of(before, 'name-servers-disagree')).toMatchObject({
    about: `127.0.0.1:${denying.port}`,
    fault: 'dns.not_found',
    likelihood: 'possible',
  });
  expect(gist(before)).toBe('at_risk name-servers-disagree');
  await knowing[Symbol.asyncDispose]();
  const came = await readView(view, registry.port);
  broughtAbout('name-servers-disagree', 'dns.not_found', { shown: before, came });
});

test('a name server that is down is foretold, with the wait it costs, and the names go with the next one', async () => {
  await using registry = await FakeRegistry.open({ images });
  await using silent = await fakeDns({ 'reg.test': { is: 'silence' } });
  await using good = await fakeDns(leading('127.0.0.1'));
  const before = await readView(nodeAsking(registry.port, [silent, good]), registry.port);
  expect(of(before, 'name-server-down')).toMatchObject({ about: `127.0.0.1:${silent.port}`, fault: 'dns.timed_out' });
  expect(gist(before)).toBe('at_risk name-server-down');
  // The other one falls silent, too.
  await using fallen = await fakeDns({ 'reg.test': { is: 'silence' } });
  const came = await readView(nodeAsking(registry.port, [silent, fallen]), registry.port);
  broughtAbout('name-server-down', 'dns.timed_out', { shown: before, came });
});

test('a suffix that answers late costs every look-up, and later than the dialler waits it fails them', async () => {
  await using registry = await FakeRegistry.open({ images });
  const late = (afterMs: number): Zone => ({
    'reg.test.corp.example': { is: 'late', afterMs, addresses: [] },
    ...leading('127.0.0.1'),
  });
  const search = { search: ['corp.example'], ndots: 5, timeoutMs: 5000 };
  const rule = { dialTimeoutMs: 2000 };
  await using today = await fakeDns(late(1200));
  const before = await readView(nodeAsking(registry.port, [today], search, rule), registry.port);
  expect(of(before, 'names-searched')).toMatchObject({
    effect: 'fails',
    likelihood: 'possible',
    fault: 'dns.timed_out',
  });
  await using tomorrow = await fakeDns(late(4000));
  const after = nodeAsking(registry.port, [tomorrow], search, rule);
  const came = await readView(after, registry.port, { manners: { evidence: false } });
  broughtAbout('names-searched', 'dns.timed_out', { shown: before, came });
  // Where a connection may take 30 s the same suffix is a delay and changes no verdict.
  const patient = await readView(nodeAsking(registry.port, [today], search), registry.port);
  expect(of(patient, 'names-searched')).toMatchObject({ effect: 'delays', likelihood: 'certain' });
  expect(patient.verdict.is).toBe('pulls');
}, 30_000);

test('an address in /etc/hosts that the name server gave up is foretold before it is switched off', async () => {
  const registry = await FakeRegistry.open({ images });
  const { port } = registry;
  const hosts = { 'reg.test': ['127.0.0.1'] };
  await using then = await fakeDns(leading('127.0.0.1'));
  const first = await readView(nodeAsking(port, [then], { hosts }), port);
  expect(gist(first)).toBe('pulls');
  await using now = await fakeDns(leading('127.0.0.2'));
  const history = learnReport(emptyNodeHistory, first);
  const before = await readView(nodeAsking(port, [now], { hosts }), port, { history: () => history });
  expect(gist(before)).toBe('at_risk hosts-file-outdated');
  expect(of(before, 'hosts-file-outdated')).toMatchObject({ likelihood: 'likely', effect: 'fails' });
  await registry.close();
  // Behind an address that was given up nobody even refuses.
  await using none = await fullListener('127.0.0.1', port);
  expect(none.port).toBe(port);
  const came = await readView(nodeAsking(port, [now], { hosts }, { dialTimeoutMs: 300 }), port, {
    history: () => history,
  });
  broughtAbout('hosts-file-outdated', 'tcp.timed_out', { shown: before, came });
});

test('one address of two that is down is foretold, and the pull fails when the other goes', async () => {
  const registry = await FakeRegistry.open({ images });
  const { port } = registry;
  await using dns = await fakeDns(leading('127.0.0.1', '127.0.0.2'));
  const view = nodeAsking(port, [dns]);
  const before = await readView(view, port);
  expect(of(before, 'address-down')).toMatchObject({ fault: 'tcp.refused', effect: 'fails', likelihood: 'possible' });
  await registry.close();
  broughtAbout('address-down', 'tcp.refused', { shown: before, came: await readView(view, port) });
});

test('an address that only the second name server gives is looked at before anybody needs it', async () => {
  await using registry = await FakeRegistry.open({ images });
  const present = await fakeDns(leading('127.0.0.1'));
  await using outdated = await fakeDns(leading('127.0.0.9'));
  const view = nodeAsking(registry.port, [present, outdated]);
  const before = await readView(view, registry.port);
  expect(of(before, 'name-servers-disagree')).toMatchObject({
    about: `127.0.0.1:${outdated.port}`,
    fault: 'tcp.refused',
  });
  await present[Symbol.asyncDispose]();
  const came = await readView(view, registry.port);
  broughtAbout('name-servers-disagree', 'tcp.refused', { shown: before, came });
});

test('a family that resolves and does not work is hidden by the other, until a look-up brings it alone', async () => {
  await using registry = await FakeRegistry.open({ images });
  await using both = await fakeDns(leading('127.0.0.1', '::1'));
  const before = await readView(nodeAsking(registry.port, [both]), registry.port);
  expect(of(before, 'address-down')).toMatchObject({ fault: 'tcp.refused', effect: 'delays' });
  expect(gist(before)).not.toContain('address-down');
  await using half = await fakeDns({ ...leading('127.0.0.1', '::1'), 'reg.test A': { is: 'servfail' } });
  const came = await readView(nodeAsking(registry.port, [half]), registry.port);
  broughtAbout('address-down', 'tcp.refused', { shown: before, came });
});
