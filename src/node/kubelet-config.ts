/** The kubelet's configuration on disk: the file that `--config` names, the drop-ins of `--config-dir`, and its flags. */
import { posix } from 'node:path';
import { parse } from 'yaml';
import { bad, good, seen, type Seen } from '#pull/outcome.ts';
import { flagLayer, kubeletConfigOf, type KubeletConfig } from '#pull/kubelet-config.ts';
import { listDir, readText, type HostRoot } from './host-root.ts';
import { flag } from './processes.ts';

/** Where kubeadm puts it. */
const usualFile = '/var/lib/kubelet/config.yaml';
const deepest = 8;

/** `args`: the kubelet's command line, where it is known. */
export async function readKubeletConfig(
  root: HostRoot,
  args: readonly string[] | undefined,
): Promise<Seen<KubeletConfig>> {
  const { file, dir } = placesOf(args);
  const layers: unknown[] = [];
  if (file !== undefined) {
    const layer = await readLayer(root, file);
    if (layer === undefined) {
      return seen(
        file,
        bad({ code: 'agent.cannot_see', what: "the kubelet's configuration", why: `${file} cannot be read` }),
      );
    }
    layers.push(layer);
  }
  for (const dropIn of dir === undefined ? [] : await dropIns(root, dir, deepest))
    layers.push(await readLayer(root, dropIn));
  layers.push(flagLayer((name) => flag(args ?? [], name)));
  return seen(
    [file, dir, args === undefined ? undefined : 'command line'].filter((part) => part !== undefined).join(', '),
    good(kubeletConfigOf(layers)),
  );
}

/** The files that it reads once, when it starts; a directory for what is taken out of it. */
export async function kubeletConfigFiles(
  root: HostRoot,
  args: readonly string[] | undefined,
): Promise<readonly string[]> {
  const { file, dir } = placesOf(args);
  return [
    ...(file === undefined ? [] : [file]),
    ...(dir === undefined ? [] : [dir, ...(await dropIns(root, dir, deepest))]),
  ];
}

interface ConfigPlaces {
  readonly file: string | undefined;
  readonly dir: string | undefined;
}

function placesOf(args: readonly string[] | undefined): ConfigPlaces {
  const file = flag(args ?? [], 'config') ?? (args === undefined ? usualFile : undefined);
  return { file, dir: flag(args ?? [], 'config-dir') };
}

/** All `*.conf` below the directory, in lexical walk order. */
async function dropIns(root: HostRoot, dir: string, depth: number): Promise<readonly string[]> {
  const listed = await listDir(root, dir);
  if (!listed.ok || depth === 0) return [];
  const found: string[] = [];
  for (const { name, kind } of listed.value.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = posix.join(dir, name);
    if (kind === 'dir') found.push(...(await dropIns(root, path, depth - 1)));
    else if (name.endsWith('.conf')) found.push(path);
  }
  return found;
}

async function readLayer(root: HostRoot, path: string): Promise<unknown> {
  const text = await readText(root, path);
  if (!text.ok) return undefined;
  try {
    return parse(text.value) as unknown;
  } catch {
    return undefined;
  }
}
