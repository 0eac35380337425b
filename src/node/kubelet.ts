/**
 * The kubelet's mind about credentials on this node: which docker configuration file it takes (pkg/credentialprovider/config.go
 * in Kubernetes 1.36, with the older list of the same order) and where its flags point. Matching and decoding for use are
 * done elsewhere.
 */
import { parseJson } from '#data/json.ts';
import { posix } from 'node:path';
import type { KubeletLayout } from './distribution.ts';
import type { Fault } from '#report/fault.ts';
import { isFields } from '#data/fields.ts';
import { bad, good, seen, type Seen } from '#report/outcome.ts';
import { Secret } from '#report/secret.ts';
import type { KubeletView, NodeFile } from '#kubelet/view.ts';
import type { Pending } from './view.ts';
import type { Doubt } from './view.ts';
import { isShown, statPath, readText, type HostRoot, type Unread } from './host-root.ts';
import { kubeletConfigFiles, readKubeletConfig } from './kubelet-config.ts';
import { howToShow } from './distributions/mounts.ts';
import type { Launch } from './launch.ts';
import { flag } from './processes.ts';
import { providersAsStarted, settingsAsStarted, type Started } from './as-started.ts';
import { newerFile } from './proxy.ts';
import { providerFiles, readProviders, type ProviderPlace } from './providers.ts';
import { cannotSee } from './tls-files.ts';

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

export interface KubeletAsk {
  readonly facts: KubeletFacts;
  readonly layout: KubeletLayout;
  readonly launch: Launch;
}

export async function readKubelet(root: HostRoot, ask: KubeletAsk, started: Started): Promise<FoundKubelet> {
  const { facts, layout, launch } = ask;
  const { running } = started;
  const args = launch.args ?? [];
  const env = running?.env ?? launch.unit?.env;
  const home = facts.home ?? env?.get('HOME');
  const places = {
    rootDir: facts.rootDir ?? flag(args, 'root-dir') ?? layout.rootDir,
    cwd: facts.cwd ?? running?.cwd ?? '/',
    home: home ?? '',
  };
  const { file, hidden } = await readNodeFile(root, places);
  const found = facts.runsHere === true ? await noneOrUnseen(root, places.rootDir, file) : file;
  const place = await providerPlace(root, ask);
  const newerProviders =
    place.is === 'at' ? await newerFile(root, await providerFiles(root, place), running?.startedMs) : undefined;
  const read: KubeletView['providers'] =
    place.is === 'hidden'
      ? seen(place.source, bad(place.fault))
      : await readProviders(root, place.is === 'at' ? place : undefined);
  const providers = providersAsStarted({ providers: read, newer: newerProviders }, started);
  const homeKnown = home !== undefined || running?.env !== undefined || launch.unit !== undefined;
  const start = { args: launch.args, layout };
  const newer = await newerFile(root, await kubeletConfigFiles(root, start), running?.startedMs);
  const settings = settingsAsStarted({ settings: await readKubeletConfig(root, start), newer }, started);
  return {
    view: { nodeFile: found, providers: providers.now, config: settings, ...(hidden.length === 0 ? {} : { hidden }) },
    rootDir: places.rootDir,
    doubts: [...(homeKnown ? [] : await homeDoubt(root, found)), ...providers.doubts],
    pending: providers.pending,
    ...(providers.next === undefined ? {} : { nextProviders: providers.next }),
  };
}

type ProviderPlaceFound =
  | ({ readonly is: 'at' } & ProviderPlace)
  | { readonly is: 'none' }
  | { readonly is: 'hidden'; readonly source: string; readonly fault: Fault };

/**
 * Both flags or none: RegisterCredentialProviderPlugins runs only when both are set. Where no flag is known to be set, and some
 * flags could not be seen, none can be said to be missing.
 */
async function providerPlace(root: HostRoot, { facts, layout, launch }: KubeletAsk): Promise<ProviderPlaceFound> {
  const args = launch.args ?? [];
  const config = facts.credentialProviderConfig ?? flag(args, 'image-credential-provider-config') ?? '';
  const bin = facts.credentialProviderBinDir ?? flag(args, 'image-credential-provider-bin-dir') ?? '';
  if (config !== '' && bin !== '') return { is: 'at', config, bin };
  const [first] = launch.unseen;
  if (first !== undefined) return hiddenPlace("the kubelet's flags", first.unread);
  if (config !== '' || bin !== '') return { is: 'none' };
  const { providers } = layout;
  if (providers !== undefined) {
    const [hasConfig, hasBin] = [await statPath(root, providers.config), await statPath(root, providers.bin)];
    if (!hasConfig.ok && hasConfig.unread.is === 'unseen')
      return hiddenPlace('the credential providers of the kubelet', hasConfig.unread);
    return hasConfig.ok && hasBin.ok ? { is: 'at', ...providers } : { is: 'none' };
  }
  if (launch.args !== undefined || facts.runsHere !== true) return { is: 'none' };
  const how =
    'Add the component host-proc, or name the flags with imageCredentialProviderConfig and imageCredentialProviderBinDir.';
  return hiddenPlace("the kubelet's flags", { is: 'unseen', why: launch.source.where, how });
}

function hiddenPlace(what: string, unread: Unread): ProviderPlaceFound {
  return { is: 'hidden', source: what, fault: cannotSee(what, unread) };
}

/** Where a kubelet runs for certain, its directory exists: if it is not to be seen, neither is a config.json in it. */
async function noneOrUnseen(
  root: HostRoot,
  rootDir: string,
  found: Seen<NodeFile | null>,
): Promise<Seen<NodeFile | null>> {
  if (!found.ok || found.value !== null || (await statPath(root, rootDir)).ok) return found;
  const what = `the kubelet's own credentials in ${rootDir}`;
  const how = howToShow(rootDir, 'not_mounted');
  return seen(rootDir, bad({ code: 'agent.cannot_see', what, why: 'the directory is not mounted', how }));
}

/** Where nothing says what HOME is, and the answer would matter. Under systemd it is unset. */
async function homeDoubt(root: HostRoot, nodeFile: Seen<NodeFile | null>): Promise<readonly Doubt[]> {
  const other = '/root/.docker/config.json';
  if ((nodeFile.ok && nodeFile.value !== null) || !(await statPath(root, other)).ok) return [];
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

/**
 * The first that parses counts, and nothing is merged; a malformed one is passed over. What is not mounted outside of the kubelet's
 * own directories (`/config.json`) does not hide the others: it is named beside them.
 */
async function readNodeFile(
  root: HostRoot,
  places: Places,
): Promise<{ readonly file: Seen<NodeFile | null>; readonly hidden: readonly string[] }> {
  const hidden: string[] = [];
  for (const [path, format] of nodeFilePaths(places)) {
    const text = await readText(root, path);
    if (!text.ok && text.unread.is === 'unseen') {
      const isOwn = [places.rootDir, places.home].some((dir) => dir !== '' && path.startsWith(`${dir}/`));
      if (!isOwn && !isShown(root, path)) hidden.push(path);
      else return { file: seen(path, bad(cannotSee(path, text.unread))), hidden };
    }
    if (text.ok && parses(text.value, format)) {
      return { file: seen(path, good({ path, format, text: new Secret(text.value) })), hidden };
    }
  }
  return { file: seen('no docker configuration file of the kubelet', good(null)), hidden };
}

/** Whether json.Unmarshal into DockerConfigJSON or DockerConfig succeeds, entries included. */
function parses(text: string, format: NodeFile['format']): boolean {
  const value = parseJson(text);
  if (value === undefined) return false;
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
