/**
 * The door of this room: everything that one node believes about pulling images, read from its files. It never throws: what
 * cannot be read is a fault in its place, a warning, or a doubt. The agent's own files and environment are not looked at.
 */
import { arch } from 'node:os';
import { engineOf } from '#pull/engine.ts';
import { bad, seen, type Seen } from '#pull/outcome.ts';
import type { NextStart } from '#pull/next-start.ts';
import type { Fault } from '#pull/fault.ts';
import type { Platform } from '#pull/platform.ts';
import type { Doubt, NodeView, RuntimeConfig, RuntimeVersion, SystemRoots } from '#pull/view.ts';
import { containerdAsStarted, rootsAsStarted, type AsStarted, type Started } from './as-started.ts';
import { AtStart } from './at-start.ts';
import { readDisks } from './disk.ts';
import { readText, type HostRoot } from './host-root.ts';
import { readKubelet, type FoundKubelet, type KubeletFacts } from './kubelet.ts';
import { findRunning, flag } from './processes.ts';
import { findProxy } from './proxy.ts';
import { readHostname, readResolver } from './resolv-conf.ts';
import { findRuntime } from './runtime.ts';
import { readRoots } from './trust.ts';

export interface ReadNode {
  /** Where the node's root directory is mounted: `/host`, or `/`. */
  readonly hostRoot: HostRoot;
  /** As in node.status.nodeInfo.containerRuntimeVersion: `containerd://2.1.9`. */
  readonly runtime?: string;
  readonly platform?: Platform;
  readonly nodeName?: string;
  readonly kubelet: KubeletFacts;
  readonly now: Date;
  /** What earlier readings remember of what the running programs have read; absent: nothing. */
  readonly atStart?: AtStart;
}

export async function readNode(ask: ReadNode): Promise<NodeView> {
  const root = ask.hostRoot;
  const warnings: Fault[] = [];
  const runtime = await findRuntime(root, ask.runtime);
  const { atStart = new AtStart() } = ask;
  const [containerd, kubelet] = [await findRunning(root, 'containerd'), await findRunning(root, 'kubelet')];
  const threeSchemes = !engineOf(runtime.version, 'local').proxiesOfAnyScheme;
  const proxy = await findProxy(root, containerd, threeSchemes);
  const config = await readRuntime(root, runtime.version, { running: containerd, atStart, warnings });
  const credentials = await readKubelet(root, ask.kubelet, { running: kubelet, atStart });
  const resolver = await readResolver(root, proxy.env);
  const found = await readRoots(root, proxy.env);
  const roots = await rootsAsStarted(root, found, { running: containerd, atStart });
  const platform = await findPlatform(root, ask.platform);
  const settings = config.now.ok ? config.now.value : undefined;
  const next = nextOf({ config, roots, credentials });
  const disks = await readDisks(root, { kubeletRoot: credentials.rootDir, runtime: settings });
  return {
    name: ask.nodeName ?? (await nodeName(root)),
    platform: platform.platform,
    kubelet: credentials.view,
    runtime: {
      version: runtime.version,
      config: config.now,
      proxy: proxy.rules,
      ...(proxy.next === undefined ? {} : { proxyNext: proxy.next }),
    },
    system: { resolver: resolver.resolver, roots: roots.now, disks },
    ...(next === undefined ? {} : { next }),
    warnings,
    doubts: [
      ...runtime.doubts,
      ...proxy.doubts,
      ...credentials.doubts,
      ...resolver.doubts,
      ...platform.doubts,
      ...config.doubts,
      ...roots.doubts,
      ...found.unread.map(unreadRoots),
    ],
  };
}

async function readRuntime(
  root: HostRoot,
  version: RuntimeVersion,
  { warnings, ...started }: Started & { readonly warnings: Fault[] },
): Promise<AsStarted<Seen<RuntimeConfig>>> {
  if (version.name !== 'containerd') {
    const why = `only containerd's configuration is understood, and this node runs ${version.name}`;
    const fault: Fault = { code: 'agent.cannot_see', what: version.name, why };
    return { now: seen<RuntimeConfig>(version.name, bad(fault)), pending: [], doubts: [] };
  }
  const args = started.running?.args ?? [];
  const config = flag(args, 'config', 'c');
  const dataRoot = flag(args, 'root');
  const ask = {
    root,
    version,
    args: { ...(config === undefined ? {} : { config }), ...(dataRoot === undefined ? {} : { root: dataRoot }) },
    warn: (fault: Fault) => warnings.push(fault),
  };
  return containerdAsStarted(ask, started);
}

function nextOf(parts: {
  readonly config: AsStarted<Seen<RuntimeConfig>>;
  readonly roots: AsStarted<SystemRoots>;
  readonly credentials: FoundKubelet;
}): NextStart | undefined {
  const { config, roots, credentials } = parts;
  const pending = [...config.pending, ...roots.pending, ...credentials.pending];
  if (pending.length === 0) return undefined;
  return {
    pending,
    ...(config.next === undefined ? {} : { config: config.next }),
    ...(roots.next === undefined ? {} : { roots: roots.next }),
    ...(credentials.nextProviders === undefined ? {} : { providers: credentials.nextProviders }),
  };
}

function unreadRoots(path: string): Doubt {
  return { is: 'approximate', about: 'roots', because: `${path} could not be read` };
}

/** Go's names for the architectures that Node knows by others. */
const goArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', mips: 'mips', ppc64: 'ppc64le' };

async function findPlatform(
  root: HostRoot,
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

async function nodeName(root: HostRoot): Promise<string> {
  const name = await readHostname(root);
  return name === '' ? 'this node' : name.toLowerCase();
}
