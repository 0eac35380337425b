/**
 * The image settings of containerd's CRI plugin: its table decoded with the types that Go's struct has, and the defaults of
 * each version. A value of a wrong type keeps the plugin from loading. The consequences of the settings are decided elsewhere.
 */
import { configRulesOf, type ConfigRules } from '../versions.ts';
import { goDurationMs } from '#go/duration.ts';
import { parseGoUrl } from '#go/url.ts';
import { Secret } from '#report/secret.ts';
import type { Header, Rewrite, RuntimeVersion, StaticAuth } from '#node/view.ts';
import { asTable, field, type TomlTable } from './toml.ts';

export interface LegacyTls {
  readonly skipVerify: boolean;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface ImageSettings {
  readonly configPath: string;
  readonly mirrors: ReadonlyMap<string, readonly string[]>;
  /** `registry.mirrors.<host>.rewrite` of k3s's fork. */
  readonly rewrites: ReadonlyMap<string, readonly Rewrite[]>;
  readonly tls: ReadonlyMap<string, LegacyTls>;
  readonly auths: ReadonlyMap<string, StaticAuth>;
  /** Whether `registry.configs` or `registry.auths` holds anything. */
  readonly hasConfigs: boolean;
  readonly headers: readonly Header[];
  readonly sandboxImage: string;
  readonly maxConcurrentDownloads: number;
  readonly disableSnapshotAnnotations: boolean;
  readonly discardUnpackedLayers: boolean;
  readonly imagePullWithSyncFs: boolean;
  readonly useLocalImagePull: boolean;
  readonly snapshotter: string;
  readonly progressTimeoutMs: number;
  /** Texts about settings that fail only when they are used. */
  readonly warnings: readonly string[];
}
export type Decoded =
  { readonly ok: true; readonly value: ImageSettings } | { readonly ok: false; readonly why: string };

class Refusal extends Error {}

export function decodeImages(section: unknown, version: RuntimeVersion): Decoded {
  const rules = configRulesOf(version);
  try {
    return { ok: true, value: decode(new Section(section, '', rules.goToml), rules) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, why: `invalid plugin config: ${error.message}` };
    throw error;
  }
}

function decode(section: Section, rules: ConfigRules): ImageSettings {
  const isNew = rules.hasImagesPlugin;
  const registry = section.table('registry');
  const configs = registry.tables('configs');
  const legacyAuths = registry.tables('auths');
  // In 1.x these three are in the table `containerd`.
  const layers = isNew ? section : section.table('containerd');
  const warnings: string[] = [];
  return {
    configPath: registry.text('config_path'),
    mirrors: new Map(registry.tables('mirrors').map(([host, mirror]) => [host, mirror.texts('endpoint')])),
    rewrites: new Map(
      registry.tables('mirrors').flatMap(([host, mirror]) => {
        const rewrites = mirror.pairs('rewrite');
        return rewrites.length === 0 ? [] : [[host, rewrites] as const];
      }),
    ),
    tls: new Map(isNew ? [] : configs.flatMap(([host, config]) => readTls(host, config))),
    auths: readAuths(configs, legacyAuths, warnings),
    hasConfigs: configs.length > 0 || legacyAuths.length > 0,
    headers: registry.lists('headers').flatMap(([name, values]) => values.map((value): Header => [name, value])),
    sandboxImage: isNew
      ? section.table('pinned_images').text('sandbox', rules.sandboxImage)
      : section.text('sandbox_image', rules.sandboxImage),
    maxConcurrentDownloads: section.whole('max_concurrent_downloads', 3),
    disableSnapshotAnnotations: layers.flag('disable_snapshot_annotations', true),
    discardUnpackedLayers: layers.flag('discard_unpacked_layers', false),
    imagePullWithSyncFs: section.flag('image_pull_with_sync_fs', false),
    useLocalImagePull: section.flag('use_local_image_pull', false),
    snapshotter: layers.text('snapshotter', 'overlayfs'),
    progressTimeoutMs: progressTimeout(section, rules),
    warnings,
  };
}

/** 0: containerd waits for ever. */
function progressTimeout(section: Section, { progressTimeoutMs }: ConfigRules): number {
  if (progressTimeoutMs === undefined) return 0;
  const text = section.text('image_pull_progress_timeout');
  const written = text === '' ? undefined : goDurationMs(text);
  if (text !== '' && written === undefined) throw new Refusal('invalid image pull progress timeout');
  return written ?? progressTimeoutMs;
}

function readTls(host: string, config: Section): readonly [string, LegacyTls][] {
  if (!config.has('tls')) return [];
  const tls = config.table('tls');
  const skipVerify = tls.flag('insecure_skip_verify', false);
  return [[host, { skipVerify, ca: tls.text('ca_file'), cert: tls.text('cert_file'), key: tls.text('key_file') }]];
}

/** ValidateImageConfig: `auths` replace `configs`; an address loses its scheme and path. */
function readAuths(
  configs: readonly (readonly [string, Section])[],
  legacy: readonly (readonly [string, Section])[],
  warnings: string[],
): ReadonlyMap<string, StaticAuth> {
  const auths = new Map<string, StaticAuth>();
  const add = (host: string, auth: Section): void => {
    const read = readAuth(auth);
    if (read === 'malformed') warnings.push(`the auth of ${JSON.stringify(host)} cannot be decoded`);
    else if (read === 'empty') auths.delete(host);
    else auths.set(host, read);
  };
  for (const [host, config] of configs) if (config.has('auth')) add(host, config.table('auth'));
  for (const [endpoint, auth] of legacy) {
    const read = parseGoUrl(endpoint);
    if (!read.ok) throw new Refusal(`failed to parse registry url ${JSON.stringify(endpoint)} from \`registry.auths\``);
    add(read.url.scheme === '' ? endpoint : read.url.host, auth);
  }
  return auths;
}

/** ParseAuth (image_pull.go): a user name first, then an identity token, then `auth`. */
function readAuth(auth: Section): StaticAuth | 'empty' | 'malformed' {
  const username = auth.text('username');
  const password = auth.text('password');
  const identityToken = auth.text('identitytoken');
  const encoded = auth.text('auth');
  if (username !== '') return { username, password: new Secret(password) };
  if (identityToken !== '') return { username: '', password: new Secret(''), identityToken: new Secret(identityToken) };
  if (encoded === '') return 'empty';
  const bare = encoded.replaceAll(/[\r\n]/g, '');
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(bare)) return 'malformed';
  const decoded = Buffer.from(bare, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon === -1) return 'malformed';
  const trimmed = decoded.slice(colon + 1).replaceAll(/^\u0000+|\u0000+$/g, '');
  return { username: decoded.slice(0, colon), password: new Secret(trimmed) };
}

/** A table with the types of Go's struct fields: another type is an error, an absent key has the default. */
class Section {
  readonly #table: TomlTable;
  readonly #path: string;
  readonly #goToml: ConfigRules['goToml'];

  constructor(value: unknown, path: string, goToml: ConfigRules['goToml']) {
    const table = value === undefined ? {} : asTable(value);
    if (table === undefined) throw new Refusal(`${path} is not a table`);
    this.#table = table;
    this.#path = path;
    this.#goToml = goToml;
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  table(name: string): Section {
    return new Section(this.#get(name), this.#pathOf(name), this.#goToml);
  }

  /** A map of tables: its keys are data, and keep their case. */
  tables(name: string): readonly (readonly [string, Section])[] {
    return this.#entries(name).map(([key, value]) => [
      key,
      new Section(value, `${this.#pathOf(name)}.${key}`, this.#goToml),
    ]);
  }

  /** A map of texts that only some builds know: what is no text is passed over. */
  pairs(name: string): readonly Rewrite[] {
    return Object.entries(asTable(this.#get(name)) ?? {}).flatMap(([key, value]) =>
      typeof value === 'string' ? [[key, value] as const] : [],
    );
  }

  lists(name: string): readonly (readonly [string, readonly string[]])[] {
    return this.#entries(name).map(([key, value]) => [key, textsOf(value, this.#pathOf(name))]);
  }

  text(name: string, byDefault = ''): string {
    const value = this.#get(name);
    if (value !== undefined && typeof value !== 'string') throw new Refusal(`${this.#pathOf(name)} is not a string`);
    return value ?? byDefault;
  }

  texts(name: string): readonly string[] {
    const value = this.#get(name);
    return value === undefined ? [] : textsOf(value, this.#pathOf(name));
  }

  flag(name: string, byDefault: boolean): boolean {
    const value = this.#get(name);
    if (value !== undefined && typeof value !== 'boolean') throw new Refusal(`${this.#pathOf(name)} is not a boolean`);
    return value ?? byDefault;
  }

  whole(name: string, byDefault: number): number {
    const value = this.#get(name);
    if (value === undefined) return byDefault;
    if (typeof value === 'number' && Number.isInteger(value)) return value;
    throw new Refusal(`${this.#pathOf(name)} is not an integer`);
  }

  #get(name: string): unknown {
    return field(this.#table, name, this.#goToml);
  }

  #entries(name: string): readonly (readonly [string, unknown])[] {
    const value = this.#get(name);
    const table = value === undefined ? {} : asTable(value);
    if (table === undefined) throw new Refusal(`${this.#pathOf(name)} is not a table`);
    return Object.entries(table);
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

function textsOf(value: unknown, path: string): readonly string[] {
  if (!Array.isArray(value)) throw new Refusal(`${path} is not a list of strings`);
  return value.map((item: unknown) => {
    if (typeof item !== 'string') throw new Refusal(`${path} is not a list of strings`);
    return item;
  });
}
