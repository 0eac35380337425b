/** Incidents between the node and its registries: names, routes, firewalls, proxies, handshakes. */
import { describe } from 'vitest';
import type { HostRule } from '#node/view.ts';
import { Secret } from '#report/secret.ts';
import { authority } from '../kit/authority.ts';
import { asking, fakeDns } from '../kit/fake-dns.ts';
import { fakeProxy } from '../kit/fake-proxy.ts';
import { FakeRegistry, image } from '../kit/fake-registry.ts';
import { fullListener } from '../kit/full-listener.ts';
import { expectForetold, incident } from '../kit/incidents.ts';
import * as wrong from '../kit/misbehaviour.ts';
import { deadPort, listener } from '../kit/silent-listener.ts';
import { demandFor, nodeOf, plain, pullOf, toml, type NodeSketch } from '../kit/stage.ts';

const images = { 'team/app:v1': image() };
const impatient = { dialTimeoutMs: 300 } as const;
const manners = { patienceMs: 2_000, evidence: false } as const;

/** By name and its own port, in plain HTTP. */
const plainAt = (name: string, port: number, over: Partial<HostRule> = {}): NodeSketch => ({
  hosts: { [name]: ['127.0.0.1'] },
  dirs: { [`${name}:${port}`]: toml(plain(`${name}:${port}`, over)) },
});

/** A server's first flight of which only the first packets come through. */
const cutFlight = Buffer.concat([
  Buffer.from([0x16, 0x03, 0x03, 0x10, 0x00, 0x02, 0x00, 0x0f, 0xfc]),
  Buffer.alloc(900),
]);

incident(1, async () => {
  await using dns = await fakeDns({ 'gcr.test': { is: 'silence' } });
  const servers = [{ address: dns.address, port: dns.port }];
  const view = asking(nodeOf(), { servers, order: ['files', 'dns'], timeoutMs: 150, attempts: 2 });
  expectForetold(await pullOf(view, 'gcr.test/team/app:v1'), 'dns', 'dns.timed_out');
});

incident(5, async () => {
  await using storage = await fullListener();
  await using registry = await FakeRegistry.open({ images, blobsAt: `http://127.0.0.1:${storage.port}` });
  const report = await pullOf(
    nodeOf(plainAt('reg.test', registry.port, impatient)),
    `reg.test:${registry.port}/team/app:v1`,
    { manners },
  );
  expectForetold(report, 'blob', 'blob.redirect_failed');
});

incident(7, async () => {
  await using backend = await FakeRegistry.open({ onRequest: wrong.resets() });
  await using front = await FakeRegistry.open({ images, onRequest: wrong.onManifests(wrong.redirects(backend.url)) });
  const report = await pullOf(nodeOf(plainAt('k8s.test', front.port)), `k8s.test:${front.port}/team/app:v1`);
  expectForetold(report, 'tcp', 'tcp.reset');
});

incident(8, async () => {
  const blocked = await deadPort();
  await using front = await FakeRegistry.open({ images, blobsAt: `http://s3.test:${blocked}` });
  const view = nodeOf({
    ...plainAt('k8s.test', front.port),
    hosts: { 'k8s.test': ['127.0.0.1'], 's3.test': ['127.0.0.1'] },
  });
  expectForetold(await pullOf(view, `k8s.test:${front.port}/team/app:v1`), 'blob', 'blob.redirect_failed');
});

incident(9, async () => {
  await using registry = await FakeRegistry.open({ images });
  const port = registry.port;
  await using overSix = await FakeRegistry.open({
    address: '::1',
    port,
    onRequest: wrong.refuses(403, 'DENIED', 'denied'),
  });
  const view = nodeOf({ ...plainAt('k8s.test', overSix.port), hosts: { 'k8s.test': ['::1', '127.0.0.1'] } });
  expectForetold(await pullOf(view, `k8s.test:${port}/team/app:v1`), 'auth', 'auth.denied');
});

incident(10, async () => {
  const page = wrong.sends(403, { 'content-type': 'text/html' }, '<html>Your client does not have permission</html>');
  await using registry = await FakeRegistry.open({ images, onRequest: page });
  const report = await pullOf(nodeOf(plainAt('k8s.test', registry.port)), `k8s.test:${registry.port}/team/app:v1`);
  expectForetold(report, 'auth', 'auth.denied');
});

incident(11, async () => {
  const realm = 'http://auth.test:80/token';
  await using registry = await FakeRegistry.open({ images, auth: { scheme: 'bearer', anonymous: true, realm } });
  // A group's address: the kernel connects to none, without a packet.
  const hosts = { 'quay.test': ['127.0.0.1'], 'auth.test': ['224.0.0.1'] };
  const view = nodeOf({ ...plainAt('quay.test', registry.port, impatient), hosts });
  expectForetold(await pullOf(view, `quay.test:${registry.port}/team/app:v1`), 'auth', 'auth.realm_unreachable');
});

incident(13, async () => {
  const view = nodeOf({
    hosts: { 'ghcr.test': ['224.0.0.1'] },
    dirs: { 'ghcr.test': toml(plain('ghcr.test', impatient)) },
  });
  const report = await pullOf(view, 'ghcr.test/team/app:v1', { manners });
  expectForetold(report, 'tcp', 'tcp.unreachable');
});

incident(14, async () => {
  await using service = await fullListener();
  const realm = `http://auth.test:${service.port}/token`;
  await using registry = await FakeRegistry.open({ images, auth: { scheme: 'bearer', anonymous: true, realm } });
  const hosts = { 'hub.test': ['127.0.0.1'], 'auth.test': ['127.0.0.1'] };
  const view = nodeOf({ ...plainAt('hub.test', registry.port, impatient), hosts });
  const report = await pullOf(view, `hub.test:${registry.port}/team/app:v1`, { manners });
  expectForetold(report, 'auth', 'auth.realm_unreachable');
});

// Go's handshake ends after ten seconds: these wait together.
describe.concurrent('a handshake that never ends', () => {
  const secure = (name: string, port: number): NodeSketch => ({
    hosts: { [name]: ['127.0.0.1'] },
    dirs: { [`${name}:${port}`]: toml(plain(`${name}:${port}`, { url: `https://${name}:${port}` })) },
  });
  const patient = { manners: { ...manners, patienceMs: 15_000 } };

  incident(15, async () => {
    await using cut = await listener({ is: 'says', bytes: cutFlight, then: 'stays' });
    const report = await pullOf(nodeOf(secure('reg.test', cut.port)), `reg.test:${cut.port}/team/app:v1`, patient);
    expectForetold(report, 'tls', 'tls.timed_out');
  });

  incident(16, async () => {
    await using silent = await listener({ is: 'silent' });
    const report = await pullOf(
      nodeOf(secure('reg.test', silent.port)),
      `reg.test:${silent.port}/team/app:v1`,
      patient,
    );
    expectForetold(report, 'tls', 'tls.timed_out');
  });

  incident(17, async () => {
    await using cut = await listener({ is: 'says', bytes: cutFlight, then: 'stays' });
    await using tunnel = await fakeProxy({ to: cut.port });
    const proxy = { https: new Secret(`http://127.0.0.1:${tunnel.port}`), source: 'a tunnel' };
    const view = nodeOf({ ...secure('reg.test', 443), proxy });
    expectForetold(await pullOf(view, 'reg.test:443/team/app:v1', patient), 'tls', 'tls.timed_out');
  });
});

incident(19, async () => {
  await using registry = await FakeRegistry.open({ images: { 'eks/pause:3.5': image() } });
  await using how = await fakeProxy({ to: registry.port });
  const sandbox = demandFor('ecr.test/eks/pause:3.5', { policy: 'IfNotPresent' });
  const dirs = { 'ecr.test': toml(plain('ecr.test', impatient)) };
  const withProxy = nodeOf({
    dirs,
    proxy: { http: new Secret(`http://127.0.0.1:${how.port}`), source: 'kubelet.service' },
  });
  const withoutProxy = nodeOf({ dirs, hosts: { 'ecr.test': ['224.0.0.1'] } });
  const through = await pullOf(withProxy, sandbox);
  if (through.verdict.is !== 'pulls') throw new Error(`the proxy leads nowhere: ${JSON.stringify(through.verdict)}`);
  expectForetold(await pullOf(withoutProxy, sandbox), 'tcp', 'tcp.unreachable');
});

incident(20, async () => {
  await using registry = await FakeRegistry.open({ images, blobsAt: 'https://cdn.test' });
  await using guard = await fakeProxy({ to: registry.port, refuse: '403 Forbidden' });
  const proxy = { https: new Secret(`http://127.0.0.1:${guard.port}`), source: 'containerd.service' };
  const view = nodeOf({ ...plainAt('reg.test', registry.port), proxy });
  expectForetold(await pullOf(view, `reg.test:${registry.port}/team/app:v1`), 'blob', 'blob.redirect_failed');
});

incident(23, async () => {
  const own = await authority('Own CA');
  const tls = await own.issue({ names: ['reg.test'] });
  await using registry = await FakeRegistry.open({ images, tls });
  const name = `reg.test:${registry.port}`;
  const url = `https://${name}`;
  const extraRoots = [{ path: '/etc/rancher/k3s/ca.crt', pem: own.cert }];
  const before = toml(plain(name, { url, tls: { verify: true, extraRoots, clients: [] } }));
  const hosts = { 'reg.test': ['127.0.0.1'] };
  const then = await pullOf(nodeOf({ hosts, dirs: { [name]: before } }), `${name}/team/app:v1`);
  if (then.verdict.is !== 'pulls') throw new Error(`not even before: ${JSON.stringify(then.verdict)}`);
  const after = await pullOf(nodeOf({ hosts, dirs: { [name]: toml(plain(name, { url })) } }), `${name}/team/app:v1`);
  expectForetold(after, 'tls', 'tls.untrusted');
});

incident(24, async () => {
  const known = await authority('Public CA');
  await using edge = await FakeRegistry.open({ images, tls: await known.issue({ names: ['other.test'] }) });
  await using front = await FakeRegistry.open({ images, blobsAt: `https://data.test:${edge.port}` });
  const hosts = { 'mcr.test': ['127.0.0.1'], 'data.test': ['127.0.0.1'] };
  const view = nodeOf({ ...plainAt('mcr.test', front.port), hosts, roots: [known.cert] });
  expectForetold(await pullOf(view, `mcr.test:${front.port}/team/app:v1`), 'blob', 'blob.redirect_failed');
});
