/** What the next start of containerd or of the kubelet would bring: files that have changed since, and were read only then. */
import type { Seen } from '#report/outcome.ts';
import type { KubeletView } from '#kubelet/view.ts';
import type { PullPlan } from './plan.ts';
import type { NodeView, RuntimeConfig, SystemRoots } from '#node/view.ts';

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

/** The node as it would be; undefined where the story of a pull stays the same but for proxy and roots. */
export function restarted(view: NodeView): NodeView | undefined {
  const { next, runtime, kubelet, system, ...rest } = view;
  if (next?.config === undefined && next?.providers === undefined) return undefined;
  const { proxyNext, proxy, ...programme } = runtime;
  return {
    ...rest,
    kubelet: { ...kubelet, providers: next.providers ?? kubelet.providers },
    runtime: { ...programme, config: next.config ?? runtime.config, proxy: proxyNext?.rules ?? proxy },
    system: { ...system, roots: next.roots ?? system.roots },
    doubts: view.doubts.filter(({ is }) => is !== 'if_restarted'),
  };
}

/** Whether the kubelet and containerd would do the same by both. Secrets are not compared: with any, it is not known. */
export function areEquivalent(one: PullPlan, other: PullPlan): boolean {
  const story = ({ engine, routes, identities }: PullPlan): string =>
    JSON.stringify([engine.kind, routes, identities.ok ? identities.value.map(({ label }) => label) : identities]);
  const hasSecrets = [one, other].some(({ staticAuths }) => Object.keys(staticAuths).length > 0);
  return !hasSecrets && story(one) === story(other);
}
