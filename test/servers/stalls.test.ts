/**
 * A registry that is silent for longer than image_pull_progress_timeout, before a containerd that has one (1.7 and later, pulling
 * in its own process) and before those that wait for ever: 1.6, and the transfer service of 2.1. CONTAINERD=/path/to/containerd asks
 * another version than the installed one.
 */
import { describe, expect, test } from 'vitest';
import { nodeLimitMessages } from '#report/advice/node-limits.ts';
import { askDrypull } from '../kit/ask-drypull.ts';
import { broughtAbout } from '../kit/brought-about.ts';
import { containerdConfig } from '../kit/containerd.ts';
import { kubeletText } from '../kit/cri.ts';
import { expectWarned } from '../kit/incidents.ts';
import { needs } from '../kit/installed.ts';
import type { Script, Visit } from '../kit/visit.ts';
import { at } from './at.ts';
import { openNode, openStage, pki } from './stage.ts';

const able = needs(['root', 'unshare', 'containerd', 'docker-registry']);
const timeout = '600ms';
/** More than twice as long: containerd looks twice in its time, and once more may find what came before. */
const silentMs = 2500;

const cri = '[plugins."io.containerd.grpc.v1.cri"]\n';
const configOf = (inProcess: boolean): string =>
  `${containerdConfig.replace(cri, `${cri}  image_pull_progress_timeout = "${timeout}"\n`)}
[plugins."io.containerd.cri.v1.images"]
  use_local_image_pull = ${String(inProcess)}
`;

describe.runIf(able)('a silent registry', { timeout: 60_000 }, () => {
  test.each([
    { before: 'a layer', inProcess: true },
    { before: 'a layer', inProcess: false },
    { before: 'the digest of the tag', inProcess: true },
  ])('before $before, asked in process: $inProcess; what is foretold is what comes', async ({ before, inProcess }) => {
    const authorities = await pki();
    await using node = await openNode(authorities, { files: { 'etc/containerd/config.toml': configOf(inProcess) } });
    await using stage = openStage(authorities, node);
    const app = stage.another({ layers: [100_000] });
    const layers = app.manifests[0].layers.map(({ digest }) => digest);
    const isMeant = ({ reference, seen }: Visit): boolean =>
      before === 'a layer' ? layers.includes(reference) : seen.method === 'HEAD';
    const silence: Script = async (visit) => {
      if (isMeant(visit)) await new Promise((resolve) => setTimeout(resolve, silentMs));
      return undefined;
    };
    const image = at(await stage.fake({ images: { 'team/app:v1': app }, onRequest: silence }));
    const { version } = node.daemon;
    const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
    const isWatched = (major === 1 && minor === 7) || (major >= 2 && (inProcess || minor === 0));

    const ours = await askDrypull({ image, root: node.root.path, runtime: version });
    const begun = new Date();
    const theirs = await node.daemon.pull({ image });
    expect({ version, is: theirs.is }).toEqual({ version, is: isWatched ? 'failed' : 'pulled' });
    if (theirs.is === 'pulled') {
      expect(ours.verdict.is).toBe('pulls');
      return;
    }
    const message = kubeletText(theirs);
    const came = { atMs: Date.now(), status: 'context canceled', so: /context canceled$/.exec(message)?.[0] };
    broughtAbout('pull-stalls', 'blob.stalled', { shown: ours, came });
    expectWarned(ours, { rule: 'pull-stalls', fault: 'blob.stalled', withinS: 0 }, { begun, message });
    expect(ours.forecasts[0]?.because).toContain(`before it sent ${before}`);
    if (before === 'a layer')
      expect(message).toBe(nodeLimitMessages['blob.stalled'].shows.replace('"X"', `"${image}"`));
  });
});
