/**
 * What the kubelet and its runtime would try for one image, in order, and why. A plan is made before the first packet. The runtime adds its
 * routes; what the kubelet contributes is the same for every runtime.
 */
import type { PullPolicy } from '#kubelet/pull-policy.ts';
import type { ProviderAnswer } from '#kubelet/view.ts';
import type { Demand } from '#kubelet/demand.ts';
import type { Identity } from '#kubelet/credential.ts';
import { keyringFor, type UnusedSecret } from '#kubelet/keyring.ts';
import { ownerOf, type Fault } from '#report/fault.ts';
import type { Image } from '#image/reference.ts';
import type { Good, Outcome } from '#report/outcome.ts';
import type { Platform } from '#image/platform.ts';
import { proxyWarnings, type ProxyNext, type ProxyRules } from '#go/http-proxy.ts';
import type { Engine } from './engine.ts';
import type { Doubt, Header, NodeView, Resolver, StaticAuth, SystemRoots, TlsRule, Unseen } from '#node/view.ts';

/** What the node and the kubelet contribute to a plan. */
export interface KubeletPlan {
  readonly image: Image;
  readonly platform: Platform;
  readonly policy: PullPolicy;
  readonly resolver: Resolver;
  readonly roots: SystemRoots;
  readonly proxy: ProxyRules;
  readonly proxyNext?: ProxyNext;
  /** What the runtime trusts after its next start, where that differs. */
  readonly rootsNext?: SystemRoots;
  /** The kubelet's outer loop; [anonymous] when nothing matches. A fault: the kubelet gives up before any request. */
  readonly identities: Outcome<readonly Identity[]>;
  /** Pull secrets that are named and that the agent could not read. */
  readonly unseenSecrets: readonly { readonly namespace: string; readonly name: string; readonly why: string }[];
  /** Pull secrets that hold nothing for this image. */
  readonly unusedSecrets: readonly UnusedSecret[];
  /** The state of the plugins that were run for this image. */
  readonly providers: readonly ProviderState[];
  /** Why the kubelet's own config.json could not be read, where that is so. */
  readonly unseenFile?: Fault;
  /** Why the agent did not run a plugin that the kubelet runs for this image: its credentials come after all others. */
  readonly unseenProvider?: Fault;
  /** What may decide the pull, and could not be seen. */
  readonly unseen: readonly Unseen[];
  /** Places for a docker configuration file of the kubelet that are not shown. */
  readonly hiddenFiles: readonly string[];
  readonly warnings: readonly Fault[];
  readonly doubts: readonly Doubt[];
}

export interface PullPlan extends KubeletPlan {
  readonly engine: Engine;
  /** The runtime's own credentials, by the host that asks for them. */
  readonly staticAuths: Readonly<Record<string, StaticAuth>>;
  /** The runtime's inner loop, in file order, origin last. A fault: the runtime's configuration gives it none. */
  readonly routes: Outcome<readonly Route[]>;
  /** What only the runtime's own `attempt` understands. */
  readonly own?: OwnPlan;
}

/** The part of a plan that only one runtime understands; that runtime narrows it by its name. */
export interface OwnPlan {
  readonly runtime: string;
}

/** A plugin whose answer is kept, and how its next run would end, where that is known. */
interface ProviderState {
  readonly name: string;
  /** The kubelet runs it again after this; absent: at each pull. */
  readonly keptUntilMs?: number;
  /** It fails now, and only its kept answer serves. */
  readonly failing?: string;
}

export interface Route {
  readonly role: 'mirror' | 'origin';
  readonly scheme: 'https' | 'http';
  /** Host as the URL has it, without the port. IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** As the URL and the Host header have it: with the port only where one is written. */
  readonly authority: string;
  /** `/v2`, or what override_path leaves. */
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

/** TLS by the system's roots alone. */
export const systemTrust: TlsRule = { verify: true, extraRoots: [], clients: [] };

/** A demand whose image could be read. */
export type ReadDemand = Demand & { readonly image: Good<Image> };

/** Pure: what a plan has of the node and the kubelet, whatever the runtime. */
export function planKubelet(view: NodeView, demand: ReadDemand, answers: readonly ProviderAnswer[]): KubeletPlan {
  const image = demand.image.value;
  const keyring = keyringFor(image, {
    secrets: demand.secrets,
    nodeFile: view.kubelet.nodeFile.ok ? view.kubelet.nodeFile.value : null,
    providerAnswers: answers,
  });
  const unseen = keyring.unseen.map((secret): Doubt => ({
    is: 'approximate',
    about: 'credentials',
    because: `pull secret ${secret.namespace}/${secret.name} could not be read (${secret.why})`,
  }));
  return {
    image,
    platform: view.platform,
    policy: demand.policy,
    resolver: view.system.resolver,
    roots: view.system.roots,
    proxy: view.runtime.proxy,
    ...(view.runtime.proxyNext === undefined ? {} : { proxyNext: view.runtime.proxyNext }),
    ...(view.next?.roots === undefined ? {} : { rootsNext: view.next.roots }),
    identities: keyring.identities,
    unseenSecrets: keyring.unseen,
    unusedSecrets: keyring.unused,
    providers: providerStates(answers),
    ...(view.kubelet.nodeFile.ok ? {} : { unseenFile: view.kubelet.nodeFile.fault }),
    ...unseenProvider(view, answers),
    unseen: view.unseen ?? [],
    hiddenFiles: view.kubelet.hidden ?? [],
    warnings: [...view.warnings, ...proxyWarnings(view.runtime.proxy), ...providerWarnings(view), ...keyring.warnings],
    doubts: [...view.doubts, ...unseen, ...unseenFileDoubts(view), ...unseenDoubts(view)],
  };
}

function providerStates(answers: readonly ProviderAnswer[]): readonly ProviderState[] {
  return answers.flatMap(({ provider: name, auth, keptUntilMs, failing }) => {
    const kept = keptUntilMs === undefined ? {} : { keptUntilMs };
    return auth.ok ? [{ name, ...kept, ...(failing === undefined ? {} : { failing }) }] : [];
  });
}

/** With these the kubelet does not start; a running kubelet has read others. */
function providerWarnings({ kubelet: { providers } }: NodeView): readonly Fault[] {
  return !providers.ok && ownerOf(providers.fault.code) !== 'agent' ? [providers.fault] : [];
}

/** A plugin that fails fails for the kubelet as well. A plugin that the agent may not run is the agent's own limit. */
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
