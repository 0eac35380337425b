/**
 * What waits for a restart: each part of the view that a program reads once, by what the running one has read, and beside it what
 * the next would. containerd reads config.toml at its start (certs.d at every pull); Go its roots at the first certificate it
 * verifies, once (crypto/x509 root.go systemRootsPool, Go 1.26), which is taken for the start; the kubelet its configuration and
 * its credential providers (cmd/kubelet/app/server.go, v1.36.2).
 */
import type { KubeletConfig } from '#kubelet/config.ts';
import type { CredentialProvider } from '#kubelet/view.ts';
import type { Pending } from '#runtime/next-start.ts';
import type { Seen } from '#report/outcome.ts';
import type { Doubt, RuntimeConfig, SystemRoots } from '#node/view.ts';
import type { AtStart, Was } from '#node/at-start.ts';
import { filesOf, interpretFiles, loadContainerd, type ReadContainerd } from '#runtime/containerd/config/read.ts';
import type { Running } from '#node/processes.ts';
import { newerFile } from '#node/proxy.ts';
import type { FoundRoots } from '#node/trust.ts';
import type { HostRoot } from '#node/host-root.ts';

export interface AsStarted<T> {
  /** What the running program goes by. */
  readonly now: T;
  /** What the next one would go by, where that is something else. */
  readonly next?: T;
  readonly pending: readonly Pending[];
  readonly doubts: readonly Doubt[];
}

export interface Started {
  readonly running: Running | undefined;
  readonly atStart: AtStart;
}

export async function containerdAsStarted(ask: ReadContainerd, by: Started): Promise<AsStarted<Seen<RuntimeConfig>>> {
  const files = await loadContainerd(ask);
  const { load } = files;
  const newer = await newerFile(ask.root, filesOf(files), by.running?.startedMs);
  // A containerd that runs has read neither what stops it nor nothing.
  const isOld = newer === undefined && (load.is === 'loaded' || load.is === 'none');
  const was = by.atStart.containerd.compare(by.running, { of: ask.version.text, value: files, isOld });
  if (was.is !== 'other') {
    const now = await interpretFiles(ask, files);
    return { now, pending: [], doubts: doubtsOf(was, { newer, of: 'containerd', about: 'runtime' }) };
  }
  const now = await interpretFiles(ask, was.value);
  if (load.is === 'unseen') return unchanged(now);
  const next = await interpretFiles({ ...ask, warn: () => undefined }, files);
  const because = becauseOf({ newer, of: 'containerd', file: files.path });
  return { now, next, pending: [{ of: 'containerd', about: 'runtime', because }], doubts: [] };
}

export async function rootsAsStarted(root: HostRoot, found: FoundRoots, by: Started): Promise<AsStarted<SystemRoots>> {
  const newer = await newerFile(root, found.files, by.running?.startedMs);
  const isOld = newer === undefined && found.unread.length === 0;
  // A list of its own: what is parsed of a bundle is kept for as long as its list is.
  const was = by.atStart.roots.compare(by.running, { of: 'roots', value: [...found.roots.pems], isOld });
  if (was.is !== 'other')
    return { now: found.roots, pending: [], doubts: doubtsOf(was, { newer, of: 'containerd', about: 'roots' }) };
  const now = { pems: was.value };
  if (found.unread.length > 0) return unchanged(now);
  const because = becauseOf({ newer, of: 'containerd', file: found.files[0] ?? "the system's certificates" });
  return { now, next: found.roots, pending: [{ of: 'containerd', about: 'roots', because }], doubts: [] };
}

type Providers = Seen<readonly CredentialProvider[]>;

export function providersAsStarted(
  { providers, newer }: { readonly providers: Providers; readonly newer: string | undefined },
  by: Started,
): AsStarted<Providers> {
  const isOld = newer === undefined && providers.ok;
  const was = by.atStart.providers.compare(by.running, { of: providers.source, value: providers, isOld });
  if (was.is !== 'other')
    return { now: providers, pending: [], doubts: doubtsOf(was, { newer, of: 'the kubelet', about: 'credentials' }) };
  if (!providers.ok && providers.fault.code === 'agent.cannot_see') return unchanged(was.value);
  const because = becauseOf({ newer, of: 'the kubelet', file: providers.source });
  return {
    now: was.value,
    next: providers,
    pending: [{ of: 'the kubelet', about: 'credentials', because }],
    doubts: [],
  };
}

/** Its next settings bring delays at most: they are not foretold. */
export function settingsAsStarted(
  { settings, newer }: { readonly settings: Seen<KubeletConfig>; readonly newer: string | undefined },
  { running, atStart }: Started,
): Seen<KubeletConfig> {
  const was = atStart.kubelet.compare(running, {
    of: settings.source,
    value: settings,
    isOld: newer === undefined && settings.ok,
  });
  return was.is === 'other' ? was.value : settings;
}

function unchanged<T>(now: T): AsStarted<T> {
  return { now, pending: [], doubts: [] };
}

type Change = Pick<Pending, 'of'> & { readonly newer: string | undefined };

function doubtsOf(was: Was<unknown>, { newer, of, about }: Change & Pick<Pending, 'about'>): readonly Doubt[] {
  if (was.is === 'same' || newer === undefined) return [];
  return [{ is: 'if_restarted', about, because: becauseOf({ newer, of, file: newer }) }];
}

/** A file that was moved into another's place may be older than either. */
function becauseOf({ newer, of, file }: Change & { readonly file: string }): string {
  const running = `the running ${of.replace('the ', '')}`;
  return newer === undefined
    ? `${file} says something else than when ${running} started`
    : `${newer} is newer than ${running}`;
}
