/**
 * With which flags and variables a program of the node was started: as its process says, else as its unit or its distribution's files
 * would start it. Which of them was believed is part of the answer.
 */
import { posix } from 'node:path';
import type { KubeletFlags, KubeletLayout, RuntimeLayout } from './distribution.ts';
import type { LaunchSource } from './view.ts';
import { parse } from 'yaml';
import { isFields } from '#data/fields.ts';
import { parseEnvFile } from './environment-file.ts';
import { expandCommand } from './exec-start.ts';
import { listDir, readText, type HostRoot } from './host-root.ts';
import type { Running } from './processes.ts';
import { tokensIn } from './systemd-env.ts';
import { readUnit, type Unit, type UnseenFile } from './systemd.ts';

export interface Launch {
  /** Without the program; absent where no source has them. */
  readonly args?: readonly string[];
  readonly source: LaunchSource;
  readonly unit?: Unit;
  /** Files that may hold more of its flags, and could not be read here. */
  readonly unseen: readonly UnseenFile[];
}

/** The runtime's own flags. A unit that starts another program says nothing of them: that program gives its own defaults. */
export async function runtimeLaunch(
  root: HostRoot,
  layout: RuntimeLayout,
  running: Running | undefined,
): Promise<Launch> {
  const unit = await readUnit(root, layout.units);
  const known = unit === undefined ? {} : { unit };
  if (running !== undefined && running.args.length > 0) return { ...fromProcess(running), ...known };
  if (layout.flagsFile !== undefined) {
    return { ...(await fromFile(root, layout.flagsFile, layout.variables ?? {})), ...known };
  }
  if (unit?.argv === undefined || layout.passesOn === true) {
    const source: LaunchSource = { from: 'nothing', where: unit?.files[0] ?? 'no unit and no process were found' };
    return { source, ...known, unseen: [] };
  }
  return { ...fromUnit(unit), args: unit.argv.slice(1) };
}

export async function kubeletLaunch(
  root: HostRoot,
  layout: KubeletLayout,
  running: Running | undefined,
): Promise<Launch> {
  const unit = await readUnit(root, layout.units);
  const known = unit === undefined ? {} : { unit };
  const own = running === undefined ? undefined : kubeletArgs(running.args);
  if (running !== undefined && own !== undefined) return { ...fromProcess(running), args: own, ...known };
  const { flags } = layout;
  switch (flags.from) {
    case 'nowhere':
      return { source: { from: 'nothing', where: flags.why }, ...known, unseen: [] };
    case 'file':
      return { ...(await fromFile(root, flags.path, flags.variables)), ...known };
    case 'wrapper':
      return fromWrapper(root, layout, flags, unit);
    case 'unit': {
      const args = unit?.argv === undefined ? undefined : kubeletArgs(unit.argv);
      if (unit === undefined || args === undefined) {
        return { source: { from: 'nothing', where: 'no unit and no process of a kubelet were found' }, unseen: [] };
      }
      return { ...fromUnit(unit), args };
    }
  }
}

function fromProcess({ pid, args }: Running): Launch {
  return { args: args.slice(1), source: { from: 'process', where: `/proc/${pid}/cmdline` }, unseen: [] };
}

function fromUnit(unit: Unit): Launch {
  return { unit, source: { from: 'unit', where: unit.files.join(', ') }, unseen: unit.unseen };
}

/** What follows the program of that name, which another program may start (OpenShift's kubenswrapper). */
function kubeletArgs(argv: readonly string[]): readonly string[] | undefined {
  const flags = argv.findIndex((word) => word.startsWith('-'));
  const programs = flags < 0 ? argv : argv.slice(0, flags);
  const at = programs.findIndex((word) => posix.basename(word) === 'kubelet');
  return at < 0 ? undefined : argv.slice(at + 1);
}

/** A file that a shell reads as words; lines that begin with `#` are comments. */
async function fromFile(root: HostRoot, path: string, variables: Readonly<Record<string, string>>): Promise<Launch> {
  const text = await readText(root, path);
  if (!text.ok) {
    const unseen = text.unread.is === 'unseen' ? [{ file: path, unread: text.unread }] : [];
    return { source: { from: 'nothing', where: text.unread.why }, unseen };
  }
  const lines = text.value.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  const { tokens } = tokensIn(lines.join('\n'), 'relaxed');
  const [, ...args] = expandCommand({ argv: ['', ...tokens], expands: true }, new Map(Object.entries(variables)));
  return { args, source: { from: 'file', where: path }, unseen: [] };
}

/** The kubelet's flags as k3s, RKE2 and k0s pass them on: their own defaults first, so that later ones override them. */
async function fromWrapper(
  root: HostRoot,
  layout: KubeletLayout,
  flags: Extract<KubeletFlags, { from: 'wrapper' }>,
  unit: Unit | undefined,
): Promise<Launch> {
  const settings = flags.settings === undefined ? noSettings : await readSettings(root, flags.settings);
  const written = [...settings.values, ...flagValues(unit?.argv ?? [])];
  const passed = written.flatMap(([name, value]) => {
    const renamed = flags.renamed[name];
    if (renamed !== undefined) return [`--${renamed}=${value}`];
    if (name !== flags.passed.flag) return [];
    if (flags.passed.as === 'words') return tokensIn(value, 'relaxed').tokens;
    return [value.startsWith('-') ? value : `--${value}`];
  });
  const defaults = [
    `--root-dir=${layout.rootDir}`,
    ...(layout.config === undefined ? [] : [`--config=${layout.config}`]),
    ...(layout.configDir === undefined ? [] : [`--config-dir=${layout.configDir}`]),
  ];
  const where = [...(unit === undefined ? [] : unit.files.slice(0, 1)), ...settings.files].join(', ');
  return {
    args: [...defaults, ...passed],
    source: { from: unit === undefined && settings.files.length === 0 ? 'nothing' : 'file', where },
    ...(unit === undefined ? {} : { unit }),
    unseen: [...settings.unseen, ...(unit?.unseen ?? [])],
  };
}

interface Settings {
  readonly values: readonly (readonly [name: string, value: string])[];
  readonly files: readonly string[];
  readonly unseen: readonly UnseenFile[];
}

const noSettings: Settings = { values: [], files: [], unseen: [] };

/** k3s's config.yaml and the files of config.yaml.d (k3s pkg/configfilearg/parser.go). */
async function readSettings(root: HostRoot, path: string): Promise<Settings> {
  const listed = await listDir(root, `${path}.d`);
  const more = listed.ok ? listed.value.filter(({ name }) => name.endsWith('.yaml') || name.endsWith('.yml')) : [];
  const values: (readonly [string, string])[] = [];
  const files: string[] = [];
  const unseen: UnseenFile[] = [];
  for (const file of [path, ...more.map(({ name }) => `${path}.d/${name}`)]) {
    const text = await readText(root, file);
    if (!text.ok && text.unread.is === 'unseen') unseen.push({ file, unread: text.unread });
    if (!text.ok) continue;
    files.push(file);
    values.push(...settingsIn(text.value));
  }
  return { values, files, unseen };
}

function settingsIn(text: string): readonly (readonly [string, string])[] {
  let read: unknown;
  try {
    read = parse(text, { logLevel: 'error' });
  } catch {
    return [];
  }
  if (!isFields(read)) return [];
  return Object.entries(read).flatMap(([key, value]) => {
    const name = key.endsWith('+') ? key.slice(0, -1) : key;
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    return values.flatMap((one) => (typeof one === 'string' ? [[name, one] as const] : []));
  });
}

/** `--name=value` and `--name value`. */
function flagValues(argv: readonly string[]): readonly (readonly [string, string])[] {
  return argv.flatMap((word, at) => {
    if (!word.startsWith('--')) return [];
    const equals = word.indexOf('=');
    return [
      equals < 0 ? [word.slice(2), argv[at + 1] ?? ''] : [word.slice(2, equals), word.slice(equals + 1)],
    ] as const;
  });
}

/** The environment that the files of a distribution give its runtime; undefined where there are none. */
export async function runtimeEnvironment(root: HostRoot, layout: RuntimeLayout): Promise<Unit | undefined> {
  const unit = await readUnit(root, layout.units);
  const env = unit === undefined ? undefined : layout.passesOn === true ? passedOn(unit.env) : unit.env;
  const read = unit === undefined || env === undefined ? undefined : { ...unit, env };
  if (layout.environmentFile === undefined) return read;
  const text = await readText(root, layout.environmentFile);
  const base = read ?? { unit: '', env: new Map<string, string>(), files: [], dirs: [], ignored: [], unseen: [] };
  if (!text.ok) {
    const unseen = text.unread.is === 'unseen' ? [{ file: layout.environmentFile, unread: text.unread }] : [];
    return { ...base, unseen: [...base.unseen, ...unseen] };
  }
  return {
    ...base,
    env: new Map([...base.env, ...parseEnvFile(text.value)]),
    files: [...base.files, layout.environmentFile],
  };
}

/** k3s pkg/agent/containerd.Run, k0s pkg/supervisor getEnv: `CONTAINERD_X` becomes X for containerd alone, over an X of the service. */
export function passedOn(env: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const own = 'CONTAINERD_';
  const passed = new Map([...env].filter(([name]) => !name.startsWith(own)));
  for (const [name, value] of env) if (name.startsWith(own)) passed.set(name.slice(own.length), value);
  return passed;
}
