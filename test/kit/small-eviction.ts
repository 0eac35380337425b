/**
 * The kubelet's eviction manager, as far as one threshold of one real file system goes: the Node's DiskPressure, and the Pods that
 * are refused for it. kubernetes pkg/kubelet/eviction/eviction_manager.go synchronize and Admit, helpers.go
 * nodeConditionsObservedSince, v1.36.2.
 */
import { statfs } from 'node:fs/promises';
import type { NodeStatus } from '#rehearsal/read-view.ts';

export class SmallEviction {
  readonly #path: string;
  readonly #leastShare: number;
  readonly #transitionMs: number;
  #metMs: number | undefined;
  #is = false;
  #sinceMs: number;

  constructor(
    path: string,
    { leastShare, transitionMs }: { readonly leastShare: number; readonly transitionMs: number },
  ) {
    this.#path = path;
    this.#leastShare = leastShare;
    this.#transitionMs = transitionMs;
    this.#sinceMs = 0;
  }

  /** One look at the file system, and what the Node then says. */
  async synchronize(nowMs: number): Promise<NodeStatus> {
    const { bavail, blocks } = await statfs(this.#path);
    if (bavail / blocks < this.#leastShare) this.#metMs = nowMs;
    const is = this.#metMs !== undefined && nowMs - this.#metMs < this.#transitionMs;
    if (is !== this.#is) this.#sinceMs = nowMs;
    this.#is = is;
    const lastTransitionTime = new Date(this.#sinceMs).toISOString();
    return {
      ...{ runtime: '', os: 'linux', architecture: 'amd64' },
      conditions: [{ type: 'DiskPressure', status: is ? 'True' : 'False', lastTransitionTime }],
    };
  }

  /** What a Pod that comes now is told; undefined: it is taken. */
  refusal(): string | undefined {
    return this.#is ? 'The node had condition: [DiskPressure]. ' : undefined;
  }
}
