/** Content that goes away, changes or was never built, brought about at a real registry: the forecast stood before the failure. */
import { expect, test } from 'vitest';
import { broughtAbout } from '../../kit/brought-about.ts';
import { FakeRegistry, image } from '../../kit/fake-registry.ts';
import { onManifests } from '../../kit/misbehaviour.ts';
import { asking, fakeDns } from '../../kit/fake-dns.ts';
import { day, predicted, hour, minute, RememberingNode } from '../../kit/remembering.ts';
import { demandFor, gist, nodeOf, plain, pullOf, toml } from '../../kit/stage.ts';
import type { Script } from '../../kit/visit.ts';

const start = Date.parse('2026-03-04T12:00:00.000Z');
const gone: Script = onManifests(({ refuse, reference }) =>
  reference.startsWith('sha256:') ? undefined : refuse(404, 'MANIFEST_UNKNOWN', 'manifest unknown'),
);

async function registryWith(built = image()): Promise<FakeRegistry> {
  return FakeRegistry.open({ images: { 'team/app:v1': built } });
}

test('brown-outs two days apart foretell the next one to the second', async () => {
  await using registry = await registryWith();
  const app = `reg.test:${registry.port}/team/app:v1`;
  const node = new RememberingNode(nodeOf({ registries: { 'reg.test': registry } }), start);
  registry.play(node.dates);
  expect(gist(await node.rehearse(app))).toBe('pulls');

  registry.play(node.dates, gone);
  expect(gist(await node.after(day, app))).toBe('fails manifest.unknown_tag');
  expect(gist(await node.after(23 * hour, app))).toBe('fails manifest.unknown_tag');
  registry.play(node.dates);
  const once = await node.after(hour, app);
  expect(gist(once)).toBe('at_risk tag-flickers');
  expect(predicted(once, 'tag-flickers')).toMatchObject({ likelihood: 'possible', fault: 'manifest.unknown_tag' });
  expect(predicted(once, 'tag-flickers')).not.toHaveProperty('withinS');

  registry.play(node.dates, gone);
  await node.after(day, app);
  registry.play(node.dates);
  const twice = await node.after(day, app);
  const forecast = predicted(twice, 'tag-flickers');
  expect(forecast).toMatchObject({ likelihood: 'likely', fault: 'manifest.unknown_tag', withinS: (day * 1) / 1000 });
  expect(forecast?.because).toContain('was gone 2 times and came back the same');

  registry.play(node.dates, gone);
  const then = await node.after((forecast?.withinS ?? 0) * 1000, app);
  broughtAbout('tag-flickers', 'manifest.unknown_tag', { shown: twice, came: then });
});

test('a tag that comes back with other content was pushed anew, which foretells nothing', async () => {
  await using registry = await registryWith();
  const app = `reg.test:${registry.port}/team/app:v1`;
  const node = new RememberingNode(nodeOf({ registries: { 'reg.test': registry } }), start);
  registry.play(node.dates);
  await node.rehearse(app);
  registry.play(node.dates, gone);
  await node.after(hour, app);
  registry.put('team/app:v1', image({ seed: 'rebuilt' }));
  registry.play(node.dates);
  expect(gist(await node.after(minute, app))).toBe('pulls');
});

test('410 is gone, too', async () => {
  await using registry = await registryWith();
  const app = `reg.test:${registry.port}/team/app:v1`;
  const node = new RememberingNode(nodeOf({ registries: { 'reg.test': registry } }), start);
  registry.play(node.dates);
  await node.rehearse(app);
  registry.play(
    node.dates,
    onManifests(({ refuse }) => refuse(410, 'UNKNOWN', 'retired')),
  );
  expect(gist(await node.after(day, app))).toBe('fails api.rejected');
  registry.play(node.dates);
  const shown = await node.after(day, app);
  registry.play(
    node.dates,
    onManifests(({ refuse }) => refuse(410, 'UNKNOWN', 'retired')),
  );
  broughtAbout('tag-flickers', 'api.rejected', { shown, came: await node.after(day, app) });
});

test('a tag that was deleted while containers run it fails their next start, and that is told before one starts', async () => {
  await using registry = await registryWith();
  const built = image();
  const app = {
    ...demandFor(`reg.test:${registry.port}/team/app:v1`, { policy: 'IfNotPresent', present: 'yes' }),
    running: [built.top.digest],
  };
  const node = new RememberingNode(nodeOf({ registries: { 'reg.test': registry } }), start);
  registry.play(node.dates);
  await node.rehearse(app);
  registry.play(node.dates, gone);
  const report = await node.after(hour, app);
  expect(predicted(report, 'tag-vanished')).toMatchObject({ likelihood: 'likely', fault: 'manifest.unknown_tag' });
  expect(predicted(report, 'tag-vanished')?.because).toContain(
    `led to ${built.top.digest} until 2026-03-04 12:00 UTC and is gone`,
  );
  const elsewhere = await node.rehearse({ ...app, present: 'no' });
  expect(predicted(elsewhere, 'tag-vanished')).toMatchObject({ likelihood: 'certain', withinS: 0 });
  const shown = { forecasts: report.forecasts, atMs: Date.parse(report.at) };
  broughtAbout('tag-vanished', 'manifest.unknown_tag', { shown, came: elsewhere });
});

test('a tag that was moved under running containers is told, and the pull goes on', async () => {
  await using registry = await registryWith();
  const before = image();
  const after = image({ seed: 'second' });
  const app = { ...demandFor(`reg.test:${registry.port}/team/app:v1`), running: [before.top.digest] };
  const node = new RememberingNode(nodeOf({ registries: { 'reg.test': registry } }), start);
  registry.play(node.dates);
  expect(gist(await node.rehearse(app))).toBe('pulls');
  expect((await node.rehearse(app)).forecasts).toEqual([]);
  registry.put('team/app:v1', after);
  const report = await node.after(hour, app);
  expect(gist(report)).toBe('pulls');
  const forecast = predicted(report, 'tag-moved');
  expect(forecast).toMatchObject({ likelihood: 'certain', effect: 'none', fault: 'manifest.tag_moved' });
  expect(forecast?.because).toContain(before.top.digest);
  // What a Pod that starts now gets.
  const [ending] = (await pullOf(node.view, app)).attempts.map((one) => one.ending);
  const so = ending?.is === 'pulled' ? ending.content.digest : undefined;
  const status = /leads to (sha256:\w+)/.exec(forecast?.because ?? '')?.[1];
  expect(status).toBe(after.top.digest);
  broughtAbout('tag-moved', 'manifest.tag_moved', { shown: report, came: { atMs: node.nowMs, status, so } });
});

test('an index without arm64 is told on the amd64 nodes of a cluster of both, before a Pod lands on arm64 and fails', async () => {
  await using registry = await registryWith(image({ platforms: ['linux/amd64', 'linux/s390x'] }));
  const app = `reg.test:${registry.port}/team/app:v1`;
  const view = {
    ...nodeOf({ registries: { 'reg.test': registry } }),
    clusterPlatforms: ['linux/amd64', 'linux/arm64'],
  };
  const report = await pullOf(view, app);
  expect(gist(report)).toBe('pulls');
  expect(predicted(report, 'platform-lacking')).toMatchObject({
    fault: 'manifest.no_platform',
    effect: 'none',
    because: `${app} has builds for linux/amd64, linux/s390x and none for linux/arm64, which nodes of this cluster are`,
  });
  const arm = nodeOf({ registries: { 'reg.test': registry }, platform: { os: 'linux', architecture: 'arm64' } });
  broughtAbout('platform-lacking', 'manifest.no_platform', { shown: report, came: await pullOf(arm, app) });
});

test('with builds for all, nothing is told', async () => {
  await using registry = await registryWith(image({ platforms: ['linux/amd64', 'linux/arm64/v8'] }));
  const view = {
    ...nodeOf({ registries: { 'reg.test': registry } }),
    clusterPlatforms: ['linux/amd64', 'linux/arm64'],
  };
  expect((await pullOf(view, `reg.test:${registry.port}/team/app:v1`)).forecasts).toEqual([]);
});

test('what a registry announces in Warning headers is told, changes no verdict, and comes', async () => {
  await using registry = await FakeRegistry.open({
    images: { 'team/app:v1': image() },
    headers: { warning: '299 - "This repository moves to new.test on 1 June."' },
  });
  await using next = await registryWith();
  const view = nodeOf({ registries: { 'reg.test': registry, 'new.test': next } });
  const node = new RememberingNode(view, Date.parse('2026-05-04T00:00:00Z'));
  for (const one of [registry, next]) one.play(node.dates);
  const report = await node.rehearse(`reg.test:${registry.port}/team/app:v1`);
  expect(gist(report)).toBe('pulls');
  expect(report.forecasts).toMatchObject([
    {
      rule: 'registry-announces',
      effect: 'none',
      because: `reg.test:${registry.port} announces: “This repository moves to new.test on 1 June.”`,
    },
  ]);
  const unknown = onManifests(({ refuse }) => refuse(404, 'NAME_UNKNOWN', 'repository name not known to registry'));
  registry.play(node.dates, unknown);
  const so = [
    gist(await node.after(28 * day, `reg.test:${registry.port}/team/app:v1`)),
    gist(await node.rehearse(`new.test:${next.port}/team/app:v1`)),
  ];
  const status = ['fails manifest.unknown_repository', 'pulls'];
  broughtAbout('registry-announces', 'api.announced', { shown: report, came: { atMs: node.nowMs, status, so } });
});

test('a namespace that will be taken away is foretold to the day, and on that day it is', async () => {
  await using registry = await FakeRegistry.open({ images: { 'bitnami/redis:7.2': image() } });
  const mirror = nodeOf({
    registries: { 'reg.test': registry },
    dirs: {
      'docker.io': {
        from: 'hosts.toml',
        file: '/etc/containerd/certs.d/docker.io/hosts.toml',
        hosts: [],
        server: {
          url: `http://reg.test:${registry.port}`,
          capabilities: ['pull', 'resolve'],
          overridePath: false,
          headers: [],
        },
      },
    },
  });
  const node = new RememberingNode(mirror, Date.parse('2025-08-30T00:00:00Z'), { manners: { spend: true } });
  registry.play(node.dates);
  const report = await node.rehearse('bitnami/redis:7.2');
  expect(gist(report)).toBe('at_risk registry-deprecated');
  const forecast = predicted(report, 'registry-deprecated');
  expect(forecast).toMatchObject({ fault: 'manifest.unknown_tag', likelihood: 'likely', withinS: 30 * 86_400 });
  registry.play(node.dates, gone);
  const then = await node.after((forecast?.withinS ?? 0) * 1000, 'bitnami/redis:7.2');
  broughtAbout('registry-deprecated', 'manifest.unknown_tag', { shown: report, came: then });
  expect(predicted(then, 'registry-deprecated')).toMatchObject({ likelihood: 'certain', withinS: 0 });
  expect(predicted(then, 'registry-deprecated')?.remedy).toContain('docker.io/bitnamilegacy');
});

/** A registry of fame on loopback, at one moment. */
async function standIn(name: string, at: string, repository: string) {
  const registry = await FakeRegistry.open({ images: { [`${repository}:v1`]: image() } });
  const view = nodeOf({
    hosts: { 'stand-in.test': ['127.0.0.1'] },
    dirs: { [name]: toml(plain(`stand-in.test:${registry.port}`)) },
  });
  const node = new RememberingNode(view, Date.parse(at));
  registry.play(node.dates);
  return { registry, node, [Symbol.asyncDispose]: () => registry.close() };
}

test('a registry that is to be closed is foretold to the day, and on that day nothing is there', async () => {
  await using at = await standIn('gcr.io', '2024-12-18T00:00:00Z', 'team/app');
  const { registry, node } = at;
  const shown = await node.rehearse('gcr.io/team/app:v1');
  const { withinS = 0 } = predicted(shown, 'registry-deprecated') ?? {};
  expect(withinS).toBe(90 * 86_400);
  registry.play(
    node.dates,
    onManifests(({ refuse }) => refuse(404, 'NAME_UNKNOWN', 'repository name not known')),
  );
  const came = await node.after(withinS * 1000, 'gcr.io/team/app:v1');
  broughtAbout('registry-deprecated', 'manifest.unknown_repository', { shown, came });
});

test('a registry that nobody promises to answer for is foretold while its name leads somewhere, and then the name is gone', async () => {
  await using at = await standIn('mcr.azureedge.net', '2024-12-18T00:00:00Z', 'team/app');
  const { node } = at;
  const shown = await node.rehearse('mcr.azureedge.net/team/app:v1');
  const { withinS = 0 } = predicted(shown, 'registry-deprecated') ?? {};
  await using names = await fakeDns({});
  node.view = asking(node.view, { servers: [{ address: names.address, port: names.port }], hosts: {} });
  const came = await node.after(withinS * 1000, 'mcr.azureedge.net/team/app:v1');
  broughtAbout('registry-deprecated', 'dns.not_found', { shown, came });
});
