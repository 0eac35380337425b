/**
 * The roots of config_path on disk: every directory with its hosts.toml or its certificate files, with
 * containerd's fallbacks (core/remotes/docker/config/hosts.go loadHostDir, loadCertFiles, HostDirFromRoot). Which of them
 * serves a registry is decided in hosts.ts.
 */
import { posix } from 'node:path';
import type { Fault } from '#report/fault.ts';
import { bad, good, type Outcome } from '#report/outcome.ts';
import type { HostRule, HostsDir, HostsRoot, HostsRules, RuntimeVersion } from '#node/view.ts';
import { bareRecord } from '#data/bare-record.ts';
import { decodeHosts, type HostEntry } from './hosts-toml.ts';
import { listDir, statPath, readText, type HostRoot } from '#node/host-root.ts';
import { readTls, unreadable, type TlsPaths } from '#node/tls-files.ts';

export interface ReadHosts {
  readonly root: HostRoot;
  readonly version: RuntimeVersion;
  /** For faults that stop nothing, such as a hosts.toml that containerd only logs. */
  readonly warn: (fault: Fault) => void;
}

/** One root. A root that is absent has no directories; one that is no directory fails every look-up in it (ENOTDIR). */
export async function readHostsRoot(options: ReadHosts, path: string): Promise<Outcome<HostsRoot>> {
  const listed = await listDir(options.root, path);
  if (!listed.ok) {
    if (listed.unread.is === 'absent') return good({ path, dirs: bareRecord([]) });
    return bad(unreadable(listed.unread, path, 'hosts.unreadable'));
  }
  const dirs: [string, HostsDir][] = [];
  for (const { name } of listed.value) {
    const dir = posix.join(path, name);
    const found = await statPath(options.root, dir);
    // os.Stat: a link that leads nowhere does not exist, anything else does.
    if (!found.ok && found.unread.is === 'absent') continue;
    const is = found.ok ? await readHostsDir(options, dir) : bad(unreadable(found.unread, dir, 'hosts.unreadable'));
    dirs.push([name, { path: dir, is }]);
  }
  return good({ path, dirs: bareRecord(dirs) });
}

async function readHostsDir(options: ReadHosts, dir: string): Promise<Outcome<HostsRules>> {
  const file = posix.join(dir, 'hosts.toml');
  const text = await readText(options.root, file);
  if (!text.ok && text.unread.is !== 'absent') return bad(unreadable(text.unread, file, 'hosts.unreadable'));
  if (!text.ok || text.value === '') return readCertFiles(options, dir);
  return readHostsText(options, dir, text.value);
}

/** hosts.toml of that directory, as it is or as it is going to be written. */
export async function readHostsText(options: ReadHosts, dir: string, text: string): Promise<Outcome<HostsRules>> {
  const file = posix.join(dir, 'hosts.toml');
  const decoded = decodeHosts(text, dir, options.version);
  if (!decoded.ok) {
    options.warn({ code: 'hosts.unparsable', file, why: decoded.why });
    return readCertFiles(options, dir);
  }
  const hosts: HostRule[] = [];
  for (const entry of decoded.value.hosts) {
    const rule = await withTls(options, entry);
    if (!rule.ok) return rule;
    hosts.push(rule.value);
  }
  const server = await withTls(options, decoded.value.server);
  return server.ok ? good({ from: 'hosts.toml', file, hosts, server: server.value }) : server;
}

async function withTls(options: ReadHosts, entry: HostEntry): Promise<Outcome<HostRule>> {
  const { tls: paths, ...rule } = entry;
  if (paths === undefined) return good(rule);
  const tls = await readTls(options.root, paths);
  return tls.ok ? good({ ...rule, tls: tls.value }) : tls;
}

/** Docker's layout: `*.crt` are roots, `*.cert` with `*.key` are client pairs. Links to directories count as files. */
async function readCertFiles(options: ReadHosts, dir: string): Promise<Outcome<HostsRules>> {
  const listed = await listDir(options.root, dir);
  if (!listed.ok) return bad(unreadable(listed.unread, dir, 'hosts.unreadable'));
  const cas: string[] = [];
  const clients: TlsPaths['clients'][number][] = [];
  for (const { name, kind } of listed.value) {
    if (kind === 'dir') continue;
    if (name.endsWith('.crt')) cas.push(posix.join(dir, name));
    if (!name.endsWith('.cert')) continue;
    const key = posix.join(dir, `${name.slice(0, -'.cert'.length)}.key`);
    const found = await statPath(options.root, key);
    if (!found.ok && found.unread.is !== 'absent') {
      return bad(unreadable(found.unread, key, 'hosts.client_unreadable'));
    }
    clients.push({ cert: posix.join(dir, name), ...(found.ok ? { key } : {}) });
  }
  const tls = await readTls(options.root, { skipVerify: false, cas, clients });
  return tls.ok ? good({ from: 'cert_files', tls: tls.value }) : tls;
}
