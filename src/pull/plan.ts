/** What the kubelet and its runtime would try for one image, in order, and why. Made without a packet. */
import type { Credential } from './credential.ts';
import type { Engine } from './engine.ts';
import type { Fault } from './fault.ts';
import type { Image } from './image.ts';
import type { Outcome } from './outcome.ts';
import type { Platform } from './platform.ts';
import type { Doubt, Header, ProxyRules, PullPolicy, Resolver, StaticAuth, SystemRoots, TlsRule } from './view.ts';

export interface PullPlan {
  readonly image: Image;
  readonly platform: Platform;
  readonly policy: PullPolicy;
  readonly engine: Engine;
  readonly resolver: Resolver;
  readonly roots: SystemRoots;
  readonly proxy: ProxyRules;
  readonly staticAuths: Readonly<Record<string, StaticAuth>>;
  /** The kubelet's outer loop; [anonymous] when nothing matches. A fault: the kubelet gives up before any request. */
  readonly identities: Outcome<readonly Identity[]>;
  /** The runtime's inner loop, in file order, origin last. A fault: the runtime refuses to have any. */
  readonly routes: Outcome<readonly Route[]>;
  readonly warnings: readonly Fault[];
  readonly doubts: readonly Doubt[];
}

export interface Identity {
  /** What reports show: a credential's label, or `anonymous`. */
  readonly label: string;
  readonly credential?: Credential;
}

export interface Route {
  readonly role: 'mirror' | 'origin';
  readonly scheme: 'https' | 'http';
  /** Host as it stands in the URL, without the port. IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** As it stands in the URL and the Host header: with the port only where one was written. */
  readonly authority: string;
  /** `/v2`, or what override_path left. */
  readonly path: string;
  readonly mayPull: boolean;
  readonly mayResolve: boolean;
  /** How TLS is done where it is done. */
  readonly tls: TlsRule;
  /** An http:// entry with TLS fields: HTTPS is tried first (containerd HTTPFallback). */
  readonly httpsFirst: boolean;
  readonly headers: readonly Header[];
  readonly dialTimeoutMs: number;
  /** The value of `?ns=` that goes with manifests and blobs; absent where none is sent. */
  readonly ns?: string;
  /** `/etc/containerd/certs.d/docker.io/hosts.toml [host."https://mirror"]`. */
  readonly because: string;
}
