/**
 * A service as systemd would start it from the unit files on disk: its environment and its command. It must not know what either
 * means.
 */
import { posix } from 'node:path';
import { parseEnvFile } from './environment-file.ts';
import { expandCommand, parseExecStart, type Command } from './exec-start.ts';
import { glob } from './glob.ts';
import { linkText, listDir, statPath, readText, type HostRoot, type Unread } from './host-root.ts';
import { assignmentsIn, linesOf, tokensIn, type Ignored } from './systemd-env.ts';
import { expandSpecifiers, noSpecifiers, specifiersOf } from './systemd-specifiers.ts';

export interface Unit {
  readonly unit: string;
  readonly env: ReadonlyMap<string, string>;
  /** The command line with its variables put in; absent where no file that was found has one. */
  readonly argv?: readonly string[];
  /** Every file that took part. */
  readonly files: readonly string[];
  /** The directories of its drop-ins: what is taken away from them changes them. */
  readonly dirs: readonly string[];
  readonly ignored: readonly IgnoredLine[];
  /** Files that it names, and that could not be read here. */
  readonly unseen: readonly UnseenFile[];
}

export interface IgnoredLine extends Ignored {
  readonly file: string;
  readonly line: number;
  readonly key: string;
}

export interface UnseenFile {
  readonly file: string;
  readonly unread: Unread;
}

/** systemd.unit(5), most important first; the directories of generators and of the user are left out. */
const unitDirs = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'].map((dir) => `${dir}/systemd/system`);
const managerFiles = ['/etc', '/run', '/usr/local/lib', '/usr/lib'].map((dir) => `${dir}/systemd/system.conf`);

/**
 * The first of these units that exists and is not masked; undefined where none does. A unit whose own file is not shown
 * (only /etc is mounted, say) is known by drop-ins of its name, which no one writes for a unit that does not exist.
 */
export async function readUnit(root: HostRoot, units: readonly string[]): Promise<Unit | undefined> {
  for (const unit of units) {
    const file = await findUnit(root, unit);
    const own = await findDropIns(
      root,
      unitDirs.map((dir) => posix.join(dir, `${unit}.d`)),
    );
    if (file === 'masked' || (file === undefined && own.length === 0)) continue;
    const files = [
      ...(file === undefined ? [] : [file]),
      ...(await findDropIns(root, unitDirs.flatMap(dropInDirs(unit)))),
    ];
    return readService(root, unit, files);
  }
  return undefined;
}

async function readService(root: HostRoot, unit: string, files: readonly string[]): Promise<Unit> {
  const manager = await managerEnv(root);
  const service = await readFiles(root, unit, files);
  const fromFiles = await readEnvFiles(root, service.envFiles);
  // Files that EnvironmentFile= names override Environment=, wherever either is written (systemd.exec(5)).
  const env = new Map([...manager.env, ...service.env, ...fromFiles.env].filter(([name]) => !service.unset.has(name)));
  const command = service.commands.at(-1);
  return {
    unit,
    env,
    ...(command === undefined ? {} : { argv: expandCommand(command, env) }),
    files: [...files, ...manager.files, ...fromFiles.files],
    dirs: await changingDirs(root, unit),
    ignored: [...manager.ignored, ...service.ignored],
    unseen: [...service.unseen, ...fromFiles.unseen],
  };
}

/** Where a drop-in lies, or where the directory of drop-ins would be and is not. */
async function changingDirs(root: HostRoot, unit: string): Promise<readonly string[]> {
  const found = unitDirs.map(async (dir) => {
    const own = posix.join(dir, `${unit}.d`);
    return (await statPath(root, own)).ok ? own : dir;
  });
  return Promise.all(found);
}

async function findUnit(root: HostRoot, unit: string): Promise<string | undefined> {
  for (const dir of unitDirs) {
    const path = posix.join(dir, unit);
    const link = await linkText(root, path);
    if (link.ok && link.value === '/dev/null') return 'masked';
    const found = await statPath(root, path);
    if (found.ok && found.value.kind === 'file') return path;
  }
  return undefined;
}

function dropInDirs(unit: string): (dir: string) => readonly string[] {
  return (dir) => [posix.join(dir, `${unit}.d`), posix.join(dir, 'service.d')];
}

/** Of equal names the most important directory's counts; all are applied in the order of their names. */
async function findDropIns(root: HostRoot, dirs: readonly string[]): Promise<readonly string[]> {
  // The unit's own directories come before `service.d`, whatever they lie in.
  const ordered = [
    ...dirs.filter((dir) => !dir.endsWith('/service.d')),
    ...dirs.filter((dir) => dir.endsWith('/service.d')),
  ];
  const byName = new Map<string, string>();
  for (const dir of ordered) {
    const listed = await listDir(root, dir);
    for (const { name } of listed.ok ? listed.value : []) {
      if (name.endsWith('.conf') && !byName.has(name)) byName.set(name, posix.join(dir, name));
    }
  }
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

/** `DefaultEnvironment=` of system.conf and its drop-ins. */
async function managerEnv(root: HostRoot): Promise<Pick<Unit, 'env' | 'files' | 'ignored'>> {
  const files: string[] = [];
  for (const file of managerFiles) {
    if (files.length === 0 && (await statPath(root, file)).ok) files.push(file);
  }
  files.push(
    ...(await findDropIns(
      root,
      managerFiles.map((file) => `${file}.d`),
    )),
  );
  const env = new Map<string, string>();
  const ignored: IgnoredLine[] = [];
  for (const file of files) {
    const text = await readText(root, file);
    for (const { key, value, line } of text.ok ? linesOf(text.value, 'Manager') : []) {
      if (key !== 'DefaultEnvironment') continue;
      if (value === '') env.clear();
      const read = assignmentsIn(value, noSpecifiers);
      for (const [name, content] of read.set) env.set(name, content);
      ignored.push(...read.ignored.map((one) => ({ ...one, file, line, key })));
    }
  }
  return { env, files, ignored };
}

interface Service {
  readonly env: Map<string, string>;
  readonly unset: Set<string>;
  envFiles: readonly EnvFile[];
  commands: readonly Command[];
  readonly ignored: IgnoredLine[];
  readonly unseen: UnseenFile[];
}

interface EnvFile {
  readonly pattern: string;
}

async function readFiles(root: HostRoot, unit: string, files: readonly string[]): Promise<Service> {
  const specifiers = specifiersOf(unit);
  const service: Service = { env: new Map(), unset: new Set(), envFiles: [], commands: [], ignored: [], unseen: [] };
  for (const file of files) {
    const text = await readText(root, file);
    if (!text.ok && text.unread.is === 'unseen') service.unseen.push({ file, unread: text.unread });
    for (const { key, value, line } of text.ok ? linesOf(text.value, 'Service') : []) {
      const ignore = (why: string, what = 'the line'): void => {
        service.ignored.push({ file, line, key, what, why });
      };
      if (key === 'Environment') {
        if (value === '') service.env.clear();
        const read = assignmentsIn(value, specifiers);
        for (const [name, content] of read.set) service.env.set(name, content);
        for (const { what, why } of read.ignored) ignore(why, what);
      } else if (key === 'EnvironmentFile') {
        const read = envFileOf(value, specifiers);
        if (typeof read === 'string') ignore(read);
        else service.envFiles = read === undefined ? [] : [...service.envFiles, read];
      } else if (key === 'UnsetEnvironment') {
        if (value === '') service.unset.clear();
        for (const word of tokensIn(value).tokens) service.unset.add(word.split('=', 1)[0] ?? '');
      } else if (key === 'ExecStart') {
        const read = parseExecStart(value, specifiers);
        if (!read.ok) ignore(read.why);
        else service.commands = value === '' ? [] : [...service.commands, ...read.commands];
      }
    }
  }
  return service;
}

/** config_parse_unit_env_file: an empty value begins again, and a path is absolute. Undefined: begin again; text: ignored. */
function envFileOf(value: string, specifiers: ReturnType<typeof specifiersOf>): EnvFile | string | undefined {
  if (value === '') return undefined;
  // With `-` before it, it may be missing.
  const path = expandSpecifiers(value.startsWith('-') ? value.slice(1) : value, specifiers);
  if (!path.ok) return path.why;
  return posix.isAbsolute(path.value) ? { pattern: path.value } : 'the path is not absolute';
}

async function readEnvFiles(
  root: HostRoot,
  envFiles: readonly EnvFile[],
): Promise<Pick<Unit, 'env' | 'files' | 'unseen'>> {
  const env = new Map<string, string>();
  const files: string[] = [];
  const unseen: UnseenFile[] = [];
  for (const { pattern } of envFiles) {
    const plain = await statPath(root, pattern);
    if (!plain.ok && plain.unread.is === 'unseen') unseen.push({ file: pattern, unread: plain.unread });
    for (const file of (await glob(root, pattern)) ?? []) {
      const text = await readText(root, file);
      if (text.ok) files.push(file);
      else if (text.unread.is === 'unseen') unseen.push({ file, unread: text.unread });
      for (const [name, content] of text.ok ? parseEnvFile(text.value) : []) env.set(name, content);
    }
  }
  return { env, files, unseen };
}
