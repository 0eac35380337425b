/** The incident of a disk: a real file system fills, a real containerd pulls onto it, and the clock alone is the test's. */
import { statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Forecast } from '#forecast/forecast.ts';
import { emptyNodeHistory, learnNode } from '#forecast/history/history.ts';
import { forecastNode } from '#forecast/rules.ts';
import { readNode } from '#rehearsal/read-node.ts';
import { askDrypull } from '../kit/ask-drypull.ts';
import { kubeletText } from '../kit/cri.ts';
import { expectWarned, incident } from '../kit/incidents.ts';
import { needs } from '../kit/installed.ts';
import { hour, minute } from '../kit/remembering.ts';
import { at } from '../servers/at.ts';
import { openNode, openStage, pki } from '../servers/stage.ts';

const MiB = 1024 ** 2;
const isAble = needs(['root', 'mount', 'umount', 'unshare', 'containerd', 'docker-registry']);
const stepMs = 5 * minute;

/** A node whose containerd has 100 MiB, of which images take the most and are all in use. */
async function smallNode() {
  const authorities = await pki();
  const node = await openNode(authorities, {
    disk: { bytes: 100 * MiB },
    files: {
      // Collection begins where 30 MiB are left, and nothing of what is there may go.
      'etc/kubelet.yaml': 'imageGCHighThresholdPercent: 70\nimageGCLowThresholdPercent: 60\n',
      'proc/7/comm': 'kubelet\n',
      'proc/7/cmdline': 'kubelet\0--config=/etc/kubelet.yaml\0',
    },
  });
  const place = join(node.root.path, 'var/lib/containerd');
  let files = 0;
  const fill = async (bytes: number): Promise<void> => {
    files += 1;
    await writeFile(join(place, `image-${files}`), new Uint8Array(bytes));
  };
  const freeBytes = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(place);
    return bavail * bsize;
  };
  return { authorities, node, fill, freeBytes };
}

incident(
  47,
  async () => {
    const { authorities, node, fill, freeBytes } = await smallNode();
    await using held = new AsyncDisposableStack();
    held.use(node);
    const stage = held.use(openStage(authorities, node));
    let history = emptyNodeHistory;
    let atMs = Date.parse('2026-03-04T12:00:00Z');
    const readView = async (): Promise<readonly Forecast[]> => {
      const now = new Date(atMs);
      const view = await readNode({ hostRoot: node.root.path, runtime: node.daemon.version, kubelet: {}, now });
      history = learnNode(history, view, atMs);
      return forecastNode({ now, view, entries: [], history });
    };
    const step = async (): Promise<void> => {
      await fill(MiB / 2);
      atMs += stepMs;
    };
    await fill((await freeBytes()) - 45 * MiB);
    for (let steps = 0; steps < (4 * hour) / stepMs; steps += 1) {
      await readView();
      await step();
    }
    const [pressure] = await readView();
    expect(pressure).toMatchObject({
      rule: 'disk-fills',
      fault: 'disk.pressure',
      effect: 'fails',
      likelihood: 'likely',
    });
    const withinS = pressure?.withinS ?? 0;
    expect(withinS).toBeGreaterThan(3000);
    const endMs = atMs + withinS * 1000;
    while (atMs < endMs - stepMs) await step();
    expect((await readView())[0]).not.toMatchObject({ likelihood: 'certain' });
    while (atMs < endMs + stepMs) await step();
    expect((await readView())[0]).toMatchObject({ fault: 'disk.pressure', likelihood: 'certain', withinS: 0 });

    // Pods that the kubelet has taken pull on, until nothing is left.
    await fill((await freeBytes()) - 3 * MiB);
    const app = stage.another({ seed: 'app', layers: [2 * MiB] });
    const image = at(await stage.fake({ images: { 'team/app:v1': app } }));
    const ours = await askDrypull({ image, root: node.root.path, runtime: node.daemon.version });
    const begun = new Date();
    const theirs = await node.daemon.pull({ image });
    const message = theirs.is === 'failed' ? kubeletText(theirs) : '';
    expect(message).toMatch(/^failed to pull and unpack image ".+": .*: no space left on device/);
    expectWarned(ours, { rule: 'pull-outgrows-disk', fault: 'disk.full', withinS: 0 }, { begun, message });
  },
  { isAble, timeout: 60_000 },
);
