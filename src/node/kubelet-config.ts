/** The kubelet's configuration on disk: the file that `--config` names, the drop-ins of `--config-dir`, and its flags. */
import { posix } from 'node:path';
import { parse } from 'yaml';
import type { KubeletLayout } from './distribution.ts';
import { bad, good, seen, type Seen } from '#report/outcome.ts';
import { flagLayer, kubeletConfigOf, type KubeletConfig } from '#kubelet/config.ts';
import { listDir, readText, type HostRoot } from './host-root.ts';
import { flag } from './processes.ts';
import { cannotSee } from './tls-files.ts';

/** Where kubeadm puts it. */
const usualFile = '/var/lib/kubelet/config.yaml';
const deepest = 8;

/** The kubelet's command line, where it is known, and where its distribution puts the file. */
export interface KubeletStart {
  readonly args: readonly string[] | undefined;
  readonly layout: Pick<KubeletLayout, 'config' | 'configDir'>;
}

export async function readKubeletConfig(root: HostRoot, start: KubeletStart): Promise<Seen<KubeletConfig>> {
  const { args } = start;
  const { file, dir } = placesOf(start);
  const layers: unknown[] = [];
  if (file !== undefined) {
    const text = await readText(root, file);
    const layer = text.ok ? decode(text.value) : undefined;
    if (layer === undefined) {
      const what = "the kubelet's configuration";
      const fault = text.ok ? undefined : cannotSee(what, text.unread);
      return seen(file, bad(fault ?? { code: 'agent.cannot_see', what, why: `${file} cannot be read` }));
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
export async function kubeletConfigFiles(root: HostRoot, start: KubeletStart): Promise<readonly string[]> {
  const { file, dir } = placesOf(start);
  return [
    ...(file === undefined ? [] : [file]),
    ...(dir === undefined ? [] : [dir, ...(await dropIns(root, dir, deepest))]),
  ];
}

interface ConfigPlaces {
  readonly file: string | undefined;
  readonly dir: string | undefined;
}

function placesOf({ args, layout }: KubeletStart): ConfigPlaces {
  if (args === undefined) return { file: layout.config ?? usualFile, dir: layout.configDir };
  return { file: flag(args, 'config'), dir: flag(args, 'config-dir') };
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
  return text.ok ? decode(text.value) : undefined;
}

function decode(text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    return undefined;
  }
}
