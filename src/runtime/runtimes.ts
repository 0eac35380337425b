/** Every runtime that drypull imitates, and which of them a node or a plan is about. */
import type { PullPlan } from './plan.ts';
import type { NodeView, ProviderAnswer } from '#node/view.ts';
import { containerd } from './containerd.ts';
import type { Runtime, Wanted } from './runtime.ts';

const runtimes: readonly Runtime[] = [containerd];

/** By its name in nodeInfo. containerd's own `read` refuses a name that is not its. */
export function runtimeOf(name: string): Runtime {
  return runtimes.find((runtime) => runtime.name === name) ?? containerd;
}

export function planFor(view: NodeView, demand: Wanted, answers: readonly ProviderAnswer[]): PullPlan {
  return runtimeOf(view.runtime.version.name).plan(view, demand, answers);
}
