/** drypull on a field, through the same doors that `check` and `agent` use. */
import type { Demand, NodeView } from '#node/view.ts';
import { bareDemand } from '#config/image-demand.ts';
import { readNode } from '#rehearsal/read-node.ts';
import { manners } from '#rehearsal/open-wire.ts';
import { Rehearser } from '#rehearsal/rehearser.ts';
import type { Target } from './fields.ts';
import { referenceOf, runtime } from './node.ts';
import { atOnce, perRegistry } from './pace.ts';

/** One agent's worth of memory; a pass over the same targets is cold the first time and warm afterwards. */
export class Rehearsing {
  readonly #rehearser: Rehearser;
  readonly #root: string;
  readonly #demands: readonly Demand[];

  constructor(root: string, targets: readonly Target[]) {
    this.#root = root;
    this.#demands = targets.map((target) => bareDemand(referenceOf(target), []));
    const clockMs = (): number => performance.now();
    this.#rehearser = new Rehearser({ hostRoot: root, env: {}, now: () => new Date(), clockMs });
  }

  async pass(): Promise<void> {
    const at = { hostRoot: this.#root, runtime, nodeName: 'bench', now: new Date() };
    const view: NodeView = await readNode({ ...at, kubelet: {} });
    const signal = new AbortController().signal;
    const pass = { manners, atOnce, perRegistry, meteredRegistries: [], signal };
    let pulls = 0;
    for await (const { image, verdict } of this.#rehearser.rehearse(view, this.#demands, pass)) {
      if (verdict.is !== 'pulls') throw new Error(`${image}: ${JSON.stringify(verdict)}`);
      pulls += 1;
    }
    if (pulls !== this.#demands.length) throw new Error(`${pulls} reports for ${this.#demands.length} images`);
  }
}
