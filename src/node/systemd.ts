/** A service's environment as systemd would build it from the unit files on disk. It must not know what the variables mean. */
import { posix } from 'node:path';
import { glob } from './glob.ts';
import { linkText, listDir, look, readText, type HostRoot } from './host-root.ts';
import { assignmentsIn, expandSpecifiers, linesOf, parseEnvFile, wordsIn } from './systemd-env.ts';

export interface UnitEnv {
  readonly unit: string;
  readonly env: ReadonlyMap<string, string>;
  /** Every file that took part. */
  readonly files: readonly string[];
  /** The directories of its drop-ins: what is taken away from them changes them. */
  readonly dirs: readonly string[];
}

/** systemd.unit(5), most important first; the directories of generators and of the user are left out. */
const unitDirs = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'].map((dir) => `${dir}/systemd/system`);
const managerFiles = ['/etc', '/run', '/usr/local/lib', '/usr/lib'].map((dir) => `${dir}/systemd/system.conf`);

/**
 * The first of these units that exists and is not masked; undefined where none does. A unit whose own file is out of sight
 * (only /etc is mounted, say) is known by drop-ins of its name: nobody writes those for a unit that is not there.
 */
export async function readUnitEnv(root: HostRoot, units: readonly string[]): Promise<UnitEnv | undefined> {
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
    const dirs = await changingDirs(root, unit);
    const manager = await managerEnv(root);
    const service = await serviceEnv(root, unit, files);
    return {
      unit,
      env: new Map([...manager.env, ...service.env].filter(([name]) => !service.unset.has(name))),
      files: [...files, ...manager.files, ...service.files],
      dirs,
    };
  }
  return undefined;
}

/** Where a drop-in lies, or where the directory of drop-ins would be and is not. */
async function changingDirs(root: HostRoot, unit: string): Promise<readonly string[]> {
  const found = unitDirs.map(async (dir) => {
    const own = posix.join(dir, `${unit}.d`);
    return (await look(root, own)).ok ? own : dir;
  });
  return Promise.all(found);
}

async function findUnit(root: HostRoot, unit: string): Promise<string | undefined> {
  for (const dir of unitDirs) {
    const path = posix.join(dir, unit);
    const link = await linkText(root, path);
    if (link.ok && link.value === '/dev/null') return 'masked';
    const found = await look(root, path);
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
async function managerEnv(root: HostRoot): Promise<{ env: ReadonlyMap<string, string>; files: readonly string[] }> {
  const files: string[] = [];
  for (const file of managerFiles) {
    if (files.length === 0 && (await look(root, file)).ok) files.push(file);
  }
  files.push(
    ...(await findDropIns(
      root,
      managerFiles.map((file) => `${file}.d`),
    )),
  );
  const env = new Map<string, string>();
  for (const file of files) {
    const text = await readText(root, file);
    for (const [key, value] of text.ok ? linesOf(text.value, 'Manager') : []) {
      if (key !== 'DefaultEnvironment') continue;
      if (value === '') env.clear();
      for (const [name, content] of assignmentsIn(value)) env.set(name, content);
    }
  }
  return { env, files };
}

interface ServiceEnv {
  readonly env: ReadonlyMap<string, string>;
  readonly unset: ReadonlySet<string>;
  readonly files: readonly string[];
}

/** Files named by `EnvironmentFile=` override `Environment=`, wherever either is written (systemd.exec(5)). */
async function serviceEnv(root: HostRoot, unit: string, files: readonly string[]): Promise<ServiceEnv> {
  const env = new Map<string, string>();
  const unset = new Set<string>();
  let envFiles: string[] = [];
  for (const file of files) {
    const text = await readText(root, file);
    for (const [key, value] of text.ok ? linesOf(text.value, 'Service') : []) {
      if (key === 'Environment') {
        if (value === '') env.clear();
        for (const [name, content] of assignmentsIn(value, unit)) env.set(name, content);
      } else if (key === 'EnvironmentFile') {
        envFiles = value === '' ? [] : [...envFiles, expandSpecifiers(value.replace(/^-/, ''), unit)];
      } else if (key === 'UnsetEnvironment') {
        if (value === '') unset.clear();
        for (const word of wordsIn(value)) unset.add(word.split('=', 1)[0] ?? '');
      }
    }
  }
  const read: string[] = [];
  for (const pattern of envFiles) {
    for (const file of (await glob(root, pattern)) ?? []) {
      read.push(file);
      const text = await readText(root, file);
      for (const [name, content] of text.ok ? parseEnvFile(text.value) : []) env.set(name, content);
    }
  }
  return { env, unset, files: read };
}
