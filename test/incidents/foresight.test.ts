/** Incidents that are seen before they happen: hosts, ways, certificates, clocks and content. It pulls yet, and then it fails as foretold. */
import { expect } from 'vitest';
import { Secret } from '#report/secret.ts';
import type { NodeView } from '#node/view.ts';
import { authority, leaf } from '../kit/certificates.ts';
import { asking, fakeDns } from '../kit/fake-dns.ts';
import { fakeProxy } from '../kit/fake-proxy.ts';
import { FakeRegistry, image } from '../kit/fake-registry.ts';
import { trusting } from '../kit/footing.ts';
import { expectCame, expectWarned, incident } from '../kit/incidents.ts';
import { onBlobs, onManifests, refuses, resets } from '../kit/misbehaviour.ts';
import { dropIn, proxiedWorld } from '../kit/proxied-node.ts';
import { day, predicted, hour, minute, RememberingNode } from '../kit/remembering.ts';
import { comesSlowly, VirtualClock } from '../kit/slow-blob.ts';
import { smallPull } from '../kit/small-puller.ts';
import { gist, nodeOf, plain, toml, type NodeSketch } from '../kit/stage.ts';
import type { Script } from '../kit/visit.ts';
import { leadsTo, resetsTwoOfFive, storageWorld } from '../kit/storage-world.ts';

const images = { 'team/app:v1': image() };
const dayS = 86_400;

/** One image meets the new host of layers first and fails; the other came from the old one, until it does not. */
async function movesTo(host: string, isRefused: (view: NodeView) => NodeView): Promise<void> {
  await using at = await storageWorld();
  const { registry, node, app, web, oldHost } = at;
  node.view = isRefused(node.view);
  registry.play(node.dates, leadsTo({ '*': oldHost }));
  expect([gist(await node.rehearse(app)), gist(await node.rehearse(web))]).toEqual(['pulls', 'pulls']);
  registry.play(node.dates, leadsTo({ 'team/app': host, 'team/web': oldHost }));
  expect(gist(await node.after(2 * hour, app))).toBe('fails blob.redirect_failed');
  const before = await node.after(minute, web);
  registry.play(node.dates, leadsTo({ '*': host }));
  const after = await node.after(minute, web);
  const shown = { rule: 'blob-host-new', fault: 'blob.redirect_failed', likelihood: 'likely', withinS: 0 } as const;
  expectCame(before, after, { ...shown, about: new URL(host).host, stage: 'blob' });
}

incident(2, async () => {
  await using dns = await fakeDns({ 'fresh.test': { is: 'refused' } });
  const servers = [{ address: dns.address, port: dns.port }];
  await movesTo('http://fresh.test', (view) => asking(view, { servers }));
});

incident(3, async () => {
  await using guard = await fakeProxy({ to: 1, refuse: '403 Forbidden' });
  const proxy = { https: new Secret(`http://127.0.0.1:${guard.port}`), source: 'containerd.service' };
  await movesTo('https://fresh.test', (view) => ({ ...view, runtime: { ...view.runtime, proxy } }));
});

incident(4, async () => {
  await using at = await storageWorld();
  const { registry, old, node, app, oldHost } = at;
  registry.play(node.dates, leadsTo({ '*': oldHost }));
  old.play(node.dates, resetsTwoOfFive());
  let before = await node.rehearse(app);
  for (let looks = 1; looks < 20 && predicted(before, 'blob-host-flaky') === undefined; looks += 1)
    before = await node.after(5 * minute, app);
  old.play(node.dates);
  before = await node.after(5 * minute, app);
  old.play(node.dates, onBlobs(resets()));
  const after = await node.after(5 * minute, app);
  const shown = { rule: 'blob-host-flaky', fault: 'blob.redirect_failed', likelihood: 'likely', withinS: 0 } as const;
  expectCame(before, after, { ...shown, about: oldHost, stage: 'blob' });
});

incident(18, async () => {
  await using world = await proxiedWorld(images);
  const { place, root, readView } = world;
  const node = new RememberingNode(await readView(), Date.now(), { manners: { evidence: true } });
  expect(gist(await node.rehearse(`${place}/team/app:v1`))).toBe('pulls');
  await root.remove(dropIn);
  node.view = await readView();
  const before = await node.after(minute, `${place}/team/app:v1`);
  // The restart: the process has what the files say.
  await root.add({ 'proc/7/environ': '' });
  node.view = await readView();
  const after = await node.after(minute, `${place}/team/app:v1`);
  expectCame(before, after, { rule: 'restart-pending', fault: 'dns.not_found', likelihood: 'likely', stage: 'dns' });
});

/** A certificate that ends in so many days: a look now, one an hour before it ends, one an hour after. */
async function ends(name: string, days: number, sketch: (url: string, root: string) => NodeSketch): Promise<void> {
  const root = await authority();
  const server = await leaf({ names: [name], by: root, from: days - 90, to: days });
  await using registry = await FakeRegistry.open({ images, tls: { cert: server.chain, key: server.key } });
  const endMs = Date.now() + days * day;
  const view = nodeOf({ hosts: { [name]: ['127.0.0.1'] }, ...sketch(`https://${name}:${registry.port}`, root.cert) });
  const node = new RememberingNode(view, Date.now(), { manners: { spend: true } });
  registry.play(node.dates);
  const wanted = `${name === 'registry-1.docker.io' ? 'docker.io' : `${name}:${registry.port}`}/team/app:v1`;
  const before = await node.rehearse(wanted);
  const shown = predicted(before, 'certificate-expires');
  expect(Math.round((shown?.withinS ?? 0) / dayS)).toBe(days);
  expect(gist(await node.after(endMs - hour - node.nowMs, wanted))).toBe('at_risk certificate-expires');
  const after = await node.after(2 * hour, wanted);
  expectCame(before, after, { rule: 'certificate-expires', fault: 'tls.expired', stage: 'tls', likelihood: 'likely' });
}

incident(21, () =>
  ends('harbor.test', 10, (url, root) => {
    const { host } = new URL(url);
    return { dirs: { [host]: toml(plain(host, { url, tls: trusting(root) })) } };
  }),
);

incident(22, () =>
  ends('registry-1.docker.io', 13, (url, root) => ({
    dirs: { 'docker.io': toml(plain('registry-1.docker.io', { url })) },
    roots: [root],
  })),
);

incident(25, async () => {
  const root = await authority({ from: -1 });
  const older = await leaf({ names: ['reg.test'], by: root, from: -0.9, to: 30 });
  // The registry renews often: this one is four minutes old when it is shown.
  const fresh = await leaf({ names: ['reg.test'], by: root, from: -4 / 1440, to: 30 });
  const lostMs = 30_000;
  let hours = 0;
  const startMs = Date.now() - 10 * hour;
  const onRequest: Script = ({ response }) =>
    void response.setHeader('date', new Date(startMs + hours * hour).toUTCString());
  const first = await FakeRegistry.open({ images, onRequest, tls: { cert: older.chain, key: older.key } });
  const { port } = first;
  const place = `reg.test:${port}`;
  const rule = plain(place, { url: `https://${place}`, tls: trusting(root.cert) });
  const view = nodeOf({ hosts: { 'reg.test': ['127.0.0.1'] }, dirs: { [place]: toml(rule) } });
  const node = new RememberingNode(view, startMs);
  let before = await node.rehearse(`${place}/team/app:v1`);
  for (hours = 1; hours <= 6; hours += 1) before = await node.after(hour - lostMs, `${place}/team/app:v1`);
  await first.close();
  expect(Math.round((predicted(before, 'clock-skews')?.withinS ?? 0) / 3600)).toBe(4);
  const tls = { cert: fresh.chain, key: fresh.key };
  await using next = await FakeRegistry.open({ images, onRequest, tls, port });
  hours = 10;
  const after = await node.after(4 * (hour - lostMs), `reg.test:${next.port}/team/app:v1`);
  expectCame(before, after, { rule: 'clock-skews', fault: 'tls.not_yet_valid', likelihood: 'likely', stage: 'tls' });
});

/** A registry of fame on loopback. */
const standsIn = (name: string, port: number): NodeSketch => ({
  hosts: { 'stand-in.test': ['127.0.0.1'] },
  dirs: { [name]: toml(plain(`stand-in.test:${port}`)) },
});

incident(44, async () => {
  await using registry = await FakeRegistry.open({ images: { 'bitnami/redis:7.2': image() } });
  const view = nodeOf(standsIn('docker.io', registry.port));
  const node = new RememberingNode(view, Date.parse('2025-08-27T00:00:00Z'), { manners: { spend: true } });
  const gone = onManifests(refuses(404, 'MANIFEST_UNKNOWN', 'manifest unknown'));
  registry.play(node.dates);
  const weeksAhead = await node.rehearse('bitnami/redis:7.2');
  const removal = { rule: 'registry-deprecated', fault: 'manifest.unknown_tag', likelihood: 'likely' } as const;
  registry.play(node.dates, gone);
  const brownOut = await node.after(day, 'bitnami/redis:7.2');
  expectCame(weeksAhead, brownOut, { ...removal, withinS: 33 * dayS, stage: 'manifest' });
  registry.play(node.dates);
  const back = await node.after(day, 'bitnami/redis:7.2');
  expect(gist(back)).toBe('at_risk registry-deprecated tag-flickers');
  registry.play(node.dates, gone);
  const forGood = await node.after((predicted(back, 'registry-deprecated')?.withinS ?? 0) * 1000, 'bitnami/redis:7.2');
  expect(forGood.at).toBe('2025-09-29T00:00:00.000Z');
  expectCame(back, forGood, { ...removal, withinS: 31 * dayS, stage: 'manifest' });
});

incident(50, async () => {
  const name = 'team/app';
  await using registry = await FakeRegistry.open({ images });
  const sketch = standsIn('gcr.io', registry.port);
  const dirs = { ...sketch.dirs, ...standsIn('k8s.gcr.io', registry.port).dirs };
  const node = new RememberingNode(nodeOf({ ...sketch, dirs }), Date.parse('2024-12-18T00:00:00Z'));
  registry.play(node.dates);
  // What is frozen serves on, which no verdict is changed by.
  const frozen = await node.rehearse(`k8s.gcr.io/${name}:v1`);
  expect(gist(frozen)).toBe('pulls');
  expect(predicted(frozen, 'registry-deprecated')).toMatchObject({ effect: 'none' });
  const before = await node.rehearse(`gcr.io/${name}:v1`);
  const shown = { rule: 'registry-deprecated', fault: 'manifest.unknown_repository', withinS: 90 * dayS } as const;
  registry.play(node.dates, refuses(404, 'NAME_UNKNOWN', 'repository name not known to registry'));
  const after = await node.after((predicted(before, 'registry-deprecated')?.withinS ?? 0) * 1000, `gcr.io/${name}:v1`);
  expectCame(before, after, { ...shown, stage: 'manifest' });
});

incident(48, async () => {
  const clock = new VirtualClock();
  const layers = [600 * 1024];
  const progressTimeoutMs = 60_000;
  await using registry = await FakeRegistry.open({
    images: { 'team/app:v1': image({ layers }) },
    onRequest: comesSlowly(clock, { bytesPerS: 10 * 1024, silentMs: 70_000 }),
  });
  const config = { progressTimeoutMs, engine: 'local' } as const;
  const view = nodeOf({ version: '1.7.2', registries: { 'reg.test': registry }, config });
  const startMs = Date.parse('2026-03-04T12:00:00Z');
  const node = new RememberingNode(view, startMs, { clockMs: clock.read, manners: { deadlineMs: 90_000 } });
  const before = await node.rehearse(`reg.test:${registry.port}/team/app:v1`);
  // The rehearsal waits for as long as it takes; it is the runtime that gives up.
  const pulled = await smallPull({
    ...{ registry: registry.url, repository: 'team/app', tag: 'v1' },
    ...{ clock, progressTimeoutMs },
  });
  expect(pulled).toMatchObject({ is: 'failed', message: 'context canceled' });
  expectWarned(
    before,
    { rule: 'pull-stalls', fault: 'blob.stalled', withinS: 0 },
    { begun: new Date(startMs + pulled.tookMs), message: pulled.is === 'failed' ? pulled.message : '' },
  );
});

/** Told, and no false alarm. */
incident(12, async () => {
  await using registry = await FakeRegistry.open({ images });
  const place = `reg.test:${registry.port}`;
  const view = nodeOf({ hosts: { 'reg.test': ['::1', '127.0.0.1'] }, dirs: { [place]: toml(plain(place)) } });
  const node = new RememberingNode(view, Date.parse('2026-03-04T12:00:00Z'), { manners: { evidence: true } });
  registry.play(node.dates);
  const report = await node.rehearse(`${place}/team/app:v1`);
  expect(gist(report)).toBe('pulls');
  expect(predicted(report, 'address-down')).toMatchObject({ fault: 'tcp.refused', effect: 'delays' });
});
