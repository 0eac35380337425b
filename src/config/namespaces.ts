/** The namespaces in which the agent reads and writes its own objects. */
import { readInput } from '#node/read-input.ts';
import type { Config } from './config.ts';

const path = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';
const longestName = 1024;

/** The namespace of this Pod; none where a kubeconfig, and not the Pod's ServiceAccount, connects to the cluster. */
export async function ownNamespace({ kubeconfig }: Config): Promise<{ readonly namespace?: string }> {
  const namespace = kubeconfig === null ? await podNamespace() : '';
  return namespace === '' ? {} : { namespace };
}

/** The namespace of the catalog: the configured one, else this Pod's own, else the one of the manifests. */
export async function catalogNamespace({ catalogNamespace: given }: Config): Promise<string> {
  return given ?? ((await podNamespace()) || 'drypull');
}

/** Empty outside of a Pod. */
async function podNamespace(): Promise<string> {
  const read = await readInput(path, longestName);
  return read.ok ? read.text.trim() : '';
}
