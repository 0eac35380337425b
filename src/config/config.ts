/**
 * The configuration: one YAML file and environment variables over the defaults of the one table. Either a frozen Config, or every
 * problem at once, each with its key, what was given and what is allowed. Reads no file and no process by itself.
 */
import { LineCounter, parseDocument, stringify } from 'yaml';
import type { FieldKey } from './fields.ts';
import { canarySchedule, fields } from './fields.ts';
import type { Field } from './field.ts';
import { durationText, shown } from './values.ts';

type ValueOf<F> = F extends Field<infer T> ? T : never;
export type Config = { readonly [K in FieldKey]: ValueOf<(typeof fields)[K]> };

/** How a value came about. */
export interface Setting {
  readonly from: 'default' | 'file' | `env ${string}`;
  /** As a user would write it. */
  readonly written: unknown;
}
export type Settings = ReadonlyMap<FieldKey, Setting>;

export interface Problem {
  /** The key or the variable: `images[2].policy`, `DRYPULL_LISTEN`, `line 4`. */
  readonly key: string;
  readonly given: string;
  readonly allowed: string;
}

export type ParsedConfig =
  | { readonly ok: true; readonly config: Config; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables of this prefix that are no field: main.ts reads them. */
const notFields: readonly string[] = ['DRYPULL_CONFIG'];
const prefix = 'DRYPULL_';
const keys = Object.keys(fields).filter((key): key is FieldKey => key in fields);
const fileLimit = 1024 * 1024;

export function parseConfig(yamlText: string | undefined, env: Environment): ParsedConfig {
  const problems: Problem[] = [];
  const file = readFile(yamlText ?? '', problems);
  problems.push(...strangers(file, env));
  const values = new Map<string, unknown>();
  const settings = new Map<FieldKey, Setting>();
  for (const key of keys) {
    const { raw, from } = pick(key, file, env);
    const taken = fields[key].take(raw);
    if (taken.ok) {
      values.set(key, taken.value);
      settings.set(key, { from, written: taken.written });
      continue;
    }
    const name = from.startsWith('env ') ? fields[key].env : key;
    problems.push(...taken.flaws.map(({ at, given, allowed }) => ({ key: `${name}${at}`, given, allowed })));
  }
  const config: object = Object.fromEntries(values);
  if (problems.length > 0 || !isConfig(config)) return { ok: false, problems };
  const crossed = crossCheck(config);
  if (crossed.length > 0) return { ok: false, problems: crossed };
  return { ok: true, config: freeze(config), settings };
}

/** Each value there is came from its own row, which is what Config says. */
function isConfig(made: object): made is Config {
  return keys.every((key) => key in made);
}

function pick(
  key: FieldKey,
  file: ReadonlyMap<string, unknown>,
  env: Environment,
): { raw: unknown; from: Setting['from'] } {
  const { env: variable, fallback } = fields[key];
  const fromEnv = env[variable];
  if (fromEnv !== undefined && fromEnv !== '') return { raw: fromEnv, from: `env ${variable}` };
  const fromFile = file.get(key);
  if (fromFile !== undefined && fromFile !== null) return { raw: fromFile, from: 'file' };
  if (asksCluster(key, file, env)) return { raw: [], from: 'default' };
  if (key === 'schedule' && isForCanaries(file, env)) return { raw: canarySchedule, from: 'default' };
  return { raw: fallback, from: 'default' };
}

/** In a cluster the Pods say what is asked for: nobody's canaries are rehearsed there by default. */
function asksCluster(key: FieldKey, file: ReadonlyMap<string, unknown>, env: Environment): boolean {
  if (key !== 'images') return false;
  const { raw } = pick('cluster', file, env);
  if (raw === 'on') return true;
  return raw === 'auto' && (isInCluster(env) || pick('kubeconfig', file, env).raw !== null);
}

function isForCanaries(file: ReadonlyMap<string, unknown>, env: Environment): boolean {
  return pick('images', file, env).from === 'default' && !asksCluster('images', file, env);
}

/** What every container of a Pod is given (client-go rest/config.go InClusterConfig). */
export function isInCluster(env: Environment): boolean {
  return (env['KUBERNETES_SERVICE_HOST'] ?? '') !== '';
}

function readFile(text: string, problems: Problem[]): ReadonlyMap<string, unknown> {
  const nothing = new Map<string, unknown>();
  if (text.length > fileLimit) {
    problems.push({ key: 'the file', given: `${text.length} characters`, allowed: `at most ${fileLimit} characters` });
    return nothing;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    logLevel: 'error',
  });
  for (const { message, pos } of document.errors) {
    problems.push({
      key: `line ${lines.linePos(pos[0]).line}`,
      given: 'malformed YAML',
      allowed: message.slice(0, 200),
    });
  }
  if (document.errors.length > 0) return nothing;
  return topLevel(document, problems);
}

function topLevel(document: { toJS: () => unknown }, problems: Problem[]): ReadonlyMap<string, unknown> {
  try {
    const value = document.toJS();
    if (value === null || value === undefined) return new Map();
    if (typeof value === 'object' && !Array.isArray(value)) return new Map<string, unknown>(Object.entries(value));
    problems.push({ key: 'the file', given: shown(value), allowed: 'a map of keys and values' });
  } catch (error) {
    // The parser's guard against aliases that multiply, and aliases of nothing.
    const why = error instanceof Error ? error.message.slice(0, 200) : 'unreadable';
    problems.push({ key: 'the file', given: 'malformed YAML', allowed: why });
  }
  return new Map();
}

/** Keys and variables that nobody reads: most of them are misspelt. A stranger's value is never shown: it may be a secret. */
function strangers(file: ReadonlyMap<string, unknown>, env: Environment): readonly Problem[] {
  const variables = [...keys.map((key) => fields[key].env), ...notFields];
  const inFile = [...file.keys()].filter((key) => !keys.some((known) => known === key));
  const inEnv = Object.keys(env).filter((name) => name.startsWith(prefix) && !variables.includes(name));
  return [
    ...inFile.map((key) => ({ key: key.slice(0, 80), given: 'an unknown key', allowed: suggestion(key, keys) })),
    ...inEnv.map((name) => ({
      key: name.slice(0, 80),
      given: 'an unknown variable',
      allowed: suggestion(name, variables),
    })),
  ];
}

function suggestion(given: string, known: readonly string[]): string {
  const near = nearest(given.slice(0, 80), known);
  return near === undefined ? `one of ${known.join(', ')}` : `did you mean ${near}?`;
}

function nearest(given: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, distance: distance(given.toLowerCase(), name.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, Math.floor(given.length / 3)) ? best.name : undefined;
}

/** Levenshtein's distance, one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [index, letter] of Array.from(a).entries()) {
    const next = [index + 1];
    for (const [column, other] of Array.from(b).entries()) {
      const swapped = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(swapped, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

function crossCheck(config: Config): readonly Problem[] {
  const problems: Problem[] = [];
  const { jitter, schedule, images } = config;
  if (jitter !== 'auto' && jitter >= schedule.cadenceMs) {
    const given = durationText(jitter);
    problems.push({ key: 'jitter', given, allowed: `less than the schedule's ${durationText(schedule.cadenceMs)}` });
  }
  if ((config.listenTlsCert === null) !== (config.listenTlsKey === null)) {
    const lacking = config.listenTlsCert === null ? 'listenTlsCert' : 'listenTlsKey';
    problems.push({ key: lacking, given: 'nothing', allowed: 'listenTlsCert and listenTlsKey together, or neither' });
  }
  const names = images.map(({ image }) => image);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index)
      problems.push({ key: `images[${index}]`, given: shown(name), allowed: 'each image once' });
  }
  return problems;
}

/** The jitter in force. */
export function jitterMs({ jitter, schedule }: Config): number {
  if (jitter !== 'auto') return jitter;
  // An interval says how often and not when; a cron expression says when.
  const isInterval = schedule.written !== schedule.cron;
  return isInterval ? Math.min(schedule.cadenceMs, 300_000) : Math.min(schedule.cadenceMs / 5, 60_000);
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}

/** The configuration in force, as YAML that can be given back, with where each value came from. */
export function explainConfig(settings: Settings): string {
  return [...settings]
    .map(([key, { from, written }]) => {
      const lines = stringify({ [key]: written }, { lineWidth: 0 }).trimEnd();
      return `# ${fields[key].help}\n# from: ${from}\n${lines}\n`;
    })
    .join('\n');
}

/** The table for the README. */
export function configTable(): string {
  const rows = keys.map((key) => {
    const { env, fallback, help } = fields[key];
    const standard =
      fallback === null ? '' : `\`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``;
    return `| \`${key}\` | \`${env}\` | ${standard} | ${help.replaceAll('|', '\\|')} |`;
  });
  return ['| Key | Variable | Default | Meaning |', '|---|---|---|---|', ...rows].join('\n');
}
