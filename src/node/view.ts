/**
 * A node's configuration as its programs read it, grouped by the program: the kubelet, the container runtime, and the
 * operating system that the runtime runs on.
 */
import type { CertificateFacts, PemFile } from '#report/certificate.ts';
import type { Disks, SnapshotSettings } from '#kubelet/disk.ts';
import type { FoundDistribution } from './distribution.ts';
import type { Outcome, Seen } from '#report/outcome.ts';
import type { Fault } from '#report/fault.ts';
import type { KubeletView } from '#kubelet/view.ts';
import type { Platform } from '#image/platform.ts';
import type { ProxyNext, ProxyRules } from '#go/http-proxy.ts';
import type { Secret } from '#report/secret.ts';

export interface NodeView {
  readonly name: string;
  readonly platform: Platform;
  /** What other nodes of the cluster need builds for, such as `linux/arm64`; absent where nobody said. */
  readonly clusterPlatforms?: readonly string[];
  readonly kubelet: KubeletView;
  readonly runtime: RuntimeView;
  readonly system: SystemView;
  /** What its programs would go by after their next start; absent: the same, or nobody can tell. */
  readonly next?: NextStart;
  /** Faults met while reading that stop nothing by themselves, such as an unparsable hosts.toml. */
  readonly warnings: readonly Fault[];
  /** Why a verdict from this view may differ from the running programs' behaviour. Empty: exact. */
  readonly doubts: readonly Doubt[];
  /** Absent where none was recognised, or nothing was looked for. */
  readonly distribution?: FoundDistribution;
  /** Where the flags of its programs were read. */
  readonly launches?: { readonly runtime: LaunchSource; readonly kubelet: LaunchSource };
  /** What may decide a pull, and could not be seen from here. */
  readonly unseen?: readonly Unseen[];
}

export interface LaunchSource {
  /** `nothing`: no source has them, and `where` says what was looked for. */
  readonly from: 'process' | 'unit' | 'file' | 'nothing';
  readonly where: string;
}

/** A failure that rests on what is hidden is no failure yet: the verdict is unknown, and `how` says what shows it. */
export interface Unseen {
  readonly about: Concern;
  readonly what: string;
  readonly why: string;
  readonly how?: string;
}

/** What the next start of the runtime or of the kubelet changes: files that were read only at the start, and have changed since. */
export interface NextStart {
  readonly pending: readonly Pending[];
  /** What would be another; absent: it stays as it is. */
  readonly config?: Seen<RuntimeConfig>;
  readonly roots?: SystemRoots;
  readonly providers?: KubeletView['providers'];
}

export interface Pending {
  readonly of: 'containerd' | 'the kubelet';
  readonly about: 'runtime' | 'roots' | 'credentials';
  /** `/etc/containerd/config.toml is newer than the running containerd`. */
  readonly because: string;
}

export type Concern = 'runtime' | 'proxy' | 'roots' | 'resolver' | 'credentials' | 'platform' | 'content' | 'policy';

export interface Doubt {
  readonly is: 'if_restarted' | 'approximate';
  readonly about: Concern;
  readonly because: string;
}

export interface RuntimeVersion {
  /** As in node.status.nodeInfo: `containerd`. */
  readonly name: string;
  /** Without a leading v: `2.1.9`. */
  readonly text: string;
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

export interface RuntimeView {
  readonly version: RuntimeVersion;
  readonly config: Seen<RuntimeConfig>;
  readonly proxy: ProxyRules;
  /** What it would have after its next restart, where that differs and something was changed since it started. */
  readonly proxyNext?: ProxyNext;
  /** What only this runtime has. */
  readonly own?: OwnView;
}

/** The part of a view that only one runtime understands; that runtime narrows it by its name. */
export interface OwnView {
  readonly runtime: string;
}

/** The image-related settings in force in containerd's configuration (all files merged, migrated and defaulted). */
export interface RuntimeConfig {
  /** Which of containerd's two pull code paths is in use: in-process (`local`) or the transfer service. */
  readonly engine: 'local' | 'transfer';
  readonly registry: RegistryConfig;
  /** `registry.headers`: sent with every registry request. */
  readonly headers: readonly Header[];
  /** `registry.configs.<host>.auth` and `registry.auths`, keyed by the network host:port that challenges. */
  readonly auths: Readonly<Record<string, StaticAuth>>;
  readonly sandboxImage: string;
  readonly root: string;
  /** Where layers are unpacked, and by whom; absent where nobody looked. */
  readonly snapshots?: SnapshotSettings;
  /** A pull is given up after so long without a byte; 0: never. Absent where nobody looked. */
  readonly progressTimeoutMs?: number;
}

export type Header = readonly [name: string, value: string];

export interface StaticAuth {
  readonly username: string;
  readonly password: Secret;
  readonly identityToken?: Secret;
}

export type RegistryConfig =
  | { readonly kind: 'hosts_dirs'; readonly roots: readonly HostsRoot[] }
  | {
      readonly kind: 'legacy';
      /** `registry.mirrors.<host>.endpoint`; the key `*` serves hosts that have none. */
      readonly mirrors: Readonly<Record<string, readonly string[]>>;
      /** `registry.mirrors.<host>.rewrite` of k3s's fork; absent: none. */
      readonly rewrites?: Readonly<Record<string, readonly Rewrite[]>>;
      /** `registry.configs.<host:port>.tls`; gone in 2.0. */
      readonly tls: Readonly<Record<string, Outcome<TlsRule>>>;
    };

/** One root of config_path as it stands on disk. `dirs` holds every directory found directly below it, by name. */
export interface HostsRoot {
  readonly path: string;
  readonly dirs: Readonly<Record<string, HostsDir>>;
}

/** certs.d/<name>: what containerd makes of it. */
export interface HostsDir {
  readonly path: string;
  readonly is: Outcome<HostsRules>;
}

export type HostsRules =
  | {
      readonly from: 'hosts.toml';
      readonly file: string;
      readonly hosts: readonly HostRule[];
      readonly server: HostRule;
    }
  /** No (usable) hosts.toml: `*.crt`, `*.cert` and `*.key` beside it serve the upstream. */
  | { readonly from: 'cert_files'; readonly tls: TlsRule };

/** One `[host."…"]` table, or the root of the file (`server`, whose `url` may be absent). */
export interface HostRule {
  readonly url?: string;
  readonly capabilities: readonly ('pull' | 'resolve' | 'push' | 'referrers')[];
  readonly overridePath: boolean;
  /** Set where any of ca, client or skip_verify is written, which turns an http:// entry into "https first". */
  readonly tls?: TlsRule;
  readonly headers: readonly Header[];
  readonly dialTimeoutMs?: number;
  /** `rewrite` of k3s's fork: patterns for the repository, and what they make of it. */
  readonly rewrites?: readonly Rewrite[];
}

export type Rewrite = readonly [pattern: string, replacement: string];

export interface TlsRule {
  readonly verify: boolean;
  /** Added to the system's roots. */
  readonly extraRoots: readonly PemFile[];
  readonly clients: readonly ClientPair[];
}

export interface ClientPair {
  readonly certPath: string;
  readonly cert: string;
  readonly key: Secret;
  /** Of the first certificate, which is the client's. */
  readonly certificate?: CertificateFacts;
}

export interface SystemView {
  readonly resolver: Resolver;
  readonly roots: SystemRoots;
  /** Absent where nobody looked. */
  readonly disks?: Seen<Disks>;
}

export interface SystemRoots {
  /** PEM texts, bundle first and then the directories' files, as Go's crypto/x509 loads them. */
  readonly pems: readonly PemFile[];
}

/** The node's resolver as Go's net package configures itself from resolv.conf, hosts and nsswitch.conf. */
export interface Resolver {
  /** `libc` where Go would hand over to the C library; we then approximate it with the same files. */
  readonly path: 'go' | 'libc';
  readonly order: readonly ('files' | 'dns')[];
  readonly servers: readonly { readonly address: string; readonly port: number }[];
  readonly search: readonly string[];
  readonly ndots: number;
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly rotate: boolean;
  readonly useTcp: boolean;
  readonly singleRequest: boolean;
  /** Lower-cased host name → addresses in file order. */
  readonly hosts: Readonly<Record<string, readonly string[]>>;
}

/** A digest whose content is on the node already. */
export type LocalContent = (digest: string) => Promise<Uint8Array | undefined>;
