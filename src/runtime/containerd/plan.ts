/** What containerd would try for one image: its engine and the hosts of its registry, added to what the kubelet contributes. */
import type { ProviderAnswer } from '#kubelet/view.ts';
import { planKubelet, type PullPlan, type ReadDemand } from '#runtime/plan.ts';
import type { AttemptContext } from '#runtime/attempt/context.ts';
import type { NodeView } from '#node/view.ts';
import { routesFor } from './hosts.ts';
import { engineOf, type ContainerdEngine } from './versions.ts';

export interface ContainerdPlan extends PullPlan {
  readonly engine: ContainerdEngine;
}

/** The context of an attempt by containerd's client. */
export type PullContext = AttemptContext<ContainerdPlan>;

/** Pure: everything that is known before the first packet. */
export function planPull(view: NodeView, demand: ReadDemand, answers: readonly ProviderAnswer[]): ContainerdPlan {
  const config = view.runtime.config;
  const engine = engineOf(view.runtime.version, config.ok ? config.value.engine : 'local');
  return {
    ...planKubelet(view, demand, answers),
    engine,
    staticAuths: config.ok ? config.value.auths : {},
    routes: config.ok ? routesFor(demand.image.value, config.value, engine) : config,
  };
}

/** The context of a plan that containerd's client can follow. */
export function isPullContext(context: AttemptContext): context is PullContext {
  return 'client' in context.plan.engine && context.plan.engine.client === 'containerd';
}
