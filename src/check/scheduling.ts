/** Which demands may be scheduled to which nodes, and why no demand fits the others. Pure. */
import { fits, type NodePlace } from '#kubelet/placement.ts';
import type { Placement } from '#kubelet/placement-spec.ts';
import type { Demand } from '#kubelet/demand.ts';

export interface PlacedDemand {
  readonly demand: Demand;
  /** One for each requester; one that fits is enough. */
  readonly placements: readonly Placement[];
}

export interface Scheduling<N> {
  /** The nodes that some demand fits. */
  readonly nodes: ReadonlyMap<N, readonly PlacedDemand[]>;
  readonly spared: readonly Spared[];
}

/** A node that no demand fits. */
export interface Spared {
  readonly node: string;
  readonly because: string;
}

const mostReasons = 3;

export function schedule<N extends NodePlace>(nodes: readonly N[], demands: readonly PlacedDemand[]): Scheduling<N> {
  const fitting = new Map<N, readonly PlacedDemand[]>();
  const spared: Spared[] = [];
  for (const node of nodes) {
    const because = new Set<string>();
    const here = demands.filter(({ placements }) => {
      const results = placements.map((placement) => fits(placement, node));
      for (const result of results) if (!result.fits) because.add(result.because);
      return results.some((result) => result.fits);
    });
    if (here.length > 0) fitting.set(node, here);
    else spared.push({ node: node.name, because: [...because].slice(0, mostReasons).join('; ') });
  }
  return { nodes: fitting, spared };
}

/** Every demand on every node, wherever it could be scheduled. */
export function everywhere<N extends NodePlace>(nodes: readonly N[], demands: readonly PlacedDemand[]): Scheduling<N> {
  return { nodes: new Map(nodes.map((node) => [node, demands])), spared: [] };
}
