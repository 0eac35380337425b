/**
 * hosts.toml as containerd decodes it (core/remotes/docker/config/hosts.go parseHostsFile, parseHostConfig,
 * getSortedHosts, makeStringSlice at v1.6.20, v1.7.31, v1.7.34, v2.1.9, v2.3.4). Text in, rules with paths out: hosts-dirs.ts reads the files
 * that the rules name and handles decode errors.
 */
import { posix } from 'node:path';
import { configRulesOf, type ConfigRules } from '../versions.ts';
import { goDurationMs } from '#go/duration.ts';
import { parseGoUrl } from '#go/url.ts';
import type { Header, HostRule, Rewrite, RuntimeVersion } from '#node/view.ts';
import { asTable, expressionsOf, field, parseToml, type TomlTable } from './toml.ts';
import type { TlsPaths } from '#node/tls-files.ts';

/** A HostRule whose certificates are still paths. */
export interface HostEntry extends Omit<HostRule, 'tls'> {
  readonly tls?: TlsPaths;
}
export interface HostsFile {
  readonly hosts: readonly HostEntry[];
  readonly server: HostEntry;
}
type HostsDecode = { readonly ok: true; readonly value: HostsFile } | { readonly ok: false; readonly why: string };

type Capability = HostRule['capabilities'][number];

interface Reading extends ConfigRules {
  readonly dir: string;
}

/** Every refusal of the decoder below, caught in decodeHosts alone. */
class Refusal extends Error {}

export function decodeHosts(text: string, dir: string, version: RuntimeVersion): HostsDecode {
  const reading: Reading = { dir, ...configRulesOf(version) };
  const parsed = parseToml(text, reading.goToml);
  if (!parsed.ok) return parsed;
  try {
    return { ok: true, value: readHosts(parsed.table, text, reading) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, why: error.message };
    throw error;
  }
}

function readHosts(table: TomlTable, text: string, reading: Reading): HostsFile {
  const order = hostOrder(table, text, reading);
  const server = string(field(table, 'server', reading.goToml), 'server');
  const tables = field(table, 'host', reading.goToml);
  const hosts = tables === undefined ? {} : asTable(tables);
  if (hosts === undefined) throw new Refusal('"host" is not a table');
  const entries = new Map<string, HostEntry>();
  // Tables that the order below leaves out are decoded too, so a mistake in one of them is an error.
  for (const [name, value] of Object.entries(hosts)) {
    const host = asTable(value);
    if (host === undefined) throw new Refusal(`host.${JSON.stringify(name)} is not a table`);
    if (order.includes(name)) entries.set(name, readHost(name, host, reading));
    else checkTypes(host, reading);
  }
  const listed = order.flatMap((name) => entries.get(name) ?? []);
  return { hosts: listed, server: readHost(server ?? '', table, reading) };
}

/**
 * The hosts in the order of the file. 2.x walks the `[host.…]` headers and drops a repetition only when it follows at once,
 * so a host whose header table comes after another host is listed twice, and inline or dotted forms never. 1.x takes every
 * key below `host`, by the line on which it first appears; 1.6, and 1.7 before 1.7.32, refuse a file without any.
 */
function hostOrder(table: TomlTable, text: string, reading: Reading): readonly string[] {
  const expressions = expressionsOf(text);
  if (reading.goToml === 2) {
    const order: string[] = [];
    for (const { kind, key } of expressions) {
      const [first, name] = key;
      if (kind === 'table' && first === 'host' && name !== undefined && name !== order.at(-1)) order.push(name);
    }
    return order;
  }
  const hosts = asTable(table['host']);
  if (hosts === undefined) {
    if (!reading.allowsHostsWithoutTables) throw new Refusal('invalid `host` tree');
    return [];
  }
  const order = new Set<string>();
  let current: readonly string[] = [];
  for (const { kind, key } of expressions) {
    if (kind !== 'pair') current = key;
    const [first, name] = kind === 'pair' ? [...current, ...key] : key;
    if (first === 'host' && name !== undefined && Object.hasOwn(hosts, name)) order.add(name);
  }
  for (const name of Object.keys(hosts)) order.add(name);
  return [...order];
}

/** One `[host."…"]` table, or the file's root with `server` as its address. */
function readHost(address: string, table: TomlTable, reading: Reading): HostEntry {
  const get = (name: string): unknown => field(table, name, reading.goToml);
  const overridePath = boolean(get('override_path'), 'override_path') ?? false;
  const skipVerify = boolean(get('skip_verify'), 'skip_verify');
  const capabilities = readCapabilities(get('capabilities'), reading);
  const url = address === '' ? undefined : readAddress(address);
  const cas = readCas(get('ca'), reading);
  const clients = readClients(get('client'), reading);
  const headers = readHeaders(get('header'));
  const dialTimeoutMs = readDialTimeout(get('dial_timeout'), reading);
  const rewrites = readRewrites(get('rewrite'));
  // `ca = []` counts as TLS settings, `client = []` does not: one makes an empty slice, the other stays nil.
  const hasTls = skipVerify !== undefined || cas !== undefined || clients.length > 0;
  return {
    ...(url === undefined ? {} : { url }),
    // ConfigureHosts: an entry without a host is the upstream, and may do everything whatever is written.
    capabilities: url === undefined ? reading.capabilities : capabilities,
    overridePath,
    ...(hasTls ? { tls: { skipVerify: skipVerify ?? false, cas: cas ?? [], clients } } : {}),
    headers,
    ...(dialTimeoutMs === undefined ? {} : { dialTimeoutMs }),
    ...(rewrites.length === 0 ? {} : { rewrites }),
  };
}

/** A key of k3s's fork, which every other containerd passes over with all other unknown keys, whatever is in it. */
function readRewrites(value: unknown): readonly Rewrite[] {
  return Object.entries(asTable(value) ?? {}).flatMap(([pattern, replacement]) =>
    typeof replacement === 'string' ? [[pattern, replacement] as const] : [],
  );
}

/** Undefined where Go finds no host in it (`http-mirror:5000` is a scheme and an opaque part). */
function readAddress(address: string): string | undefined {
  const written = address.startsWith('http') ? address : `https://${address}`;
  const read = parseGoUrl(written);
  if (!read.ok) throw new Refusal(`unable to parse server ${JSON.stringify(address.slice(0, 200))}`);
  return read.url.host === '' ? undefined : written;
}

function readCapabilities(value: unknown, reading: Reading): readonly Capability[] {
  const all = reading.capabilities;
  if (value === undefined) return all;
  const written = stringList(value, 'capabilities');
  const wanted = written.map((name) => {
    const known = all.find((capability) => capability === name.toLowerCase());
    if (known === undefined) throw new Refusal(`unknown capability ${name}`);
    return known;
  });
  return wanted.length === 0 ? all : all.filter((capability) => wanted.includes(capability));
}

function readCas(value: unknown, reading: Reading): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return [absolute(value, reading)];
  return stringList(value, 'ca').map((path) => absolute(path, reading));
}

function readClients(value: unknown, reading: Reading): TlsPaths['clients'] {
  if (value === undefined) return [];
  if (typeof value === 'string') return [{ cert: absolute(value, reading) }];
  if (!Array.isArray(value)) throw new Refusal('invalid type for "client"');
  return value.map((pair: unknown) => {
    if (typeof pair === 'string') return { cert: absolute(pair, reading) };
    const [cert, key, ...more] = stringList(pair, 'client');
    if (cert === undefined || key === undefined || more.length > 0) throw new Refusal('invalid pair for "client"');
    // makeAbsPath turns an empty key into the directory itself, which then cannot be read as a file.
    return { cert: absolute(cert, reading), key: absolute(key, reading) };
  });
}

function readHeaders(value: unknown): readonly Header[] {
  if (value === undefined) return [];
  const table = asTable(value);
  if (table === undefined) throw new Refusal('"header" is not a table');
  return Object.entries(table).flatMap(([name, content]) => {
    if (typeof content === 'string') return [[name, content] as const];
    return stringList(content, `header ${JSON.stringify(name)}`).map((text) => [name, text] as const);
  });
}

/** 0 leaves it to Linux, which gives up on a connection after about 127 s. */
function readDialTimeout(value: unknown, reading: Reading): number | undefined {
  if (!reading.hasDialTimeout) return undefined;
  const text = string(value, 'dial_timeout') ?? '';
  if (text === '') return undefined;
  const ms = goDurationMs(text);
  if (ms === undefined) throw new Refusal(`time: invalid duration ${JSON.stringify(text)}`);
  return ms === 0 ? 127_000 : Math.max(1, Math.round(ms));
}

/** What go-toml refuses in a table that is not used. */
function checkTypes(table: TomlTable, reading: Reading): void {
  const get = (name: string): unknown => field(table, name, reading.goToml);
  boolean(get('override_path'), 'override_path');
  boolean(get('skip_verify'), 'skip_verify');
  if (get('capabilities') !== undefined) stringList(get('capabilities'), 'capabilities');
  const header = get('header');
  if (header !== undefined && asTable(header) === undefined) throw new Refusal('"header" is not a table');
  if (reading.hasDialTimeout) string(get('dial_timeout'), 'dial_timeout');
}

function absolute(path: string, reading: Reading): string {
  return posix.isAbsolute(path) ? path : posix.join(reading.dir, path);
}

function string(value: unknown, name: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new Refusal(`invalid type for "${name}"`);
}

function boolean(value: unknown, name: string): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw new Refusal(`invalid type for "${name}"`);
}

function stringList(value: unknown, name: string): readonly string[] {
  if (!Array.isArray(value)) throw new Refusal(`invalid type for "${name}"`);
  return value.map((item: unknown) => {
    if (typeof item !== 'string') throw new Refusal(`unable to cast an item of "${name}" to string`);
    return item;
  });
}
