/**
 * The door of this room: everything that one node believes about pulling images, read from its files. It never throws: what
 * cannot be read is a fault in its place, a warning, or a doubt. The agent's own files and environment are not looked at.
 */
import { arch } from 'node:os';
import { bad, seen } from '#pull/outcome.ts';
import type { Fault } from '#pull/fault.ts';
import type { Platform } from '#pull/platform.ts';
import type { Doubt, NodeView, RuntimeVersion } from '#pull/view.ts';
import { readContainerd, type ContainerdView } from './containerd.ts';
import { readDisks } from './disk.ts';
import { readText } from './host-root.ts';
import { readKubelet, type KubeletFacts } from './kubelet.ts';
import { findRunning, flag, type Running } from './processes.ts';
import { findProxy, newerFile } from './proxy.ts';
import { readHostname, readResolver } from './resolv-conf.ts';
import { findRuntime } from './runtime.ts';
import { readRoots, type FoundRoots } from './trust.ts';

export interface ReadNode {
  /** Where the node's root directory is mounted: `/host`, or `/`. */
  readonly hostRoot: string;
  /** As in node.status.nodeInfo.containerRuntimeVersion: `containerd://2.1.9`. */
  readonly runtime?: string;
  readonly platform?: Platform;
  readonly nodeName?: string;
  readonly kubelet: KubeletFacts;
  readonly now: Date;
}

export async function readNode(ask: ReadNode): Promise<NodeView> {
  const root = ask.hostRoot;
  const warnings: Fault[] = [];
  const runtime = await findRuntime(root, ask.runtime);
  const [containerd, kubelet] = [await findRunning(root, 'containerd'), await findRunning(root, 'kubelet')];
  const proxy = await findProxy(root, containerd);
  const config = await readRuntime(root, runtime.version, { containerd, warnings });
  const credentials = await readKubelet(root, ask.kubelet, kubelet);
  const resolver = await readResolver(root, proxy.env);
  const roots = await readRoots(root, proxy.env);
  const platform = await findPlatform(root, ask.platform);
  const settings = config.config.ok ? config.config.value : undefined;
  const disks = await readDisks(root, { kubeletRoot: credentials.rootDir, runtime: settings });
  return {
    name: ask.nodeName ?? (await nodeName(root)),
    platform: platform.platform,
    kubelet: credentials.view,
    runtime: {
      version: runtime.version,
      config: config.config,
      proxy: proxy.rules,
      ...(proxy.next === undefined ? {} : { proxyNext: proxy.next }),
    },
    system: { resolver: resolver.resolver, roots: roots.roots, disks },
    warnings,
    doubts: [
      ...runtime.doubts,
      ...proxy.doubts,
      ...credentials.doubts,
      ...resolver.doubts,
      ...platform.doubts,
      ...(await restartDoubts(root, { containerd, config, roots })),
      ...roots.unread.map(unreadRoots),
    ],
  };
}

async function readRuntime(
  root: string,
  version: RuntimeVersion,
  { containerd, warnings }: { containerd: Running | undefined; warnings: Fault[] },
): Promise<ContainerdView> {
  if (version.name !== 'containerd') {
    const why = `only containerd's configuration is understood, and this node runs ${version.name}`;
    return { config: seen(version.name, bad({ code: 'agent.cannot_see', what: version.name, why })), files: [] };
  }
  const args = containerd?.args ?? [];
  const config = flag(args, 'config', 'c');
  const dataRoot = flag(args, 'root');
  return readContainerd({
    root,
    version,
    args: { ...(config === undefined ? {} : { config }), ...(dataRoot === undefined ? {} : { root: dataRoot }) },
    warn: (fault) => warnings.push(fault),
  });
}

/** What containerd read when it started, and has not read since. */
async function restartDoubts(
  root: string,
  { containerd, config, roots }: { containerd: Running | undefined; config: ContainerdView; roots: FoundRoots },
): Promise<readonly Doubt[]> {
  const doubts: Doubt[] = [];
  const because = (file: string): string => `${file} is newer than the running containerd`;
  const newerConfig = await newerFile(root, config.files, containerd?.startedMs);
  if (newerConfig !== undefined) doubts.push({ is: 'if_restarted', about: 'runtime', because: because(newerConfig) });
  const newerRoots = await newerFile(root, roots.files, containerd?.startedMs);
  if (newerRoots !== undefined) doubts.push({ is: 'if_restarted', about: 'roots', because: because(newerRoots) });
  return doubts;
}

function unreadRoots(path: string): Doubt {
  return { is: 'approximate', about: 'roots', because: `${path} could not be read` };
}

/** Go's names for the architectures that Node knows by others. */
const goArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', mips: 'mips', ppc64: 'ppc64le' };

async function findPlatform(
  root: string,
  given: Platform | undefined,
): Promise<{ readonly platform: Platform; readonly doubts: readonly Doubt[] }> {
  if (given !== undefined) return { platform: given, doubts: [] };
  const own = arch();
  const architecture = goArchitectures[own] ?? own;
  if (architecture !== 'arm') return { platform: { os: 'linux', architecture }, doubts: [] };
  // containerd's platforms package reads the variant of 32-bit ARM from here.
  const cpu = await readText(root, '/proc/cpuinfo');
  const written = cpu.ok ? /^CPU architecture\s*:\s*(\d)/im.exec(cpu.value)?.[1] : undefined;
  const variant = `v${written === undefined || Number(written) > 7 ? '7' : written}`;
  const because = '/proc/cpuinfo does not tell the variant; assumed v7';
  return {
    platform: { os: 'linux', architecture, variant },
    doubts: written === undefined ? [{ is: 'approximate', about: 'platform', because }] : [],
  };
}

async function nodeName(root: string): Promise<string> {
  const name = await readHostname(root);
  return name === '' ? 'this node' : name.toLowerCase();
}
