/** The namespace of this Pod, where its ServiceAccount is the one that asks the cluster. */
import type { Config } from './config.ts';
import { readInput } from '#node/read-input.ts';

const path = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

export async function ownNamespace({ kubeconfig }: Config): Promise<{ readonly namespace?: string }> {
  if (kubeconfig !== null) return {};
  const read = await readInput(path, 1024);
  return read.ok && read.text.trim() !== '' ? { namespace: read.text.trim() } : {};
}
