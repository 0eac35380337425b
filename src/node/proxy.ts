/**
 * The proxy variables that containerd runs with: its own environment where /proc shows it, else what systemd's files would
 * give it. Go reads them once per process (net/http ProxyFromEnvironment), so newer files wait for a restart. Which
 * requests they concern is decided elsewhere.
 */
import { Secret } from '#report/secret.ts';
import type { Doubt } from './view.ts';
import type { RuntimeLayout } from './distribution.ts';
import type { ProxyNext, ProxyRules } from '#go/http-proxy.ts';
import { parseEnvFile } from './environment-file.ts';
import { statPath, readText, type HostRoot } from './host-root.ts';
import { passedOn, runtimeEnvironment } from './launch.ts';
import type { Running } from './processes.ts';
import type { IgnoredLine, Unit, UnseenFile } from './systemd.ts';

export interface FoundProxy {
  readonly rules: ProxyRules;
  /** The environment the rules were taken from, for what else Go reads there (SSL_CERT_FILE, RES_OPTIONS). */
  readonly env: ReadonlyMap<string, string>;
  readonly doubts: readonly Doubt[];
  /** What the next restart would bring, where that is something else. */
  readonly next?: ProxyNext;
  /** The rules are what files would give it: its process was not seen. */
  readonly isPlanned: boolean;
  /** Files that may set more of them, and could not be read. */
  readonly unseen: readonly UnseenFile[];
  readonly ignored: readonly IgnoredLine[];
}

type Env = ReadonlyMap<string, string>;

/** `threeSchemes`: as in `ProxyRules`. */
export async function findProxy(
  root: HostRoot,
  layout: RuntimeLayout,
  { running, threeSchemes = false }: { readonly running: Running | undefined; readonly threeSchemes?: boolean },
): Promise<FoundProxy> {
  const found = await findRules(root, layout, running);
  if (!threeSchemes) return found;
  const { rules, next } = found;
  const of = (read: ProxyRules): ProxyRules => ({ ...read, threeSchemes });
  return { ...found, rules: of(rules), ...(next === undefined ? {} : { next: { ...next, rules: of(next.rules) } }) };
}

async function findRules(root: HostRoot, layout: RuntimeLayout, running: Running | undefined): Promise<FoundProxy> {
  const unit = (await runtimeEnvironment(root, layout)) ?? (await readEnvFiles(root, layout));
  const planned = unit?.env ?? new Map<string, string>();
  const ignored = unit?.ignored ?? [];
  if (running?.env === undefined) {
    const source = unit === undefined ? `no unit file of ${layout.name}` : unit.files.join(', ');
    const env = planned;
    return { rules: proxyRules(env, source), env, doubts: [], isPlanned: true, unseen: unit?.unseen ?? [], ignored };
  }
  const rules = proxyRules(running.env, `/proc/${running.pid}/environ`);
  const seen = { rules, env: running.env, doubts: [], isPlanned: false, unseen: [], ignored } as const;
  if (unit === undefined || unit.unseen.length > 0 || sameProxy(running.env, planned)) return seen;
  // A file that was taken away leaves its directory newer.
  const newer = await newerFile(root, [...unit.files, ...unit.dirs], running.startedMs);
  if (newer === undefined) return seen;
  const because = `${newer} is newer than the running ${layout.name} and gives it other proxy variables`;
  return {
    ...seen,
    doubts: [{ is: 'if_restarted', about: 'proxy', because }],
    next: { rules: proxyRules(planned, unit.files.join(', ')), because },
  };
}

/**
 * /proc/stat gives the boot in whole seconds (linux fs/proc/stat.c btime, v6.12), so that a start seems up to a second earlier than it
 * was; and distributions write a program's files right before they start it.
 */
const startBlurMs = 1000;

/** The first of the files that changed after the start. */
export async function newerFile(
  root: HostRoot,
  files: readonly string[],
  startedMs: number | undefined,
): Promise<string | undefined> {
  if (startedMs === undefined) return undefined;
  for (const file of files) {
    const found = await statPath(root, file);
    if (found.ok && found.value.modifiedMs >= startedMs + startBlurMs) return file;
  }
  return undefined;
}

/** Where the unit itself cannot be found, the files that the units of k3s, RKE2 and k0s name. */
async function readEnvFiles(root: HostRoot, layout: RuntimeLayout): Promise<Unit | undefined> {
  if (layout.passesOn !== true) return undefined;
  const env = new Map<string, string>();
  const files: string[] = [];
  for (const unit of layout.units) {
    const name = unit.replace('.service', '');
    for (const file of [`/etc/default/${name}`, `/etc/sysconfig/${name}`, `/etc/systemd/system/${unit}.env`]) {
      const text = await readText(root, file);
      if (!text.ok) continue;
      files.push(file);
      for (const [key, value] of parseEnvFile(text.value)) env.set(key, value);
    }
  }
  return files.length === 0 ? undefined : { unit: '', env: passedOn(env), files, dirs: [], ignored: [], unseen: [] };
}

/** httpproxy.FromEnvironment: upper case first, and an empty value counts as none. */
export function proxyRules(env: Env, source: string): ProxyRules {
  const http = either(env, 'HTTP_PROXY');
  const https = either(env, 'HTTPS_PROXY');
  const no = either(env, 'NO_PROXY');
  return {
    ...(http === '' ? {} : { http: new Secret(http) }),
    ...(https === '' ? {} : { https: new Secret(https) }),
    ...(no === '' ? {} : { no }),
    source,
  };
}

function either(env: Env, name: string): string {
  const upper = env.get(name) ?? '';
  return upper === '' ? (env.get(name.toLowerCase()) ?? '') : upper;
}

function sameProxy(a: Env, b: Env): boolean {
  return ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].every((name) => either(a, name) === either(b, name));
}
