/** Which demands may land on which nodes, and why the other nodes are spared. Pure. */
import { fits, type NodePlace, type Placement } from '#kubelet/placement.ts';
import type { Demand } from '#node/view.ts';

export interface PlacedDemand {
  readonly demand: Demand;
  /** Of everybody who wants it: one that fits is enough. */
  readonly placements: readonly Placement[];
}

export interface Landing<N> {
  /** Only nodes on which something may land. */
  readonly nodes: ReadonlyMap<N, readonly PlacedDemand[]>;
  /** Nodes on which nothing may land. */
  readonly spared: readonly Spared[];
}

export interface Spared {
  readonly node: string;
  readonly because: string;
}

export function land<N extends NodePlace>(nodes: readonly N[], wanted: readonly PlacedDemand[]): Landing<N> {
  const landing = new Map<N, readonly PlacedDemand[]>();
  const spared: Spared[] = [];
  for (const node of nodes) {
    const because = new Set<string>();
    const here = wanted.filter(({ placements }) => {
      const answers = placements.map((placement) => fits(placement, node));
      for (const answer of answers) if (!answer.fits) because.add(answer.because);
      return answers.some((answer) => answer.fits);
    });
    if (here.length > 0) landing.set(node, here);
    else spared.push({ node: node.name, because: [...because].slice(0, 3).join('; ') });
  }
  return { nodes: landing, spared };
}

/** Everything on every node, wherever it could be scheduled. */
export function landEverywhere<N extends NodePlace>(nodes: readonly N[], wanted: readonly PlacedDemand[]): Landing<N> {
  return { nodes: new Map(nodes.map((node) => [node, wanted])), spared: [] };
}
