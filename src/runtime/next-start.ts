/** A node after the next start of its runtime and kubelet, where files that they read only then have changed. */
import type { NodeView } from '#node/view.ts';
import type { PullPlan } from './plan.ts';

/** The node as it would be; undefined where at most proxy and roots would change. */
export function restarted(view: NodeView): NodeView | undefined {
  const { next, runtime, kubelet, system, ...rest } = view;
  if (next?.config === undefined && next?.providers === undefined) return undefined;
  const { proxyNext, proxy, ...others } = runtime;
  return {
    ...rest,
    kubelet: { ...kubelet, providers: next.providers ?? kubelet.providers },
    runtime: { ...others, config: next.config ?? runtime.config, proxy: proxyNext?.rules ?? proxy },
    system: { ...system, roots: next.roots ?? system.roots },
    doubts: view.doubts.filter(({ is }) => is !== 'if_restarted'),
  };
}

/** Whether the kubelet and its runtime do the same by both plans. Secrets are not compared: with any, the answer is no. */
export function areEquivalent(one: PullPlan, other: PullPlan): boolean {
  const steps = ({ engine, routes, identities }: PullPlan): string =>
    JSON.stringify([engine.kind, routes, identities.ok ? identities.value.map(({ label }) => label) : identities]);
  const hasSecrets = [one, other].some(({ staticAuths }) => Object.keys(staticAuths).length > 0);
  return !hasSecrets && steps(one) === steps(other);
}
