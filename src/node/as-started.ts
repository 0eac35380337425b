/**
 * What waits for a restart: each part of the view that a program reads once, as the running program has read it, and beside it what the next
 * would read. Go reads its roots once, at the first certificate that it verifies (crypto/x509 root.go systemRootsPool, Go 1.26), which counts
 * as the start here; the kubelet reads its configuration and its credential providers at its start (cmd/kubelet/app/server.go, v1.36.2).
 */
import type { HostRoot } from './host-root.ts';
import type { KubeletConfig } from '#kubelet/config.ts';
import type { CredentialProvider } from '#kubelet/view.ts';
import type { Seen } from '#report/outcome.ts';
import type { AtStart, Was } from './at-start.ts';
import type { Running } from './processes.ts';
import { newerFile } from './proxy.ts';
import type { FoundRoots } from './trust.ts';
import type { Doubt, Pending, SystemRoots } from './view.ts';

export interface AsStarted<T> {
  /** What the running program uses. */
  readonly now: T;
  /** What the next one would use, where that differs. */
  readonly next?: T;
  readonly pending: readonly Pending[];
  readonly doubts: readonly Doubt[];
}

export interface Started {
  readonly running: Running | undefined;
  readonly atStart: AtStart;
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
  const because = changeText({ newer, of: 'containerd', file: found.files[0] ?? "the system's certificates" });
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
  const because = changeText({ newer, of: 'the kubelet', file: providers.source });
  return {
    now: was.value,
    next: providers,
    pending: [{ of: 'the kubelet', about: 'credentials', because }],
    doubts: [],
  };
}

/** Its next settings bring delays at most: no forecast is made of them. */
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

export function unchanged<T>(now: T): AsStarted<T> {
  return { now, pending: [], doubts: [] };
}

type Change = Pick<Pending, 'of'> & { readonly newer: string | undefined };

export function doubtsOf(was: Was<unknown>, { newer, of, about }: Change & Pick<Pending, 'about'>): readonly Doubt[] {
  if (was.is === 'same' || newer === undefined) return [];
  return [{ is: 'if_restarted', about, because: changeText({ newer, of, file: newer }) }];
}

/** A file that replaced another by a move may be older than both. */
export function changeText({ newer, of, file }: Change & { readonly file: string }): string {
  const running = `the running ${of.replace('the ', '')}`;
  return newer === undefined ? `${file} differs from when ${running} started` : `${newer} is newer than ${running}`;
}
