/** The runtimes that drypull imitates, and which of them a node or a plan is about. */
import type { ProviderAnswer } from '#kubelet/view.ts';
import type { NodeView } from '#node/view.ts';
import { containerd } from './containerd/runtime.ts';
import type { PullPlan, ReadDemand } from './plan.ts';
import type { Runtime } from './runtime.ts';

const runtimes: readonly Runtime[] = [containerd];

/** By its name in nodeInfo. containerd's own `read` refuses a name that it does not know. */
export function runtimeOf(name: string): Runtime {
  return runtimes.find((runtime) => runtime.name === name) ?? containerd;
}

export function planFor(view: NodeView, demand: ReadDemand, answers: readonly ProviderAnswer[]): PullPlan {
  return runtimeOf(view.runtime.version.name).plan(view, demand, answers);
}
