/**
 * What the node believes (NodeView) and what the cluster asks of it (Demand). Grouped by whose belief it is: the kubelet's,
 * the container runtime's, or the operating system's that the runtime runs on.
 */
import type { CertificateFacts, PemFile } from '#report/certificate.ts';
import type { PullSecret } from '#kubelet/keyring.ts';
import type { Disks, SnapshotSettings } from '#kubelet/disk.ts';
import type { FoundDistribution } from './distribution.ts';
import type { Image } from '#image/reference.ts';
import type { NextStart } from '#runtime/next-start.ts';
import type { Outcome, Seen } from '#report/outcome.ts';
import type { Fault } from '#report/fault.ts';
import type { KubeletView } from '#kubelet/view.ts';
import type { Platform } from '#image/platform.ts';
import type { ProxyNext } from '#go/http-proxy.ts';
import type { Secret } from '#report/secret.ts';

export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';

/** Who wants an image: one container (or image volume) of one workload. */
export interface Requester {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** `container web`, `init container migrate`, `image volume models`; empty for a bare reference. */
  readonly part: string;
  /** A workload that may yet send a Pod to this node; absent where who wants it is here. */
  readonly coming?: true;
}

export interface Demand {
  readonly image: Outcome<Image>;
  /** The user's string, also where it does not parse. */
  readonly written: string;
  /** A name that stays, where the same image is asked for in several ways (other secrets, other policy); else `written`. */
  readonly id?: string;
  readonly policy: PullPolicy;
  readonly requestedBy: readonly Requester[];
  /** In the kubelet's order (pod.spec.imagePullSecrets). */
  readonly secrets: readonly PullSecret[];
  /** What is known of the image on this node; `unknown` where nobody could look. */
  readonly present: 'yes' | 'no' | 'unknown';
  /** The shortest time that a Pod which wants it has, from its start to being there; absent where none is known. */
  readonly deadlineS?: number;
  /** Processors of the nodes that Pods which want it may land on; absent: any. */
  readonly architectures?: readonly string[];
  /** Manifest digests of what its containers run now, each once; absent where none is known. */
  readonly running?: readonly string[];
  /** Whether a start of its Pods on this node would ask the registry; absent where nobody could tell. */
  readonly asks?: 'yes' | 'no' | 'perhaps';
  /** It is on the node, and the kubelet may want to have seen its Pods' credentials open it. */
  readonly needsProof?: true;
}

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

export type Concern = 'runtime' | 'proxy' | 'roots' | 'resolver' | 'credentials' | 'platform' | 'content' | 'policy';

export interface Doubt {
  readonly is: 'if_restarted' | 'approximate';
  readonly about: Concern;
  readonly because: string;
}

/** One matching plugin's answer for one image: the `auth` map, or why the kubelet would go on without it. */
export interface ProviderAnswer {
  readonly provider: string;
  readonly auth: Outcome<Readonly<Record<string, { readonly username: string; readonly password: Secret }>>>;
  /** The answer is kept until then; absent: not at all. */
  readonly keptUntilMs?: number;
  /** The answer is a kept one, and a run of the plugin since has failed: why. */
  readonly failing?: string;
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

/** Go's view of the runtime's proxy variables (golang.org/x/net/http/httpproxy Config). Absent: not set. */
export interface ProxyRules {
  readonly http?: Secret;
  readonly https?: Secret;
  readonly no?: string;
  readonly source: string;
  /** Whoever reads them knows http, https and socks5, and takes any other scheme for a host's name (Go before 1.23). */
  readonly threeSchemes?: true;
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
