/** Hosts of layers that change or fail, brought about with real servers: the forecast stood before the failure. */
import { expect, test } from 'vitest';
import { broughtAbout } from '../../kit/brought-about.ts';
import { FakeRegistry } from '../../kit/fake-registry.ts';
import { onBlobs, resets } from '../../kit/misbehaviour.ts';
import { predicted, hour, minute } from '../../kit/remembering.ts';
import { gist } from '../../kit/stage.ts';
import { images, leadsTo, resetsTwoOfFive, storageWorld } from '../../kit/storage-world.ts';

test('a new host of layers that this node does not reach puts the images at risk that came from the old one, and then fails them', async () => {
  await using at = await storageWorld();
  const { registry, node, app, web, oldHost, newHost } = at;
  registry.play(node.dates, leadsTo({ '*': oldHost }));
  expect([gist(await node.rehearse(app)), gist(await node.rehearse(web))]).toEqual(['pulls', 'pulls']);

  registry.play(node.dates, leadsTo({ 'team/app': newHost, 'team/web': oldHost }));
  expect(gist(await node.after(2 * hour, app))).toBe('fails blob.redirect_failed');
  const before = await node.after(minute, web);
  expect(gist(before)).toBe('at_risk blob-host-new');
  const forecast = predicted(before, 'blob-host-new');
  expect(forecast).toMatchObject({ about: newHost, likelihood: 'likely', fault: 'blob.redirect_failed', withinS: 0 });
  expect(forecast?.because).toContain(`which never answered this node (tcp.refused); this image came from ${oldHost}`);

  registry.play(node.dates, leadsTo({ '*': newHost }));
  broughtAbout('blob-host-new', 'blob.redirect_failed', { shown: before, came: await node.after(minute, web) });
});

test('a new host that works from here is told for a day, for the firewalls of other nodes, and no verdict changes', async () => {
  await using at = await storageWorld();
  await using fresh = await FakeRegistry.open({ images });
  const { registry, node, app, oldHost } = at;
  fresh.play(node.dates);
  registry.play(node.dates, leadsTo({ '*': oldHost }));
  await node.rehearse(app);
  registry.play(node.dates, leadsTo({ '*': `new.test:${fresh.port}` }));
  const report = await node.after(2 * hour, app);
  expect(gist(report)).toBe('pulls');
  expect(predicted(report, 'blob-host-new')).toMatchObject({
    about: `new.test:${fresh.port}`,
    likelihood: 'possible',
    effect: 'none',
  });
  expect(predicted(await node.after(12 * hour, app), 'blob-host-new')).toBeDefined();
  await node.after(13 * hour, app);
  expect(predicted(await node.after(hour, app), 'blob-host-new')).toBeUndefined();
});

test('several hosts of layers in the first hour are no news', async () => {
  await using at = await storageWorld();
  await using other = await FakeRegistry.open({ images });
  const { registry, node, app, web, oldHost } = at;
  other.play(node.dates);
  registry.play(node.dates, leadsTo({ 'team/app': oldHost, 'team/web': `new.test:${other.port}` }));
  expect((await node.rehearse(app)).forecasts).toEqual([]);
  expect((await node.after(minute, web)).forecasts).toEqual([]);
});

test('a host that resets two of five requests is foretold with the share, from ten requests on', async () => {
  await using at = await storageWorld();
  const { registry, old, node, app, oldHost } = at;
  registry.play(node.dates, leadsTo({ '*': oldHost }));
  old.play(node.dates, resetsTwoOfFive());
  const gists: string[] = [];
  let last = await node.rehearse(app);
  while (predicted(last, 'blob-host-flaky') === undefined && gists.length < 20) {
    gists.push(gist(last));
    last = await node.after(5 * minute, app);
  }
  const forecast = predicted(last, 'blob-host-flaky');
  expect(gists).toContain('pulls');
  expect(gists).toContain('fails blob.redirect_failed');
  expect(forecast).toMatchObject({ about: oldHost, likelihood: 'likely', fault: 'blob.redirect_failed', withinS: 0 });
  const [, failed = '', all = ''] = /^(\d+) of the last (\d+) requests for layers/.exec(forecast?.because ?? '') ?? [];
  expect(Number(all)).toBeGreaterThanOrEqual(10);
  expect(Number(failed) / Number(all)).toBeGreaterThan(0.2);
  old.play(node.dates);
  const shown = await node.after(5 * minute, app);
  expect(gist(shown)).toBe('at_risk blob-host-flaky');
  old.play(node.dates, onBlobs(resets()));
  broughtAbout('blob-host-flaky', 'blob.redirect_failed', { shown, came: await node.after(5 * minute, app) });
});

test('a registry that breaks off every other pull of its own layers is foretold to end the next', async () => {
  await using at = await storageWorld();
  const { registry, node, app } = at;
  // Not one reset alone: on an open connection the transport itself tries again.
  const well = (): void => registry.play(node.dates);
  const ill = (): void => registry.play(node.dates, onBlobs(resets()));
  let shown = await node.rehearse(app);
  for (let looks = 0; looks < 20 && predicted(shown, 'blob-host-flaky') === undefined; looks += 1) {
    (looks % 2 === 0 ? ill : well)();
    shown = await node.after(5 * minute, app);
  }
  well();
  shown = await node.after(5 * minute, app);
  ill();
  broughtAbout('blob-host-flaky', 'blob.unreachable', { shown, came: await node.after(5 * minute, app) });
});
