/** Hosts of layers that change or fail, brought about with real servers: the forecast stood before the failure. */
import { expect, test } from 'vitest';
import { FakeRegistry, image } from '../kit/fake-registry.ts';
import { onBlobs } from '../kit/misbehaviour.ts';
import { foretold, hour, minute, RememberingNode } from '../kit/remembering.ts';
import { gist, nodeOf } from '../kit/stage.ts';
import type { Script } from '../kit/visit.ts';

const start = Date.parse('2026-05-20T12:00:00.000Z');
const images = { 'team/app:v1': image({ seed: 'app' }), 'team/web:v1': image({ seed: 'web' }) };

/** Layers are elsewhere: by the repository. */
function leadsTo(places: Readonly<Record<string, string>>): Script {
  return onBlobs(({ repository, url, send }) => {
    const at = places[repository] ?? places['*'];
    return at === undefined ? undefined : send(307, { location: `http://${at}${url.pathname}?signature=presigned` });
  });
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const passing = await FakeRegistry.open();
  const { port } = passing;
  await passing.close();
  return port;
}

async function world() {
  const [registry, old] = await Promise.all([FakeRegistry.open({ images }), FakeRegistry.open({ images })]);
  const refused = await closedPort();
  const view = nodeOf({
    registries: { 'reg.test': registry },
    hosts: { 'cdn.test': ['127.0.0.1'], 'new.test': ['127.0.0.1'] },
  });
  const [app, web] = ['app', 'web'].map((name) => `reg.test:${registry.port}/team/${name}:v1`);
  const node = new RememberingNode(view, start);
  old.play(node.dates);
  return {
    registry,
    old,
    node,
    app: app ?? '',
    web: web ?? '',
    oldHost: `cdn.test:${old.port}`,
    newHost: `new.test:${refused}`,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([registry.close(), old.close()]);
    },
  };
}

test('a new host of layers that this node does not reach puts the images at risk that came from the old one, and then fails them', async () => {
  await using at = await world();
  const { registry, node, app, web, oldHost, newHost } = at;
  registry.play(node.dates, leadsTo({ '*': oldHost }));
  expect([gist(await node.rehearse(app)), gist(await node.rehearse(web))]).toEqual(['pulls', 'pulls']);

  registry.play(node.dates, leadsTo({ 'team/app': newHost, 'team/web': oldHost }));
  expect(gist(await node.after(2 * hour, app))).toBe('fails blob.redirect_failed');
  const before = await node.after(minute, web);
  expect(gist(before)).toBe('at_risk blob-host-new');
  const forecast = foretold(before, 'blob-host-new');
  expect(forecast).toMatchObject({ about: newHost, likelihood: 'likely', fault: 'blob.redirect_failed', withinS: 0 });
  expect(forecast?.because).toContain(`which never answered this node (tcp.refused); this image came from ${oldHost}`);

  registry.play(node.dates, leadsTo({ '*': newHost }));
  expect(gist(await node.after((forecast?.withinS ?? 0) * 1000, web))).toBe(`fails ${forecast?.fault ?? ''}`);
});

test('a new host that works from here is told for a day, for the firewalls of other nodes, and no verdict changes', async () => {
  await using at = await world();
  await using fresh = await FakeRegistry.open({ images });
  const { registry, node, app, oldHost } = at;
  fresh.play(node.dates);
  registry.play(node.dates, leadsTo({ '*': oldHost }));
  await node.rehearse(app);
  registry.play(node.dates, leadsTo({ '*': `new.test:${fresh.port}` }));
  const report = await node.after(2 * hour, app);
  expect(gist(report)).toBe('pulls');
  expect(foretold(report, 'blob-host-new')).toMatchObject({
    about: `new.test:${fresh.port}`,
    likelihood: 'possible',
    effect: 'none',
  });
  expect(foretold(await node.after(12 * hour, app), 'blob-host-new')).toBeDefined();
  await node.after(13 * hour, app);
  expect(foretold(await node.after(hour, app), 'blob-host-new')).toBeUndefined();
});

test('several hosts of layers in the first hour are no news', async () => {
  await using at = await world();
  await using other = await FakeRegistry.open({ images });
  const { registry, node, app, web, oldHost } = at;
  other.play(node.dates);
  registry.play(node.dates, leadsTo({ 'team/app': oldHost, 'team/web': `new.test:${other.port}` }));
  expect((await node.rehearse(app)).forecasts).toEqual([]);
  expect((await node.after(minute, web)).forecasts).toEqual([]);
});

test('a host that resets two of five requests is foretold with the share, from ten requests on', async () => {
  await using at = await world();
  const { registry, old, node, app, oldHost } = at;
  registry.play(node.dates, leadsTo({ '*': oldHost }));
  // By request: reset, fine, reset, fine, fine.
  let asked = -1;
  old.play(
    node.dates,
    onBlobs(({ socket }) => {
      asked += 1;
      if (![0, 2].includes(asked % 5)) return undefined;
      socket.resetAndDestroy();
      return 'done';
    }),
  );
  const gists: string[] = [];
  let last = await node.rehearse(app);
  while (foretold(last, 'blob-host-flaky') === undefined && gists.length < 20) {
    gists.push(gist(last));
    last = await node.after(5 * minute, app);
  }
  const forecast = foretold(last, 'blob-host-flaky');
  expect(gists).toContain('pulls');
  expect(gists).toContain('fails blob.redirect_failed');
  expect(forecast).toMatchObject({ about: oldHost, likelihood: 'likely', fault: 'blob.redirect_failed', withinS: 0 });
  const [, failed = '', all = ''] = /^(\d+) of the last (\d+) requests for layers/.exec(forecast?.because ?? '') ?? [];
  expect(Number(all)).toBeGreaterThanOrEqual(10);
  expect(Number(failed) / Number(all)).toBeGreaterThan(0.2);
  old.play(node.dates);
  expect(gist(await node.after(5 * minute, app))).toBe('at_risk blob-host-flaky');
  old.play(
    node.dates,
    onBlobs(({ socket }) => {
      socket.resetAndDestroy();
      return 'done';
    }),
  );
  expect(gist(await node.after(5 * minute, app))).toBe(`fails ${forecast?.fault ?? ''}`);
});
