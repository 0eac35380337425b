/** A node as files whose programs started once and read what lay there; looked at again and again by one who remembers. */
import { dirname } from 'node:path';
import { parseImage } from '#image/reference.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { PullReport } from '#report/report.ts';
import type { NodeView } from '#node/view.ts';
import { AtStart } from '#node/at-start.ts';
import { readNode } from '#rehearsal/read-node.ts';
import { manners } from '#rehearsal/open-wire.ts';
import { Rehearser } from '#rehearsal/rehearser.ts';
import { nodeRoot, type NodeRoot, type NodeTree } from './node-root.ts';

const bootS = Date.parse('2026-01-01T00:00:00Z') / 1000;
const beforeStart = new Date((bootS + 60) * 1000);
/** In clock ticks since the boot; a hundred are a second. */
const started = { first: 100_00, again: 900_000_000_00 } as const;

export interface StartedNode extends AsyncDisposable {
  readonly files: NodeRoot;
  /** What a look sees now; with memory of the looks before it. */
  readonly readView: (atStart?: AtStart) => Promise<NodeView>;
  readonly rehearse: (image: string, atStart?: AtStart) => Promise<PullReport>;
  /** containerd and the kubelet as new processes, which read everything anew. */
  readonly restart: () => Promise<void>;
}

/** Files that lay there before anything started. containerd 2.1.9 with certs.d, and a kubelet; names lead nowhere but where /etc/hosts says. */
export async function startedNode(tree: Readonly<Record<string, string>>): Promise<StartedNode> {
  const files = await nodeRoot({
    'etc/nsswitch.conf': 'hosts: files\n',
    'proc/stat': `cpu 1\nbtime ${bootS}\n`,
    ...running(started.first),
  });
  const old = { 'etc/containerd/config.toml': configToml('/etc/containerd/certs.d'), ...tree };
  for (const [path, text] of Object.entries(old)) {
    await files.add({ [path]: { text, modified: beforeStart, mode: 0o755 } });
    await files.add({ [dirname(path)]: { dir: true, modified: beforeStart } });
  }
  const memory = new AtStart();
  const now = (): Date => new Date();
  const rehearser = new Rehearser({ hostRoot: files.path, env: process.env, now, clockMs: () => performance.now() });
  const readView = (atStart = memory): Promise<NodeView> =>
    readNode({ hostRoot: files.path, runtime: 'containerd://2.1.9', kubelet: { home: '' }, now: now(), atStart });
  return {
    files,
    readView,
    rehearse: async (written, atStart) => {
      const demand = {
        image: parseImage(written),
        written,
        policy: 'Always',
        requestedBy: [],
        secrets: [],
        present: 'no',
      } as const;
      const pass = { manners, atOnce: 1, perRegistry: 8, meteredRegistries: [], signal: new AbortController().signal };
      for await (const report of rehearser.rehearse(await readView(atStart), [demand], pass)) return report;
      throw new Error('a pass over one image gave no report');
    },
    restart: () => files.add(running(started.again)),
    [Symbol.asyncDispose]: () => files[Symbol.asyncDispose](),
  };
}

export function configToml(configPath: string): string {
  return `version = 3\n[plugins."io.containerd.cri.v1.images".registry]\n  config_path = "${configPath}"\n`;
}

/** The time of a start later than any file of a test. */
function running(ticks: number): NodeTree {
  const stat = (pid: number, name: string): string => `${pid} (${name}) S ${'0 '.repeat(18)}${ticks} 0`;
  return {
    'proc/7/comm': 'containerd\n',
    'proc/7/cmdline': 'containerd\0',
    'proc/7/environ': '',
    'proc/7/stat': stat(7, 'containerd'),
    'proc/8/comm': 'kubelet\n',
    'proc/8/cmdline': [
      'kubelet',
      '--image-credential-provider-config=/etc/cp.yaml',
      '--image-credential-provider-bin-dir=/opt/cp',
      '',
    ].join('\0'),
    'proc/8/environ': '',
    'proc/8/stat': stat(8, 'kubelet'),
  };
}

export function pending(report: PullReport): readonly Forecast[] {
  return report.forecasts.filter(({ rule }) => rule === 'restart-pending');
}
