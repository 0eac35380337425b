/**
 * containerd's mind about images: which files say it, which pull engine they choose, and where registries are sought
 * (pkg/cri/config/config.go and pkg/cri/server/image_pull.go in 1.x; internal/cri/config/config.go,
 * plugins/cri/images/plugin.go and core/transfer/registry/registry.go in 2.x; read at v1.6.20, v1.7.34, v2.1.9, v2.2.7, v2.3.4).
 * What follows for one image is the plan's to say.
 */
import { posix } from 'node:path';
import { atLeast } from '#runtime/containerd/versions.ts';
import type { SnapshotSettings } from '#kubelet/disk.ts';
import type { RuntimeLayout } from '#node/distribution.ts';
import type { Fault } from '#report/fault.ts';
import { bad, good, seen, type Outcome, type Seen } from '#report/outcome.ts';
import type { HostsDir, HostsRoot, RegistryConfig, RuntimeConfig, RuntimeVersion } from '#node/view.ts';
import { loadServerConfig, type ServerConfig, type ServerLoad } from './files.ts';
import { images, oldCri } from './migrate.ts';
import { decodeImages, type ImageSettings } from './image-settings.ts';
import { bareRecord } from '#data/bare-record.ts';
import { containerd } from '#node/distributions/known.ts';
import { generateFrom } from '#node/distributions/registries-yaml.ts';
import { readHostsRoot, readHostsText } from './hosts-dirs.ts';
import { readText, type HostRoot } from '#node/host-root.ts';
import { readLegacyTls } from './legacy-tls.ts';
import { cannotSee } from '#node/tls-files.ts';
import { asTable } from './toml.ts';

export interface ReadContainerd {
  readonly root: HostRoot;
  readonly version: RuntimeVersion;
  /** `--config` and `--root` that it is started with, where they could be read. */
  readonly args: { readonly config?: string; readonly root?: string };
  /** Absent: containerd's own places. */
  readonly layout?: RuntimeLayout;
  /** Whether a kubelet is on this machine that needs it; absent: yes. */
  readonly serves?: 'a kubelet' | 'no kubelet' | 'whoever asks';
  readonly warn: (fault: Fault) => void;
}

/** Where its configuration lies, and what is in the files that it reads once, when it starts. */
export interface ContainerdFiles {
  readonly path: string;
  readonly root: string | undefined;
  readonly load: ServerLoad;
}

export async function readContainerd(ask: ReadContainerd): Promise<Seen<RuntimeConfig>> {
  return interpretFiles(ask, await loadContainerd(ask));
}

export async function loadContainerd(ask: ReadContainerd): Promise<ContainerdFiles> {
  const layout = ask.layout ?? containerd;
  const path = ask.args.config ?? layout.config;
  // k3s, RKE2 and k0s start it with --root.
  const root = ask.args.root ?? (layout.passesOn === true ? layout.root : undefined);
  return { path, root, load: await loadServerConfig(ask.root, path, ask.version) };
}

/** The files whose change waits for a restart. */
export function filesOf({ load }: ContainerdFiles): readonly string[] {
  switch (load.is) {
    case 'none':
      return [];
    case 'loaded':
      return load.config.files;
    case 'refused':
    case 'unseen':
      return [load.file];
  }
}

/** What containerd makes of them with what it reads at every pull (certs.d, certificates) as it lies there now. */
export async function interpretFiles(
  ask: ReadContainerd,
  { path, root, load }: ContainerdFiles,
): Promise<Seen<RuntimeConfig>> {
  switch (load.is) {
    case 'unseen':
      return seen(path, bad(cannotSee(load.file, { ...load, is: 'unseen' })));
    case 'refused':
      return seen(path, bad({ code: 'runtime.misconfigured', file: load.file, why: load.why }));
    case 'none': {
      // `--config` with a missing file stops containerd; the default path may be missing.
      const layout = ask.layout ?? containerd;
      const why = `open ${path}: no such file or directory`;
      if (layout.generatedFrom !== undefined && path === layout.config) {
        return seen(layout.generatedFrom, await readGenerated(ask, { layout, path, from: layout.generatedFrom }));
      }
      if (ask.args.config !== undefined && path !== containerd.config) {
        return seen(path, bad({ code: 'runtime.misconfigured', file: path, why }));
      }
      if (path !== containerd.config) return seen(path, bad({ code: 'agent.cannot_see', what: path, why }));
      const config: ServerConfig = { version: 0, root: undefined, plugins: {}, disabledPlugins: [], files: [] };
      const read = await interpret(ask, { config, path, root });
      return seen(`containerd's defaults (there is no ${path})`, read);
    }
    case 'loaded':
      return seen(load.config.files.join(', '), await interpret(ask, { config: load.config, path, root }));
  }
}

interface Generated {
  readonly layout: RuntimeLayout;
  readonly path: string;
  /** registries.yaml */
  readonly from: string;
}

/** What k3s will write when it starts, where it has not been started yet. */
async function readGenerated(ask: ReadContainerd, { layout, path, from }: Generated): Promise<Outcome<RuntimeConfig>> {
  const certsDir = posix.join(posix.dirname(path), 'certs.d');
  const text = await readText(ask.root, from);
  if (!text.ok && text.unread.is === 'unseen') return bad(cannotSee(from, text.unread));
  const generated = generateFrom(text.ok ? text.value : '');
  if (!generated.ok) return bad({ code: 'runtime.misconfigured', file: from, why: generated.why });
  const section = { registry: { config_path: certsDir, configs: generated.configs } };
  const plugins = ask.version.major >= 2 ? { [images]: section } : { [oldCri]: section };
  const config: ServerConfig = { version: 2, root: undefined, plugins, disabledPlugins: [], files: [] };
  const read = await interpret(ask, { config, path, root: layout.root });
  if (!read.ok || read.value.registry.kind !== 'hosts_dirs') return read;
  const dirs: [string, HostsDir][] = [];
  for (const [name, hosts] of generated.hosts) {
    const dir = posix.join(certsDir, name);
    dirs.push([name, { path: dir, is: await readHostsText(ask, dir, hosts) }]);
  }
  const [first] = read.value.registry.roots;
  const roots = [{ path: certsDir, dirs: bareRecord([...Object.entries(first?.dirs ?? {}), ...dirs]) }];
  return good({ ...read.value, registry: { kind: 'hosts_dirs', roots } });
}

interface Loaded {
  readonly config: ServerConfig;
  readonly path: string;
  readonly root: string | undefined;
}

async function interpret(ask: ReadContainerd, loaded: Loaded): Promise<Outcome<RuntimeConfig>> {
  const { config, path } = loaded;
  const misconfigured = (why: string) => bad({ code: 'runtime.misconfigured', file: path, why });
  const disabled = disabledPlugin(config, ask.version);
  if (disabled !== undefined && ask.serves === 'no kubelet') return bad(noKubelet(path, disabled));
  if (disabled !== undefined && ask.serves !== 'whoever asks')
    return misconfigured(`the plugin ${disabled} is disabled`);
  const decoded = decodeImages(sectionOf(config, ask.version), ask.version);
  if (!decoded.ok) return misconfigured(decoded.why);
  const settings = decoded.value;
  for (const why of settings.warnings) ask.warn({ code: 'runtime.misconfigured', file: path, why });
  warnOfIgnoredSection(ask, config, path);
  const engine = engineFor(settings, ask.version);
  const configPath = effectiveConfigPath(settings, ask.version);
  if (configPath !== '' && settings.mirrors.size > 0) {
    return misconfigured('invalid plugin config: `mirrors` cannot be set when `config_path` is provided');
  }
  if (configPath !== '' && settings.tls.size > 0) {
    return misconfigured('invalid plugin config: `configs.tls` cannot be set when `config_path` is provided');
  }
  const registry = await readRegistry(ask, { settings, engine, configPath, path });
  if (!registry.ok) return registry;
  const root = loaded.root ?? config.root ?? (ask.layout ?? containerd).root;
  return good({
    engine,
    registry: registry.value,
    headers: settings.headers,
    auths: bareRecord(settings.auths),
    sandboxImage: settings.sandboxImage,
    root,
    snapshots: snapshotSettings(settings, { root, config, version: ask.version }),
    progressTimeoutMs: settings.progressTimeoutMs,
  });
}

/**
 * A snapshotter's own section may move its root (`root_path`); 1.x reports the usual place to the kubelet all the same
 * (pkg/cri/server/service.go imageFSPath).
 */
function snapshotSettings(
  { snapshotter, discardUnpackedLayers }: ImageSettings,
  at: { readonly root: string; readonly config: ServerConfig; readonly version: RuntimeVersion },
): SnapshotSettings {
  const { plugins, version } = at.config;
  const usual = posix.join(at.root, `io.containerd.snapshotter.v1.${snapshotter}`);
  const own = asTable(plugins[`io.containerd.snapshotter.v1.${snapshotter}`]);
  const short = version < 2 && at.version.major < 2 ? asTable(plugins[snapshotter]) : undefined;
  const moved = (own ?? short)?.['root_path'];
  const real = typeof moved === 'string' && moved !== '' ? moved : usual;
  return {
    snapshotter,
    root: real,
    reportedRoot: at.version.major < 2 ? usual : real,
    discardsLayers: discardUnpackedLayers,
  };
}

/** Version 1 files know plugins by their short names (1.x Decode). */
function sectionOf(config: ServerConfig, version: RuntimeVersion): unknown {
  if (version.major >= 2) return config.plugins[images];
  return config.plugins[config.version < 2 ? 'cri' : oldCri];
}

function noKubelet(path: string, disabled: string): Fault {
  return {
    code: 'agent.cannot_see',
    what: 'a kubelet on this machine',
    why: `there is none, and ${path} disables the plugin ${disabled}, through which a kubelet pulls`,
    how: "Name a runtime to rehearse as a plain node (--runtime containerd://2.1.9), ask the nodes of a cluster (--nodes), or read another node's files (--host-root).",
  };
}

/** Without the CRI plugin the kubelet has no runtime. Docker's packages ship a file that disables it. */
function disabledPlugin(config: ServerConfig, version: RuntimeVersion): string | undefined {
  const needed = version.major >= 2 ? [images, oldCri] : [config.version < 2 ? 'cri' : oldCri];
  return needed.find((name) => config.disabledPlugins.includes(name));
}

/** `version = 3` with the old plugin's path, and version 1 on 2.0–2.2: containerd says nothing and reads nothing. */
function warnOfIgnoredSection(ask: ReadContainerd, config: ServerConfig, path: string): void {
  if (ask.version.major < 2 || config.plugins[oldCri] === undefined || config.plugins[images] !== undefined) return;
  const why = `the section plugins.${JSON.stringify(oldCri)} is ignored by this version of containerd`;
  ask.warn({ code: 'runtime.misconfigured', file: path, why });
}

/** CheckLocalImagePullConfigs (2.1 and later): settings that only the local engine knows choose it. */
function engineFor(settings: ImageSettings, version: RuntimeVersion): 'local' | 'transfer' {
  if (!atLeast(version, 2, 1) || settings.useLocalImagePull) return 'local';
  const forcesLocal =
    !settings.disableSnapshotAnnotations ||
    settings.discardUnpackedLayers ||
    settings.mirrors.size > 0 ||
    settings.hasConfigs ||
    settings.maxConcurrentDownloads !== 3 ||
    settings.imagePullWithSyncFs;
  return forcesLocal ? 'local' : 'transfer';
}

const newDefault = '/etc/containerd/certs.d:/etc/docker/certs.d';

/** plugins/cri/images/plugin.go InitFn (2.2 and later, on Linux). */
function effectiveConfigPath(settings: ImageSettings, version: RuntimeVersion): string {
  if (settings.configPath !== '' || settings.mirrors.size > 0 || !atLeast(version, 2, 2)) return settings.configPath;
  return newDefault;
}

interface Choice {
  readonly settings: ImageSettings;
  readonly engine: 'local' | 'transfer';
  readonly configPath: string;
  readonly path: string;
}

/** registryHosts in image_pull.go for the local engine, NewOCIRegistry for the transfer service. */
async function readRegistry(ask: ReadContainerd, choice: Choice): Promise<Outcome<RegistryConfig>> {
  const { settings, engine, configPath } = choice;
  if (configPath === '' && engine === 'local') {
    const tls = await readLegacyTls(ask.root, settings.tls);
    const rewrites = settings.rewrites.size === 0 ? {} : { rewrites: bareRecord(settings.rewrites) };
    return good({ kind: 'legacy', mirrors: bareRecord(settings.mirrors), ...rewrites, tls: bareRecord(tls) });
  }
  const parts = configPath.split(':').filter((part) => part !== '');
  // The transfer service hands the whole text to HostDirFromRoot as one path (still so in v2.3.4).
  const paths = engine === 'local' ? parts : configPath === '' ? [] : [configPath];
  if (engine === 'transfer' && parts.length > 1) await warnOfOnePath(ask, choice, parts);
  const roots: HostsRoot[] = [];
  for (const path of paths) {
    const root = await readHostsRoot({ root: ask.root, version: ask.version, warn: ask.warn }, path);
    if (!root.ok) return root;
    roots.push(root.value);
  }
  return good({ kind: 'hosts_dirs', roots });
}

/** Silent in containerd, and the most surprising of its defaults, so it is said where a directory would have mattered. */
async function warnOfOnePath(ask: ReadContainerd, choice: Choice, parts: readonly string[]): Promise<void> {
  for (const part of parts) {
    const root = await readHostsRoot({ ...ask, warn: () => undefined }, part);
    if (!root.ok || Object.keys(root.value.dirs).length === 0) continue;
    const why = `the transfer service takes config_path ${JSON.stringify(choice.configPath)} as one path, so ${part} is not read`;
    ask.warn({ code: 'runtime.misconfigured', file: choice.path, why });
  }
}
