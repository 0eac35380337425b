/** In which namespace the catalog is: the configured one, else this Pod's own, else the one of the manifests. */
import type { Config } from './config.ts';
import { readInput } from '#node/read-input.ts';

const path = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

export async function catalogNamespace({ catalogNamespace: given }: Config): Promise<string> {
  if (given !== null) return given;
  const own = await readInput(path, 1024);
  return (own.ok ? own.text.trim() : '') || 'drypull';
}
