/**
 * containerd's image settings: which files set them, which pull engine they choose, and where the hosts of registries are configured. The plan
 * decides what follows for one image.
 *
 * Imitates pkg/cri/config/config.go and pkg/cri/server/image_pull.go in 1.x; internal/cri/config/config.go, plugins/cri/images/plugin.go and
 * core/transfer/registry/registry.go in 2.x (v1.6.20, v1.7.34, v2.1.9, v2.2.7, v2.3.4).
 */
import { posix } from 'node:path';
import { configRulesOf, type ConfigRules } from '../versions.ts';
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

/** The place of its configuration, and the content of the files that it reads once, at its start. */
export interface ContainerdFiles {
  readonly path: string;
  readonly root: string | undefined;
  readonly load: ServerLoad;
}

export async function loadContainerd(options: ReadContainerd): Promise<ContainerdFiles> {
  const layout = options.layout ?? containerd;
  const path = options.args.config ?? layout.config;
  // k3s, RKE2 and k0s start it with --root.
  const root = options.args.root ?? (layout.passesOn === true ? layout.root : undefined);
  return { path, root, load: await loadServerConfig(options.root, path, options.version) };
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

/** The settings that the files give, with what containerd reads at every pull (certs.d, certificates) as it is now. */
export async function interpretFiles(
  options: ReadContainerd,
  { path, root, load }: ContainerdFiles,
): Promise<Seen<RuntimeConfig>> {
  switch (load.is) {
    case 'unseen':
      return seen(path, bad(cannotSee(load.file, { ...load, is: 'unseen' })));
    case 'refused':
      return seen(path, bad({ code: 'runtime.misconfigured', file: load.file, why: load.why }));
    case 'none': {
      // `--config` with a missing file stops containerd; the default path may be missing.
      const layout = options.layout ?? containerd;
      const why = `open ${path}: no such file or directory`;
      if (layout.generatedFrom !== undefined && path === layout.config) {
        return seen(layout.generatedFrom, await readGenerated(options, { layout, path, from: layout.generatedFrom }));
      }
      if (options.args.config !== undefined && path !== containerd.config) {
        return seen(path, bad({ code: 'runtime.misconfigured', file: path, why }));
      }
      if (path !== containerd.config) return seen(path, bad({ code: 'agent.cannot_see', what: path, why }));
      const config: ServerConfig = { version: 0, root: undefined, plugins: {}, disabledPlugins: [], files: [] };
      const read = await interpret(options, { config, path, root });
      return seen(`containerd's defaults (there is no ${path})`, read);
    }
    case 'loaded':
      return seen(load.config.files.join(', '), await interpret(options, { config: load.config, path, root }));
  }
}

interface Generated {
  readonly layout: RuntimeLayout;
  readonly path: string;
  /** registries.yaml */
  readonly from: string;
}

/** What k3s will write when it starts, where it has not been started yet. */
async function readGenerated(
  options: ReadContainerd,
  { layout, path, from }: Generated,
): Promise<Outcome<RuntimeConfig>> {
  const certsDir = posix.join(posix.dirname(path), 'certs.d');
  const text = await readText(options.root, from);
  if (!text.ok && text.unread.is === 'unseen') return bad(cannotSee(from, text.unread));
  const generated = generateFrom(text.ok ? text.value : '');
  if (!generated.ok) return bad({ code: 'runtime.misconfigured', file: from, why: generated.why });
  const section = { registry: { config_path: certsDir, configs: generated.configs } };
  const plugins = options.version.major >= 2 ? { [images]: section } : { [oldCri]: section };
  const config: ServerConfig = { version: 2, root: undefined, plugins, disabledPlugins: [], files: [] };
  const read = await interpret(options, { config, path, root: layout.root });
  if (!read.ok || read.value.registry.kind !== 'hosts_dirs') return read;
  const dirs: [string, HostsDir][] = [];
  for (const [name, hosts] of generated.hosts) {
    const dir = posix.join(certsDir, name);
    dirs.push([name, { path: dir, is: await readHostsText(options, dir, hosts) }]);
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

async function interpret(options: ReadContainerd, loaded: Loaded): Promise<Outcome<RuntimeConfig>> {
  const { config, path } = loaded;
  const misconfigured = (why: string) => bad({ code: 'runtime.misconfigured', file: path, why });
  const rules = configRulesOf(options.version);
  const disabled = disabledPlugin(config, rules);
  if (disabled !== undefined && options.serves === 'no kubelet') return bad(noKubelet(path, disabled));
  if (disabled !== undefined && options.serves !== 'whoever asks')
    return misconfigured(`the plugin ${disabled} is disabled`);
  const decoded = decodeImages(sectionOf(config, rules), options.version);
  if (!decoded.ok) return misconfigured(decoded.why);
  const settings = decoded.value;
  for (const why of settings.warnings) options.warn({ code: 'runtime.misconfigured', file: path, why });
  if (rules.hasImagesPlugin) warnOfIgnoredSection(options, config, path);
  const engine = engineFor(settings, rules);
  const configPath = effectiveConfigPath(settings, rules);
  if (configPath !== '' && settings.mirrors.size > 0) {
    return misconfigured('invalid plugin config: `mirrors` cannot be set when `config_path` is provided');
  }
  if (configPath !== '' && settings.tls.size > 0) {
    return misconfigured('invalid plugin config: `configs.tls` cannot be set when `config_path` is provided');
  }
  const registry = await readRegistry(options, { settings, engine, configPath, path });
  if (!registry.ok) return registry;
  const root = loaded.root ?? config.root ?? (options.layout ?? containerd).root;
  return good({
    engine,
    registry: registry.value,
    headers: settings.headers,
    auths: bareRecord(settings.auths),
    sandboxImage: settings.sandboxImage,
    root,
    snapshots: snapshotSettings(settings, { root, config, rules }),
    progressTimeoutMs: settings.progressTimeoutMs,
  });
}

/**
 * A snapshotter's own section may move its root (`root_path`); 1.x reports the usual place to the kubelet all the same
 * (pkg/cri/server/service.go imageFSPath).
 */
function snapshotSettings(
  { snapshotter, discardUnpackedLayers }: ImageSettings,
  at: { readonly root: string; readonly config: ServerConfig; readonly rules: ConfigRules },
): SnapshotSettings {
  const { plugins, version } = at.config;
  const usual = posix.join(at.root, `io.containerd.snapshotter.v1.${snapshotter}`);
  const own = asTable(plugins[`io.containerd.snapshotter.v1.${snapshotter}`]);
  const short = version < 2 && !at.rules.hasImagesPlugin ? asTable(plugins[snapshotter]) : undefined;
  const moved = (own ?? short)?.['root_path'];
  const real = typeof moved === 'string' && moved !== '' ? moved : usual;
  return {
    snapshotter,
    root: real,
    reportedRoot: at.rules.hasImagesPlugin ? real : usual,
    discardsLayers: discardUnpackedLayers,
  };
}

/** Version 1 files know plugins by their short names (1.x Decode). */
function sectionOf(config: ServerConfig, { hasImagesPlugin }: ConfigRules): unknown {
  if (hasImagesPlugin) return config.plugins[images];
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
function disabledPlugin(config: ServerConfig, { hasImagesPlugin }: ConfigRules): string | undefined {
  const needed = hasImagesPlugin ? [images, oldCri] : [config.version < 2 ? 'cri' : oldCri];
  return needed.find((name) => config.disabledPlugins.includes(name));
}

/** `version = 3` with the old plugin's path, and version 1 on 2.0–2.2: containerd ignores the section without a warning. */
function warnOfIgnoredSection(options: ReadContainerd, config: ServerConfig, path: string): void {
  if (config.plugins[oldCri] === undefined || config.plugins[images] !== undefined) return;
  const why = `the section plugins.${JSON.stringify(oldCri)} is ignored by this version of containerd`;
  options.warn({ code: 'runtime.misconfigured', file: path, why });
}

/** CheckLocalImagePullConfigs: settings that only the local engine knows choose it. */
function engineFor(settings: ImageSettings, { hasTransferService }: ConfigRules): 'local' | 'transfer' {
  if (!hasTransferService || settings.useLocalImagePull) return 'local';
  const forcesLocal =
    !settings.disableSnapshotAnnotations ||
    settings.discardUnpackedLayers ||
    settings.mirrors.size > 0 ||
    settings.hasConfigs ||
    settings.maxConcurrentDownloads !== 3 ||
    settings.imagePullWithSyncFs;
  return forcesLocal ? 'local' : 'transfer';
}

function effectiveConfigPath({ configPath, mirrors }: ImageSettings, { defaultConfigPath }: ConfigRules): string {
  return configPath === '' && mirrors.size === 0 ? defaultConfigPath : configPath;
}

interface Choice {
  readonly settings: ImageSettings;
  readonly engine: 'local' | 'transfer';
  readonly configPath: string;
  readonly path: string;
}

/** registryHosts in image_pull.go for the local engine, NewOCIRegistry for the transfer service. */
async function readRegistry(options: ReadContainerd, choice: Choice): Promise<Outcome<RegistryConfig>> {
  const { settings, engine, configPath } = choice;
  if (configPath === '' && engine === 'local') {
    const tls = await readLegacyTls(options.root, settings.tls);
    const rewrites = settings.rewrites.size === 0 ? {} : { rewrites: bareRecord(settings.rewrites) };
    return good({ kind: 'legacy', mirrors: bareRecord(settings.mirrors), ...rewrites, tls: bareRecord(tls) });
  }
  const parts = configPath.split(':').filter((part) => part !== '');
  // The transfer service passes the whole text to HostDirFromRoot as one path (v2.3.4 included).
  const paths = engine === 'local' ? parts : configPath === '' ? [] : [configPath];
  if (engine === 'transfer' && parts.length > 1) await warnOfOnePath(options, choice, parts);
  const roots: HostsRoot[] = [];
  for (const path of paths) {
    const root = await readHostsRoot({ root: options.root, version: options.version, warn: options.warn }, path);
    if (!root.ok) return root;
    roots.push(root.value);
  }
  return good({ kind: 'hosts_dirs', roots });
}

/** containerd does not warn of this default, which surprises most users: the agent warns where a directory would have mattered. */
async function warnOfOnePath(options: ReadContainerd, choice: Choice, parts: readonly string[]): Promise<void> {
  for (const part of parts) {
    const root = await readHostsRoot({ ...options, warn: () => undefined }, part);
    if (!root.ok || Object.keys(root.value.dirs).length === 0) continue;
    const why = `the transfer service takes config_path ${JSON.stringify(choice.configPath)} as one path, so ${part} is not read`;
    options.warn({ code: 'runtime.misconfigured', file: choice.path, why });
  }
}
