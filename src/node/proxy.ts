/**
 * The proxy variables that containerd runs with: its own environment where /proc shows it, else what systemd's files would
 * give it. Go reads them once per process (net/http ProxyFromEnvironment), so newer files wait for a restart. Which
 * requests they concern is decided elsewhere.
 */
import { Secret } from '#pull/secret.ts';
import type { Doubt, ProxyRules } from '#pull/view.ts';
import type { ProxyNext } from '#pull/proxy.ts';
import { look, readText, type HostRoot } from './host-root.ts';
import type { Running } from './processes.ts';
import { parseEnvFile } from './systemd-env.ts';
import { readUnitEnv, type UnitEnv } from './systemd.ts';

export interface FoundProxy {
  readonly rules: ProxyRules;
  /** The environment the rules were taken from, for what else Go reads there (SSL_CERT_FILE, RES_OPTIONS). */
  readonly env: ReadonlyMap<string, string>;
  readonly doubts: readonly Doubt[];
  /** What the next restart would bring, where that is something else. */
  readonly next?: ProxyNext;
}

type Env = ReadonlyMap<string, string>;

/** Distributions whose one service starts containerd itself. */
const bundledUnits = ['k3s', 'k3s-agent', 'rke2-server', 'rke2-agent'];

/** `threeSchemes`: as in `ProxyRules`. */
export async function findProxy(
  root: HostRoot,
  running: Running | undefined,
  threeSchemes = false,
): Promise<FoundProxy> {
  const found = await findRules(root, running);
  if (!threeSchemes) return found;
  const { rules, next } = found;
  const of = (read: ProxyRules): ProxyRules => ({ ...read, threeSchemes });
  return { ...found, rules: of(rules), ...(next === undefined ? {} : { next: { ...next, rules: of(next.rules) } }) };
}

async function findRules(root: HostRoot, running: Running | undefined): Promise<FoundProxy> {
  const unit = await readServiceEnv(root);
  const planned = unit?.env ?? new Map<string, string>();
  if (running?.env === undefined) {
    const source = unit === undefined ? 'no unit file of containerd' : unit.files.join(', ');
    return { rules: proxyRules(planned, source), env: planned, doubts: [] };
  }
  const rules = proxyRules(running.env, `/proc/${running.pid}/environ`);
  if (unit === undefined || sameProxy(running.env, planned)) return { rules, env: running.env, doubts: [] };
  // A file that was taken away leaves its directory newer.
  const newer = await newerFile(root, [...unit.files, ...unit.dirs], running.startedMs);
  if (newer === undefined) return { rules, env: running.env, doubts: [] };
  const because = `${newer} is newer than the running containerd and gives it other proxy variables`;
  return {
    rules,
    env: running.env,
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
    const found = await look(root, file);
    if (found.ok && found.value.modifiedMs >= startedMs + startBlurMs) return file;
  }
  return undefined;
}

async function readServiceEnv(root: HostRoot): Promise<UnitEnv | undefined> {
  const bundled = await readUnitEnv(
    root,
    bundledUnits.map((name) => `${name}.service`),
  );
  if (bundled !== undefined) return { ...bundled, env: passedOn(bundled.env) };
  return (await readUnitEnv(root, ['containerd.service'])) ?? (await readEnvFiles(root));
}

/** Where the unit itself cannot be found, the files that the distributions' units name. */
async function readEnvFiles(root: HostRoot): Promise<UnitEnv | undefined> {
  const env = new Map<string, string>();
  const files: string[] = [];
  for (const name of bundledUnits) {
    const names = [`/etc/default/${name}`, `/etc/sysconfig/${name}`, `/etc/systemd/system/${name}.service.env`];
    for (const file of names) {
      const text = await readText(root, file);
      if (!text.ok) continue;
      files.push(file);
      for (const [key, value] of parseEnvFile(text.value)) env.set(key, value);
    }
  }
  return files.length === 0 ? undefined : { unit: '', env: passedOn(env), files, dirs: [] };
}

/** k3s pkg/agent/containerd.Run: `CONTAINERD_X` becomes X for containerd alone, over an X of the service. */
function passedOn(env: Env): Env {
  const passed = new Map([...env].filter(([name]) => !name.startsWith('CONTAINERD_')));
  for (const [name, value] of env) {
    if (name.startsWith('CONTAINERD_')) passed.set(name.slice('CONTAINERD_'.length), value);
  }
  return passed;
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
