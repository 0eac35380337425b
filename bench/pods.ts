/** The agent, bundled, joined to a cluster whose API server (serve-pods.ts) has 500 Pods on its node. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { kubeconfig } from '../test/kit/busy-node.ts';
import { daemon, type Daemon } from './daemon.ts';
import type { Target } from './fields.ts';
import { referenceOf, type BenchNode } from './node.ts';

export const podsOnNode = 500;
export const imagesOfPods = 200;
/** Of these images, so many are pulled with a secret. */
export const secretImages = 10;
export const secretNamespace = 'guarded';

export interface ClusterWord {
  readonly server: string;
  readonly images: number;
  /** Of all Pods as JSON: what one list costs. */
  readonly podBytes: number;
}

export interface OnCluster extends Daemon {
  readonly podBytes: number;
}

const limitMs = 40_000;

export async function onCluster(bundled: string, node: BenchNode, targets: readonly Target[]): Promise<OnCluster> {
  const signal = AbortSignal.timeout(limitMs);
  const child = fork(join(import.meta.dirname, 'serve-pods.ts'), { stdio: 'inherit' });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  try {
    const heard = new Promise<ClusterWord>((resolve, reject) => {
      child.once('message', (word) => resolve(word as ClusterWord));
      child.once('exit', () => reject(new Error('the cluster ended')));
    });
    child.send(targets.slice(0, imagesOfPods - secretImages).map(referenceOf));
    const { server, images, podBytes } = await heard;
    const path = await node.write('kubeconfig', kubeconfig(server));
    const settings = { cluster: 'on', kubeconfig: path, nodeName: 'node1' };
    return { ...(await daemon(bundled, node, { settings, pulls: images, signal })), podBytes };
  } finally {
    if (child.connected) child.disconnect();
    await gone;
  }
}
