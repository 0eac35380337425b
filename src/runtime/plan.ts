/** What the kubelet and its runtime would try for one image, in order, and why. Made without a packet. */
import { keyringFor, type Credential, type UnusedSecret } from '#kubelet/keyring.ts';
import { engineOf, type Engine } from '#runtime/containerd/versions.ts';
import { ownerOf, type Fault } from '#report/fault.ts';
import type { Image } from '#image/reference.ts';
import type { Good, Outcome } from '#report/outcome.ts';
import type { Platform } from '#image/platform.ts';
import { proxyWarnings, type ProxyNext } from '#go/http-proxy.ts';
import { routesFor } from '#runtime/containerd/hosts.ts';
import type {
  Demand,
  Doubt,
  Header,
  NodeView,
  ProviderAnswer,
  ProxyRules,
  PullPolicy,
  Resolver,
  StaticAuth,
  SystemRoots,
  TlsRule,
  Unseen,
} from '#node/view.ts';

export interface PullPlan {
  readonly image: Image;
  readonly platform: Platform;
  readonly policy: PullPolicy;
  readonly engine: Engine;
  readonly resolver: Resolver;
  readonly roots: SystemRoots;
  readonly proxy: ProxyRules;
  readonly proxyNext?: ProxyNext;
  /** What the runtime would trust after its next start, where that is something else. */
  readonly rootsNext?: SystemRoots;
  readonly staticAuths: Readonly<Record<string, StaticAuth>>;
  /** The kubelet's outer loop; [anonymous] when nothing matches. A fault: the kubelet gives up before any request. */
  readonly identities: Outcome<readonly Identity[]>;
  /** The runtime's inner loop, in file order, origin last. A fault: the runtime refuses to have any. */
  readonly routes: Outcome<readonly Route[]>;
  /** Pull secrets that are named and that nobody let us read. */
  readonly unseenSecrets: readonly { readonly namespace: string; readonly name: string; readonly why: string }[];
  /** Pull secrets that hold nothing for this image. */
  readonly unusedSecrets: readonly UnusedSecret[];
  /** How the plugins that were asked for this image stand. */
  readonly providers: readonly ProviderState[];
  /** Why the kubelet's own config.json could not be read, where that is so. */
  readonly unseenFile?: Fault;
  /** Why a plugin that the kubelet would run for this image was not run by us: its credentials come after all others. */
  readonly unseenProvider?: Fault;
  /** What may decide the pull, and could not be seen. */
  readonly unseen: readonly Unseen[];
  /** Places for a docker configuration file of the kubelet that are not shown. */
  readonly hiddenFiles: readonly string[];
  readonly warnings: readonly Fault[];
  readonly doubts: readonly Doubt[];
  /** What only the runtime's own `attempt` understands. */
  readonly own?: OwnPlan;
}

/** The part of a plan that only one runtime understands; that runtime narrows it by its name. */
export interface OwnPlan {
  readonly runtime: string;
}

/** A plugin whose answer is kept, and how the next run of it would end, where that is known. */
export interface ProviderState {
  readonly name: string;
  /** The kubelet runs it again after this; absent: at each pull. */
  readonly keptUntilMs?: number;
  /** It fails now, and only its kept answer serves. */
  readonly failing?: string;
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
  /** The repository as this host is asked for it, where a rewrite makes another of it. */
  readonly repository?: string;
  readonly mayPull: boolean;
  readonly mayResolve: boolean;
  /** How TLS is done where it is done. */
  readonly tls: TlsRule;
  /** An http:// entry with TLS fields: HTTPS is tried first (containerd HTTPFallback). */
  readonly httpsFirst: boolean;
  readonly headers: readonly Header[];
  /** Those of them that go to its token service as well. */
  readonly realmHeaders: readonly Header[];
  readonly dialTimeoutMs: number;
  /** The value of `?ns=` that goes with manifests and blobs; absent where none is sent. */
  readonly ns?: string;
  /** `/etc/containerd/certs.d/docker.io/hosts.toml [host."https://mirror"]`. */
  readonly because: string;
}

/** Pure: everything that can be known before the first packet. */
export function planPull(
  view: NodeView,
  demand: Demand & { readonly image: Good<Image> },
  answers: readonly ProviderAnswer[],
): PullPlan {
  const image = demand.image.value;
  const config = view.runtime.config;
  const keyring = keyringFor(image, {
    secrets: demand.secrets,
    nodeFile: view.kubelet.nodeFile.ok ? view.kubelet.nodeFile.value : null,
    providerAnswers: answers,
  });
  const engine = engineOf(view.runtime.version, config.ok ? config.value.engine : 'local');
  const unseen = keyring.unseen.map((secret): Doubt => ({
    is: 'approximate',
    about: 'credentials',
    because: `pull secret ${secret.namespace}/${secret.name} could not be read (${secret.why})`,
  }));
  return {
    image,
    platform: view.platform,
    policy: demand.policy,
    engine,
    resolver: view.system.resolver,
    roots: view.system.roots,
    proxy: view.runtime.proxy,
    ...(view.runtime.proxyNext === undefined ? {} : { proxyNext: view.runtime.proxyNext }),
    ...(view.next?.roots === undefined ? {} : { rootsNext: view.next.roots }),
    staticAuths: config.ok ? config.value.auths : {},
    identities: keyring.identities,
    routes: config.ok ? routesFor(image, config.value, engine) : config,
    unseenSecrets: keyring.unseen,
    unusedSecrets: keyring.unused,
    providers: answers.flatMap(({ provider: name, auth, keptUntilMs, failing }) => {
      const kept = keptUntilMs === undefined ? {} : { keptUntilMs };
      return auth.ok ? [{ name, ...kept, ...(failing === undefined ? {} : { failing }) }] : [];
    }),
    ...(view.kubelet.nodeFile.ok ? {} : { unseenFile: view.kubelet.nodeFile.fault }),
    ...unseenProvider(view, answers),
    unseen: view.unseen ?? [],
    hiddenFiles: view.kubelet.hidden ?? [],
    warnings: [...view.warnings, ...proxyWarnings(view.runtime.proxy), ...providerWarnings(view), ...keyring.warnings],
    doubts: [...view.doubts, ...unseen, ...unseenFileDoubts(view), ...unseenDoubts(view)],
  };
}

/** With these the kubelet does not start; one that runs has read others. */
function providerWarnings({ kubelet: { providers } }: NodeView): readonly Fault[] {
  return !providers.ok && ownerOf(providers.fault.code) !== 'agent' ? [providers.fault] : [];
}

/** A plugin that fails is the kubelet's trouble; one that we may not run is ours. */
function unseenProvider(
  { kubelet: { providers } }: NodeView,
  answers: readonly ProviderAnswer[],
): { readonly unseenProvider?: Fault } {
  if (!providers.ok && ownerOf(providers.fault.code) === 'agent') return { unseenProvider: providers.fault };
  const [fault] = answers.flatMap(({ auth }) => (!auth.ok && ownerOf(auth.fault.code) === 'agent' ? [auth.fault] : []));
  return fault === undefined ? {} : { unseenProvider: fault };
}

function unseenDoubts({ unseen = [], kubelet: { providers } }: NodeView): readonly Doubt[] {
  const doubts = unseen.map(({ about, what, why }): Doubt => ({
    is: 'approximate',
    about,
    because: `${what}: ${why}`,
  }));
  if (providers.ok || providers.fault.code !== 'agent.cannot_see') return doubts;
  const because = `the kubelet's credential providers could not be seen (${providers.fault.why})`;
  return [...doubts, { is: 'approximate', about: 'credentials', because }];
}

function unseenFileDoubts(view: NodeView): readonly Doubt[] {
  const { nodeFile } = view.kubelet;
  if (nodeFile.ok) return [];
  return [
    {
      is: 'approximate',
      about: 'credentials',
      because: `the kubelet's own config.json could not be read (${nodeFile.source})`,
    },
  ];
}
