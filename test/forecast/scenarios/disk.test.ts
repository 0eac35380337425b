/** Disks that fill, for real: the forecast stands before, and then it happens, when and as it was foretold. */
import { execFile } from 'node:child_process';
import { statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Forecast } from '#forecast/forecast.ts';
import { emptyNodeHistory, learnNode, type NodeHistory } from '#forecast/history/history.ts';
import { forecastNode } from '#forecast/rules.ts';
import { readView } from '#rehearsal/read-view.ts';
import { readNode } from '#rehearsal/read-node.ts';
import { askDrypull } from '../../kit/ask-drypull.ts';
import { configOf } from '../../kit/agent.ts';
import { broughtAbout, type NodeTold, type Shown } from '../../kit/brought-about.ts';
import { kubeletText, type Pulled } from '../../kit/cri.ts';
import { needs } from '../../kit/installed.ts';
import { entry } from '../../kit/ledger.ts';
import { nodeRoot, type NodeRoot } from '../../kit/node-root.ts';
import { smallDisk } from '../../kit/small-disk.ts';
import { SmallEviction } from '../../kit/small-eviction.ts';
import { at } from '../../servers/at.ts';
import { openNode, openStage, pki } from '../../servers/stage.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const start = Date.parse('2026-03-04T12:00:00Z');
const stepMs = 300_000;

/** One look at the node at a moment of the test's own clock, and what follows. */
async function lookAt(
  root: NodeRoot,
  nowMs: number,
  history: NodeHistory,
): Promise<{ readonly history: NodeHistory; readonly forecasts: readonly Forecast[] }> {
  const now = new Date(nowMs);
  const view = await readNode({ hostRoot: root.path, runtime: 'containerd://1.6.20', kubelet: {}, now });
  const learned = learnNode(history, view, nowMs);
  return { history: learned, forecasts: forecastNode({ now, view, entries: [], history: learned }) };
}

const full = (shown: Shown): Forecast => broughtAbout('disk-fills', 'disk.full', shown);
const noInodes = (shown: Shown): Forecast => broughtAbout('disk-fills', 'disk.inodes', shown);

describe.runIf(needs(['root', 'mount', 'umount']))('a file system that fills step by step', { timeout: 30_000 }, () => {
  test.each([
    {
      what: 'bytes',
      kubelet: 'evictionHard: { nodefs.available: 20% }\nimageGCHighThresholdPercent: 100\n',
      inodes: 1000,
      predicted: 'disk.pressure',
    },
    {
      what: 'inodes',
      kubelet: 'evictionHard: { nodefs.inodesFree: 20% }\n',
      inodes: 64,
      predicted: 'disk.pressure',
    },
  ])('crosses its threshold of $what when it was foretold', async ({ what, kubelet, inodes, predicted }) => {
    await using root = await nodeRoot();
    await using disk = await smallDisk(join(root.path, 'var/lib'), { bytes: 64 * MiB, inodes });
    await root.add({ 'var/lib/kubelet/config.yaml': kubelet });
    const step = (): Promise<void> => (what === 'bytes' ? disk.fill(MiB) : disk.litter(1));
    let nowMs = start;
    let history = emptyNodeHistory;
    for (let i = 0; i < 20; i += 1) {
      await step();
      nowMs += stepMs;
      ({ history } = await lookAt(root, nowMs, history));
    }
    const before = await lookAt(root, nowMs, history);
    const [forecast] = before.forecasts;
    expect(forecast).toMatchObject({ rule: 'disk-fills', fault: predicted, effect: 'fails', likelihood: 'likely' });
    const withinS = forecast?.withinS ?? 0;
    expect(withinS).toBeGreaterThan(3600);

    // The same course goes on: a step before that moment all is well, and a step after it the threshold is met.
    const steps = (withinS * 1000) / stepMs;
    for (let i = 0; i < Math.floor(steps) - 1; i += 1) await step();
    const nearly = await lookAt(root, nowMs + (Math.floor(steps) - 1) * stepMs, history);
    expect(nearly.forecasts.every(({ withinS: left }) => left !== 0)).toBe(true);
    for (let i = 0; i < 3; i += 1) await step();
    const afterMs = nowMs + (Math.floor(steps) + 2) * stepMs;
    const after = await lookAt(root, afterMs, history);
    expect(after.forecasts[0]).toMatchObject({ fault: predicted, likelihood: 'certain', withinS: 0 });
    broughtAbout('disk-fills', 'disk.pressure', {
      shown: { forecasts: before.forecasts, atMs: nowMs },
      came: { atMs: afterMs, status: true, so: (await shareLeft(disk.path, what)) < 0.2 },
      offByS: (2 * stepMs) / 1000,
    });
  });

  test.each([
    { what: 'bytes', inodes: 1000, claim: full },
    { what: 'inodes', inodes: 64, claim: noInodes },
  ] as const)(
    'is out of $what when it was foretold, where no threshold comes first',
    async ({ what, inodes, claim }) => {
      await using root = await nodeRoot();
      await using disk = await smallDisk(join(root.path, 'var/lib'), { bytes: 64 * MiB, inodes });
      const thresholds = 'evictionHard: { memory.available: 100Mi }\nimageGCHighThresholdPercent: 100\n';
      await root.add({ 'var/lib/kubelet/config.yaml': thresholds });
      let nowMs = start;
      let history = emptyNodeHistory;
      const step = async (): Promise<void> => {
        await (what === 'bytes' ? disk.fill(MiB) : disk.litter(1));
        nowMs += stepMs;
      };
      for (let i = 0; i < 20; i += 1) {
        await step();
        ({ history } = await lookAt(root, nowMs, history));
      }
      const shown = { forecasts: (await lookAt(root, nowMs, history)).forecasts, atMs: nowMs };
      let refusal: unknown;
      for (let i = 0; i < 100 && refusal === undefined; i += 1)
        await step().catch((error: unknown) => (refusal = error));
      const so = refusal instanceof Error && 'code' in refusal ? refusal.code : 'it took all';
      const forecast = claim({
        shown,
        came: { atMs: nowMs, status: 'ENOSPC', so },
        offByS: (2 * stepMs) / 1000,
      });
      expect(forecast.withinS).toBeGreaterThan(3600);
    },
  );
});

describe.runIf(needs(['root', 'mount', 'umount']))('a node that has DiskPressure', () => {
  test('refuses Pods in the words that were foretold, and for as long, though there is room again', async () => {
    await using root = await nodeRoot();
    await using disk = await smallDisk(join(root.path, 'var/lib'), { bytes: 64 * MiB });
    const kubelet = new SmallEviction(disk.path, { leastShare: 0.1, transitionMs: 300_000 });
    const config = configOf(`hostRoot: ${root.path}`);
    const lookAround = async (nowMs: number): Promise<NodeTold> => {
      const view = await readView(config, { now: new Date(nowMs), status: await kubelet.synchronize(nowMs) });
      const facts = { now: new Date(nowMs), view, entries: [], history: emptyNodeHistory };
      return { forecasts: forecastNode(facts).filter(({ rule }) => rule === 'disk-pressure'), atMs: nowMs };
    };
    expect((await lookAround(start)).forecasts).toEqual([]);
    expect(kubelet.refusal()).toBeUndefined();
    await disk.fill(60 * MiB);
    const shown = await lookAround(start + 10_000);
    const status = /"(The node had condition: .+?)"/.exec(shown.forecasts[0]?.because ?? '')?.[1];
    broughtAbout('disk-pressure', 'disk.pressure', {
      shown,
      came: { atMs: start + 11_000, status, so: kubelet.refusal() },
    });
    await root.remove('var/lib/filler-1');
    expect((await lookAround(start + 300_000)).forecasts).toMatchObject([{ likelihood: 'certain', withinS: 0 }]);
    expect(kubelet.refusal()).toBe(status);
    expect((await lookAround(start + 310_000)).forecasts).toEqual([]);
    expect(kubelet.refusal()).toBeUndefined();
  });
});

/** Of what the file system has in all, by its own word. */
async function shareLeft(path: string, what: string): Promise<number> {
  const { blocks, bavail, files, ffree } = await statfs(path);
  return what === 'bytes' ? bavail / blocks : ffree / files;
}

const oneImageOfInodes = (shown: Shown): Forecast => broughtAbout('pull-outgrows-disk', 'disk.inodes', shown);
const twoImagesOfInodes = (shown: Shown): Forecast => broughtAbout('pulls-outgrow-disk', 'disk.inodes', shown);

/** Go's words for what the kernel said. */
function lastExchanges(pulled: Pulled): string {
  return pulled.is === 'pulled'
    ? 'it was pulled'
    : (/no space left on device/.exec(pulled.message)?.[0] ?? pulled.message);
}

const able = needs(['root', 'mount', 'umount', 'unshare', 'containerd', 'docker-registry', 'fallocate']);

describe.runIf(able)("containerd's own disk", { timeout: 60_000 }, () => {
  test('is too small for an image: foretold, and then the pull fails with the text that was foretold', async () => {
    const authorities = await pki();
    await using node = await openNode(authorities, { disk: { bytes: 12 * MiB } });
    await using stage = openStage(authorities, node);
    const big = stage.another({ seed: 'big', layers: [8 * MiB] });
    const image = at(await stage.fake({ images: { 'team/app:v1': big } }));
    const ours = await askDrypull({ image, root: node.root.path, runtime: node.daemon.version });
    expect(ours.verdict).toMatchObject({
      is: 'at_risk',
      forecasts: [{ rule: 'pull-outgrows-disk', fault: 'disk.full', likelihood: 'likely', withinS: 0 }],
    });
    const theirs = await node.daemon.pull({ image });
    expect(theirs.is === 'failed' && kubeletText(theirs)).toMatch(
      /^failed to pull and unpack image ".+": .*\/var\/lib\/containerd\/.+: no space left on device/,
    );
    const came = { atMs: Date.now(), status: 'no space left on device', so: lastExchanges(theirs) };
    broughtAbout('pull-outgrows-disk', 'disk.full', { shown: ours, came });
  });

  test.each([
    { what: 'an image', seeds: ['one'], claim: oneImageOfInodes },
    { what: 'two images, and enough for one', seeds: ['one', 'two'], claim: twoImagesOfInodes },
  ])('has bytes enough and too few inodes for $what: foretold, and the pull fails', async ({ seeds, claim }) => {
    const authorities = await pki();
    await using node = await openNode(authorities, { disk: { bytes: 2 * GiB, inodes: 1100 } });
    await using stage = openStage(authorities, node);
    const tags = ['first', 'second', ...seeds];
    const images = Object.fromEntries(
      tags.map((seed) => [`team/app:${seed}`, stage.another({ seed, layers: [4 * MiB] })]),
    );
    const port = await stage.fake({ images });
    const [first = '', second = '', ...wanted] = tags.map((tag) => at(port).replace(/:v1$/, `:${tag}`));
    const place = join(node.root.path, 'var/lib/containerd');
    const free = async (): Promise<number> => (await statfs(place)).ffree;
    // Directories that stay are made with the first image; what the second keeps, every other one does.
    expect(await node.daemon.pull({ image: first })).toMatchObject({ is: 'pulled' });
    const before = await free();
    expect(await node.daemon.pull({ image: second })).toMatchObject({ is: 'pulled' });
    const kept = before - (await free());
    // While it lasts a pull takes a few more than it keeps.
    const left = seeds.length === 1 ? kept : 2 * kept + 1;
    // What is there is more than a GiB, and its files say how many an image takes: one for each MiB.
    await promisify(execFile)('fallocate', ['-l', String(1100 * MiB), join(place, 'images')]);
    for (let more = (await free()) - left; more > 0; more -= 1) await writeFile(join(place, `file-${more}`), '');
    const runtime = node.daemon.version;
    const reports = [];
    for (const image of wanted) reports.push(await askDrypull({ image, root: node.root.path, runtime }));
    const now = new Date();
    const view = await readNode({ hostRoot: node.root.path, runtime, kubelet: {}, now });
    const ofNode = forecastNode({
      now,
      view,
      entries: reports.map((report) => entry(report)),
      history: emptyNodeHistory,
    });
    const forecasts = [...ofNode, ...reports.flatMap((report) => report.forecasts)];
    const pulled = [];
    for (const image of wanted) pulled.push(await node.daemon.pull({ image }));
    expect(pulled.slice(0, -1).every(({ is }) => is === 'pulled')).toBe(true);
    const so = pulled.slice(-1).map(lastExchanges);
    claim({
      shown: { forecasts, atMs: now.getTime() },
      came: { atMs: Date.now(), status: ['no space left on device'], so },
    });
  });

  test('has room for each of two images and not for both: foretold, and the second fails', async () => {
    const authorities = await pki();
    await using node = await openNode(authorities, { disk: { bytes: 31 * MiB } });
    await using stage = openStage(authorities, node);
    const seeds = ['one', 'two'];
    const images = Object.fromEntries(
      seeds.map((seed) => [`team/app:${seed}`, stage.another({ seed, layers: [8 * MiB] })]),
    );
    const port = await stage.fake({ images });
    const wanted = seeds.map((seed) => at(port).replace(/:v1$/, `:${seed}`));
    const runtime = node.daemon.version;
    const reports = [];
    for (const image of wanted) reports.push(await askDrypull({ image, root: node.root.path, runtime }));
    expect(reports.map(({ verdict }) => verdict.is)).toEqual(['pulls', 'pulls']);
    const now = new Date();
    const view = await readNode({ hostRoot: node.root.path, runtime, kubelet: {}, now });
    const forecasts = forecastNode({
      now,
      view,
      entries: reports.map((report) => entry(report)),
      history: emptyNodeHistory,
    });
    const [first, second] = [
      await node.daemon.pull({ image: wanted[0] ?? '' }),
      await node.daemon.pull({ image: wanted[1] ?? '' }),
    ];
    expect(first).toMatchObject({ is: 'pulled' });
    const came = { atMs: Date.now(), status: 'no space left on device', so: lastExchanges(second) };
    broughtAbout('pulls-outgrow-disk', 'disk.full', { shown: { forecasts, atMs: now.getTime() }, came });
  });

  test('has room for an image, and less than the kubelet wants afterwards: foretold, and then it is so', async () => {
    const authorities = await pki();
    await using node = await openNode(authorities, {
      disk: { bytes: 40 * MiB },
      files: {
        'etc/kubelet.yaml': 'evictionHard: { imagefs.available: 50% }\n',
        'proc/7/comm': 'kubelet\n',
        'proc/7/cmdline': 'kubelet\0--config=/etc/kubelet.yaml\0',
      },
    });
    await using stage = openStage(authorities, node);
    const big = stage.another({ seed: 'big', layers: [11 * MiB] });
    const image = at(await stage.fake({ images: { 'team/app:v1': big } }));
    const ours = await askDrypull({ image, root: node.root.path, runtime: node.daemon.version });
    expect(ours.forecasts).toMatchObject([
      { rule: 'pull-trips-eviction', fault: 'disk.pressure', likelihood: 'likely', effect: 'delays' },
    ]);
    expect(ours.verdict.is).toBe('pulls');
    expect(
      (await lookAt(node.root, start, emptyNodeHistory)).forecasts.map(({ likelihood }) => likelihood),
    ).not.toContain('certain');
    expect(await node.daemon.pull({ image })).toMatchObject({ is: 'pulled' });
    const share = await shareLeft(join(node.root.path, 'var/lib/containerd'), 'bytes');
    broughtAbout('pull-trips-eviction', 'disk.pressure', {
      shown: ours,
      came: { atMs: Date.now(), status: true, so: share < 0.5 },
    });
    expect((await lookAt(node.root, start, emptyNodeHistory)).forecasts[0]).toMatchObject({
      rule: 'disk-fills',
      fault: 'disk.pressure',
      likelihood: 'certain',
    });
    // What the node has now is not missing any more.
    const again = await askDrypull({ image, root: node.root.path, runtime: node.daemon.version });
    expect(again.forecasts).toEqual([]);
  });
});
