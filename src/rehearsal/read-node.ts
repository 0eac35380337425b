/**
 * Reads everything that decides image pulls on one node from the node's files. It never throws: what cannot be read is a fault in its place,
 * a warning, or a doubt. It does not read the agent's own files and environment.
 */
import { arch } from 'node:os';
import type { Seen } from '#report/outcome.ts';
import type { Fault } from '#report/fault.ts';
import type { Platform } from '#image/platform.ts';
import type { FoundDistribution } from '#node/distribution.ts';
import type { Concern, Doubt, NextStart, NodeView, RuntimeConfig, SystemRoots, Unseen } from '#node/view.ts';
import { rootsAsStarted, type AsStarted } from '#node/as-started.ts';
import { AtStart } from '#node/at-start.ts';
import { readDisks } from '#node/disk.ts';
import { kubelet as kubeletOfPackages } from '#node/distributions/known.ts';
import { recognise, type NodeInfo } from '#node/distributions/recognise.ts';
import { directoryOf, openRoot, readText, type HostRoot, type Unread } from '#node/host-root.ts';
import { readKubelet, type FoundKubelet, type KubeletFacts } from '#node/kubelet.ts';
import { kubeletLaunch, type Launch } from '#node/launch.ts';
import { findRunning, flag, type Running } from '#node/processes.ts';
import type { FoundProxy } from '#node/proxy.ts';
import { runtimeOf } from '#runtime/runtimes.ts';
import { readHostname, readResolver } from '#node/resolv-conf.ts';
import { findRuntime } from '#node/find-runtime.ts';
import { readRoots } from '#node/trust.ts';

export interface ReadNode {
  /** Where the node's root directory is mounted, or some of its directories: `/host`, or `/`. */
  readonly hostRoot: HostRoot;
  /** As in node.status.nodeInfo.containerRuntimeVersion: `containerd://2.1.9`. */
  readonly runtime?: string;
  readonly platform?: Platform;
  readonly nodeName?: string;
  readonly kubelet: KubeletFacts;
  /** What its Node object says of the system. */
  readonly info?: NodeInfo;
  readonly now: Date;
  /** What earlier reads remember of what the running programs have read; absent: nothing. */
  readonly atStart?: AtStart;
}

/** A root that is named: absolute, and a directory that is there. */
export async function hostRootAt(
  path: string,
): Promise<{ readonly ok: true; readonly hostRoot: string } | { readonly ok: false; readonly why: string }> {
  const opened = await openRoot(path);
  return opened.ok ? { ok: true, hostRoot: directoryOf(opened.value) } : { ok: false, why: opened.unread.why };
}

export async function readNode(options: ReadNode): Promise<NodeView> {
  const root = await rootOf(options.hostRoot);
  const warnings: Fault[] = [];
  const { atStart = new AtStart() } = options;
  const found = await recognise(root, options.info ?? {});
  const layout = found?.distribution.kubelet ?? kubeletOfPackages;
  const runs = { kubelet: await findFirst(root, layout.processes) };
  const kubeletStart = await kubeletLaunch(root, layout, runs.kubelet);
  const runtime = await findRuntime(root, {
    written: options.runtime,
    endpoint: flag(kubeletStart.args ?? [], 'container-runtime-endpoint'),
    distribution: found?.distribution,
  });
  // Only a Pod sees a part of a node.
  const hasKubelet =
    options.kubelet.runsHere === true || typeof root !== 'string' || runs.kubelet !== undefined || hasKubeletOf(found);
  const read = await runtimeOf(runtime.version.name).read({
    ...{ root, version: runtime.version, layout: runtime.layout, atStart },
    serves: hasKubelet ? 'a kubelet' : options.runtime === undefined ? 'no kubelet' : 'whoever asks',
    warn: (fault) => void warnings.push(fault),
  });
  const { proxy, config, start } = read;
  const credentials = await readKubelet(
    root,
    { facts: options.kubelet, layout, launch: kubeletStart },
    { running: runs.kubelet, atStart },
  );
  const resolver = await readResolver(root, proxy.env);
  const trusted = await readRoots(root, proxy.env);
  const roots = await rootsAsStarted(root, trusted, { running: read.running, atStart });
  const platform = await findPlatform(root, options.platform);
  const settings = config.now.ok ? config.now.value : undefined;
  const next = nextOf({ config, roots, credentials });
  const disks = await readDisks(root, { kubeletRoot: credentials.rootDir, runtime: settings });
  const unseen = [
    ...unseenProxy(proxy, { start, found, hasKubelet }),
    ...unseenFlags(start),
    ...resolver.unseen,
    ...trusted.hidden.map((unread) => unseenAs('roots', "the node's certificate authorities", unread)),
  ];
  return {
    name: options.nodeName ?? (await nodeName(root)),
    platform: platform.platform,
    kubelet: credentials.view,
    runtime: {
      version: runtime.version,
      config: config.now,
      proxy: proxy.rules,
      ...(proxy.next === undefined ? {} : { proxyNext: proxy.next }),
      ...(read.own === undefined ? {} : { own: read.own }),
    },
    system: { resolver: resolver.resolver, roots: roots.now, disks },
    ...(next === undefined ? {} : { next }),
    warnings: [...warnings, ...ignoredLines(proxy, kubeletStart)],
    doubts: [
      ...runtime.doubts,
      ...noKubeletDoubts(found, hasKubelet),
      ...read.doubts,
      ...proxy.doubts,
      ...credentials.doubts,
      ...resolver.doubts,
      ...platform.doubts,
      ...config.doubts,
      ...roots.doubts,
      ...trusted.unread.map(unreadRoots),
    ],
    ...(found === undefined ? {} : { distribution: found }),
    launches: { runtime: start.source, kubelet: kubeletStart.source },
    ...(unseen.length === 0 ? {} : { unseen }),
  };
}

/** A root that cannot be opened holds nothing; who names one is told so before (see `openRoot`). */
async function rootOf(given: HostRoot): Promise<HostRoot> {
  if (typeof given !== 'string') return given;
  const opened = await openRoot(given);
  return opened.ok ? opened.value : given;
}

async function findFirst(root: HostRoot, names: readonly string[]): Promise<Running | undefined> {
  for (const name of names) {
    const found = await findRunning(root, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function hasKubeletOf(found: FoundDistribution | undefined): boolean {
  return found !== undefined && found.distribution.name !== 'docker';
}

function noKubeletDoubts(found: FoundDistribution | undefined, hasKubelet: boolean): readonly Doubt[] {
  if (hasKubelet || found === undefined) return [];
  const because = 'there is no kubelet on this machine: rehearsed as a plain node with this runtime would pull';
  return [{ is: 'approximate', about: 'runtime', because }];
}

function unseenAs(about: Concern, what: string, { why, how }: Unread): Unseen {
  return { about, what, why, ...(how === undefined ? {} : { how }) };
}

/** Where the process is not seen, its proxies are what its unit's files say, and all of them have to be there. */
function unseenProxy(
  proxy: FoundProxy,
  at: { readonly start: Launch; readonly found: FoundDistribution | undefined; readonly hasKubelet: boolean },
): readonly Unseen[] {
  const what = "the runtime's proxy variables";
  if (!proxy.isPlanned) return [];
  if (proxy.unseen.length > 0) return proxy.unseen.slice(0, 1).map(({ unread }) => unseenAs('proxy', what, unread));
  if (at.start.unit !== undefined || at.found === undefined || !at.hasKubelet) return [];
  const why = `neither its process nor its unit was found`;
  const how = 'Add the component host-proc: it shows the environment that the program runs with.';
  return [{ about: 'proxy', what, why, how }];
}

function unseenFlags({ args = [], unseen }: Launch): readonly Unseen[] {
  const [first] = unseen;
  if (first === undefined || flag(args, 'config', 'c') !== undefined) return [];
  return [unseenAs('runtime', "the runtime's flags", first.unread)];
}

/** Each once: both programs may have the manager's environment. */
function ignoredLines(proxy: FoundProxy, { unit }: Launch): readonly Fault[] {
  const lines = [...proxy.ignored, ...(unit?.ignored ?? [])];
  const once = new Map(lines.map((line) => [JSON.stringify([line.file, line.line, line.what]), line]));
  return [...once.values()].map((line) => ({ code: 'unit.line_ignored', ...line }));
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

/** Go's names for architectures that Node.js names differently. */
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
  const because = '/proc/cpuinfo does not name the variant; assumed v7';
  return {
    platform: { os: 'linux', architecture, variant },
    doubts: written === undefined ? [{ is: 'approximate', about: 'platform', because }] : [],
  };
}

async function nodeName(root: HostRoot): Promise<string> {
  const name = await readHostname(root);
  return name === '' ? 'this node' : name.toLowerCase();
}
