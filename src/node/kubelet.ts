/**
 * The kubelet's mind about credentials on this node: which docker configuration file it takes (pkg/credentialprovider/config.go
 * in Kubernetes 1.36, with the older list of the same order) and where its flags point. Matching and decoding for use are
 * done elsewhere.
 */
import { posix } from 'node:path';
import { isFields } from '#pull/fields.ts';
import { bad, good, seen, type Seen } from '#pull/outcome.ts';
import { Secret } from '#pull/secret.ts';
import type { KubeletView, NodeFile } from '#pull/kubelet-view.ts';
import type { Pending } from '#pull/next-start.ts';
import type { Doubt } from '#pull/view.ts';
import { look, readText, type HostRoot } from './host-root.ts';
import { kubeletConfigFiles, readKubeletConfig } from './kubelet-config.ts';
import { flag } from './processes.ts';
import { providersAsStarted, settingsAsStarted, type Started } from './as-started.ts';
import { newerFile } from './proxy.ts';
import { providerFiles, readProviders } from './providers.ts';

/** What we were told about the kubelet. Each given value wins over what its process says. */
export interface KubeletFacts {
  readonly rootDir?: string;
  readonly credentialProviderConfig?: string;
  readonly credentialProviderBinDir?: string;
  readonly home?: string;
  readonly cwd?: string;
  /** Somebody who knows says that a kubelet runs on this node. */
  readonly runsHere?: boolean;
}

export interface FoundKubelet {
  readonly view: KubeletView;
  readonly rootDir: string;
  readonly doubts: readonly Doubt[];
  readonly pending: readonly Pending[];
  /** What its next start would read, where that is something else. */
  readonly nextProviders?: KubeletView['providers'];
}

/** k3s and RKE2 pass these to the kubelet inside them, where both exist. */
const bundledProviders = {
  config: '/var/lib/rancher/credentialprovider/config.yaml',
  bin: '/var/lib/rancher/credentialprovider/bin',
};

export async function readKubelet(root: HostRoot, facts: KubeletFacts, started: Started): Promise<FoundKubelet> {
  const { running } = started;
  const args = running?.args ?? [];
  const home = facts.home ?? running?.env?.get('HOME');
  const places = {
    rootDir: facts.rootDir ?? flag(args, 'root-dir') ?? '/var/lib/kubelet',
    cwd: facts.cwd ?? running?.cwd ?? '/',
    home: home ?? '',
  };
  const config = facts.credentialProviderConfig ?? flag(args, 'image-credential-provider-config');
  const bin = facts.credentialProviderBinDir ?? flag(args, 'image-credential-provider-bin-dir');
  const found = await readNodeFile(root, places);
  const nodeFile =
    found.ok && found.value === null && facts.runsHere === true
      ? await noneOrUnseen(root, places.rootDir, found)
      : found;
  const place = await providerPlace(root, config, bin);
  const newerProviders = await newerFile(root, await providerFiles(root, place), running?.startedMs);
  const providers = providersAsStarted({ providers: await readProviders(root, place), newer: newerProviders }, started);
  const homeKnown = home !== undefined || running?.env !== undefined;
  const newer = await newerFile(root, await kubeletConfigFiles(root, running?.args), running?.startedMs);
  const settings = settingsAsStarted({ settings: await readKubeletConfig(root, running?.args), newer }, started);
  return {
    view: { nodeFile, providers: providers.now, config: settings },
    rootDir: places.rootDir,
    doubts: [...(homeKnown ? [] : await homeDoubt(root, nodeFile)), ...providers.doubts],
    pending: providers.pending,
    ...(providers.next === undefined ? {} : { nextProviders: providers.next }),
  };
}

/** Where a kubelet runs for certain, its directory exists: if it is not to be seen, neither is a config.json in it. */
async function noneOrUnseen(
  root: HostRoot,
  rootDir: string,
  found: Seen<NodeFile | null>,
): Promise<Seen<NodeFile | null>> {
  if (!found.ok || found.value !== null || (await look(root, rootDir)).ok) return found;
  const what = `the kubelet's own credentials in ${rootDir}`;
  return seen(rootDir, bad({ code: 'agent.cannot_see', what, why: 'the directory is not mounted' }));
}

/** Both flags or none: RegisterCredentialProviderPlugins runs only when both are set. */
async function providerPlace(root: HostRoot, config: string | undefined, bin: string | undefined) {
  if ((config ?? '') !== '' && (bin ?? '') !== '') return { config: config ?? '', bin: bin ?? '' };
  if (config !== undefined || bin !== undefined) return undefined;
  const isBundled = (await look(root, bundledProviders.config)).ok && (await look(root, bundledProviders.bin)).ok;
  return isBundled ? bundledProviders : undefined;
}

/** Where nothing says what HOME is, and the answer would matter. Under systemd it is unset. */
async function homeDoubt(root: HostRoot, nodeFile: Seen<NodeFile | null>): Promise<readonly Doubt[]> {
  const other = '/root/.docker/config.json';
  if ((nodeFile.ok && nodeFile.value !== null) || !(await look(root, other)).ok) return [];
  const because = `the kubelet's HOME is not known, and ${other} would be read if it were /root`;
  return [{ is: 'approximate', about: 'credentials', because }];
}

interface Places {
  readonly rootDir: string;
  readonly cwd: string;
  readonly home: string;
}

/** The files in the order in which the kubelet looks. A relative path starts at its working directory. */
export function nodeFilePaths({ rootDir, cwd, home }: Places): readonly (readonly [string, NodeFile['format']])[] {
  const at = (dir: string, name: string): string => {
    const path = posix.join(dir, name);
    return posix.isAbsolute(path) ? path : posix.join(cwd, path);
  };
  const json = [rootDir, '', posix.join(home, '.docker'), '/.docker'].map((dir) => at(dir, 'config.json'));
  const bare = [rootDir, '', home, '/'].map((dir) => at(dir, '.dockercfg'));
  return [...json.map((path) => [path, 'config'] as const), ...bare.map((path) => [path, 'cfg'] as const)];
}

/** The first that parses counts, and nothing is merged; a malformed one is passed over. */
async function readNodeFile(root: HostRoot, places: Places): Promise<Seen<NodeFile | null>> {
  for (const [path, format] of nodeFilePaths(places)) {
    const text = await readText(root, path);
    if (!text.ok && text.unread.is === 'unseen') {
      return seen(path, bad({ code: 'agent.cannot_see', what: path, why: text.unread.why }));
    }
    if (text.ok && parses(text.value, format)) {
      return seen(path, good({ path, format, text: new Secret(text.value) }));
    }
  }
  return seen('no docker configuration file of the kubelet', good(null));
}

/** Whether json.Unmarshal into DockerConfigJSON or DockerConfig succeeds, entries included. */
function parses(text: string, format: NodeFile['format']): boolean {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  if (value === null) return true;
  if (!isFields(value)) return false;
  const auths = format === 'cfg' ? value : foldedField(value, 'auths');
  if (auths === undefined || auths === null) return true;
  return isFields(auths) && Object.values(auths).every(isEntry);
}

/** DockerConfigEntry.UnmarshalJSON: strings where strings are wanted, and an `auth` that is base64 of `user:password`. */
function isEntry(value: unknown): boolean {
  if (value === null) return true;
  if (!isFields(value)) return false;
  const texts = ['username', 'password', 'email', 'auth'].map((name) => foldedField(value, name) ?? '');
  if (texts.some((text) => typeof text !== 'string')) return false;
  const auth = texts[3];
  if (typeof auth !== 'string' || auth === '') return true;
  // encoding/base64 passes over line breaks.
  const bare = auth.trim().replaceAll(/[\r\n]/g, '');
  const shape = bare.endsWith('=')
    ? /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)$/
    : /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3})?$/;
  return shape.test(bare) && Buffer.from(bare, 'base64').toString('latin1').includes(':');
}

function foldedField(record: Readonly<Record<string, unknown>>, name: string): unknown {
  const key = Object.keys(record).findLast((written) => written.toLowerCase() === name);
  return key === undefined ? undefined : record[key];
}
