/**
 * containerd's configuration files, loaded, merged and migrated into one table of plugins, whatever the plugins' settings mean.
 *
 * Imitates services/server/config/config.go in 1.x and cmd/containerd/server/config/config.go in 2.x (v1.6.20, v1.7.34, v2.0.11, v2.1.9,
 * v2.2.7, v2.3.4).
 */
import { posix } from 'node:path';
import { configRulesOf, type ConfigRules } from '../versions.ts';
import type { RuntimeVersion } from '#node/view.ts';
import { migratePlugins, migratePluginNames } from './migrate.ts';
import { glob } from '#node/glob.ts';
import { listDir, readText, type Unread, type HostRoot } from '#node/host-root.ts';
import { asTable, field, parseToml, type TomlTable } from './toml.ts';

export interface ServerConfig {
  readonly version: number;
  readonly root: string | undefined;
  readonly plugins: TomlTable;
  readonly disabledPlugins: readonly string[];
  /** Every file that was read. */
  readonly files: readonly string[];
}
export type ServerLoad =
  | { readonly is: 'loaded'; readonly config: ServerConfig }
  /** There is no file: containerd starts with its defaults. */
  | { readonly is: 'none' }
  /** containerd would not start. */
  | { readonly is: 'refused'; readonly file: string; readonly why: string }
  /** The agent may not read what containerd may. */
  | { readonly is: 'unseen'; readonly file: string; readonly why: string; readonly how?: string };

interface OneFile {
  readonly version: number;
  readonly root: string;
  readonly plugins: TomlTable;
  readonly disabledPlugins: readonly string[];
  readonly requiredPlugins: readonly string[];
  readonly imports: readonly string[];
}
type Merged = Omit<OneFile, 'imports'>;
type Step<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

/** containerd has no such bound; more files are taken for a mistake. */
const maxFiles = 1000;

/** Breadth first, each file once, later files over earlier ones (LoadConfig). */
export async function loadServerConfig(root: HostRoot, path: string, version: RuntimeVersion): Promise<ServerLoad> {
  const rules = configRulesOf(version);
  let merged: Merged = {
    version: rules.startVersion,
    root: '',
    plugins: {},
    disabledPlugins: [],
    requiredPlugins: [],
  };
  let rootVersion = 0;
  const loaded = new Set<string>();
  const pending = [path];
  for (let file = pending.shift(); file !== undefined; file = pending.shift()) {
    if (loaded.has(file)) continue;
    if (loaded.size >= maxFiles) return { is: 'unseen', file, why: `more than ${maxFiles} configuration files` };
    const text = await readText(root, file);
    if (!text.ok) return file === path && text.unread.is === 'absent' ? { is: 'none' } : unreadFile(file, text.unread);
    const decoded = decodeFile(text.value, rules);
    if (!decoded.ok) return { is: 'refused', file, why: decoded.why };
    if (rootVersion === 0) rootVersion = decoded.value.version;
    if (rules.refusesHigherDropIns && decoded.value.version > rootVersion) {
      const why = `drop-in config version ${decoded.value.version} higher than root config version ${rootVersion}`;
      return { is: 'refused', file, why };
    }
    merged = merge(merged, migrateFile(decoded.value, rules), rules);
    const imports = await resolveImports(root, file, decoded.value.imports);
    if (imports === undefined) return { is: 'refused', file, why: 'syntax error in pattern of an import' };
    if ('unread' in imports) return unreadFile(imports.file, imports.unread);
    loaded.add(file);
    pending.push(...imports.files);
  }
  const why = whyInvalid(merged, rules);
  if (why !== undefined) return { is: 'refused', file: path, why: `failed to load TOML from ${path}: ${why}` };
  return { is: 'loaded', config: finish(merged, rules, [...loaded]) };
}

function unreadFile(file: string, unread: Unread): ServerLoad {
  if (unread.is !== 'unseen') return { is: 'refused', file, why: unread.why };
  return { is: 'unseen', file, why: unread.why, ...(unread.how === undefined ? {} : { how: unread.how }) };
}

function decodeFile(text: string, { goToml }: ConfigRules): Step<OneFile> {
  const parsed = parseToml(text, goToml);
  if (!parsed.ok) return { ok: false, why: `failed to unmarshal TOML: ${parsed.why}` };
  const get = (name: string): unknown => field(parsed.table, name, goToml);
  const plugins = get('plugins');
  const table = plugins === undefined ? {} : asTable(plugins);
  const written = get('version');
  const root = get('root');
  const disabled = strings(get('disabled_plugins'));
  const required = strings(get('required_plugins'));
  const imports = strings(get('imports'));
  if (table === undefined) return wrongType('plugins');
  if (written !== undefined && (typeof written !== 'number' || !Number.isInteger(written))) return wrongType('version');
  if (root !== undefined && typeof root !== 'string') return wrongType('root');
  if (disabled === undefined) return wrongType('disabled_plugins');
  if (required === undefined) return wrongType('required_plugins');
  if (imports === undefined) return wrongType('imports');
  return {
    ok: true,
    value: {
      version: written ?? 0,
      root: root ?? '',
      plugins: table,
      disabledPlugins: disabled,
      requiredPlugins: required,
      imports,
    },
  };
}

function strings(value: unknown): readonly string[] | undefined {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return undefined;
  const texts = value.filter((item: unknown) => typeof item === 'string');
  return texts.length === value.length ? texts : undefined;
}

function wrongType(name: string): { readonly ok: false; readonly why: string } {
  return { ok: false, why: `failed to unmarshal TOML: ${name} has the wrong type` };
}

/**
 * 2.0–2.2 raise files of version 0 and 1 to the built-in version before the merge, by renaming plugins alone: the plugins' own migrations then
 * do not run, and their old sections are ignored. 2.3 migrates each file fully.
 */
function migrateFile(file: OneFile, { migration, configVersion: target }: ConfigRules): OneFile {
  if (migration === 'none' || file.version >= target) return file;
  if (migration === 'after_merge') {
    if (file.version > 1) return file;
    return { ...file, ...renamed(file), version: target };
  }
  const named = file.version <= 1 ? { ...file, ...renamed(file) } : file;
  return { ...named, plugins: migratePlugins(named.plugins), version: target };
}

function renamed(file: OneFile): Pick<OneFile, 'plugins' | 'disabledPlugins' | 'requiredPlugins'> {
  return {
    plugins: Object.fromEntries(Object.entries(file.plugins).map(([name, value]) => [migratePluginNames(name), value])),
    disabledPlugins: file.disabledPlugins.map(migratePluginNames),
    requiredPlugins: file.requiredPlugins.map(migratePluginNames),
  };
}

/** mergeConfig. 1.x replaces a plugin's section whole; 2.x merges tables key by key, and lists inside them are replaced. */
function merge(to: Merged, from: OneFile, { mergesKeys }: ConfigRules): Merged {
  return {
    version: from.version === 0 ? to.version : from.version,
    root: from.root === '' ? to.root : from.root,
    plugins: mergesKeys ? deepMerge(to.plugins, from.plugins) : { ...to.plugins, ...from.plugins },
    disabledPlugins: [...to.disabledPlugins, ...from.disabledPlugins],
    requiredPlugins: [...to.requiredPlugins, ...from.requiredPlugins],
  };
}

function deepMerge(to: TomlTable, from: TomlTable): TomlTable {
  const merged = new Map(Object.entries(to));
  for (const [key, value] of Object.entries(from)) {
    const above = asTable(merged.get(key));
    const below = asTable(value);
    merged.set(key, above === undefined || below === undefined ? value : deepMerge(above, below));
  }
  return Object.fromEntries(merged);
}

type Imports = { readonly files: readonly string[] } | { readonly file: string; readonly unread: Unread };

/** Patterns with `*` are expanded and may match nothing; any other path must exist. */
async function resolveImports(
  root: HostRoot,
  parent: string,
  imports: readonly string[],
): Promise<Imports | undefined> {
  const out: string[] = [];
  for (const written of imports) {
    // filepath.Clean makes "." of nothing: the directory itself, which cannot be read as a file.
    const path = posix.isAbsolute(written)
      ? posix.normalize(written)
      : posix.join(posix.dirname(parent), written === '' ? '.' : written);
    if (!path.includes('*')) {
      out.push(path);
      continue;
    }
    const dir = path.slice(0, path.lastIndexOf('/', path.indexOf('*'))) || '/';
    const listed = await listDir(root, dir);
    if (!listed.ok && listed.unread.is === 'unseen') return { file: dir, unread: listed.unread };
    const matches = await glob(root, path);
    if (matches === undefined) return undefined;
    out.push(...matches);
  }
  return { files: out };
}

/** ValidateV2 in 1.x, ValidateVersion in 2.x. */
function whyInvalid(config: Merged, rules: ConfigRules): string | undefined {
  if (rules.migration !== 'none') {
    const highest = rules.configVersion;
    if (config.version > highest) {
      return `expected containerd config version equal to or less than \`${highest}\`, got \`${config.version}\``;
    }
    const short = [...config.disabledPlugins, ...config.requiredPlugins].find((name) => !name.includes('.'));
    return short === undefined ? undefined : `invalid plugin URI ${JSON.stringify(short)} expect io.containerd.x.vx`;
  }
  if (config.version < 2) return undefined;
  if (config.version > 2 && rules.refusesNewer) return `unsupported config version \`${config.version}\``;
  const names = [...config.disabledPlugins, ...config.requiredPlugins, ...Object.keys(config.plugins)];
  const wrong = names.find(
    (name) => name.split('.').length < 4 || (rules.isStrict && !name.startsWith('io.containerd.')),
  );
  return wrong === undefined ? undefined : `invalid plugin URI ${JSON.stringify(wrong)} expect io.containerd.x.vx`;
}

/** server.New of 2.0–2.2: plugin migrations run once over the merged table, when its version is behind. */
function finish(merged: Merged, rules: ConfigRules, files: readonly string[]): ServerConfig {
  const runs = rules.migration === 'after_merge' && merged.version < rules.configVersion;
  const plugins = runs ? migratePlugins(merged.plugins) : merged.plugins;
  return {
    version: merged.version,
    root: merged.root === '' ? undefined : merged.root,
    plugins,
    disabledPlugins: merged.disabledPlugins,
    files,
  };
}
