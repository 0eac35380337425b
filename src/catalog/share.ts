/**
 * Which demands of the catalog one node rehearses. A demand that many nodes could get is shared out, so that a few nodes of each
 * stratum (nodes that probably reach registries in the same way) rehearse each image, and not thousands. Pure.
 */
import { type NodePlace, fits } from '#kubelet/placement.ts';
import { hashOf } from '#budget/hash.ts';
import { type Member, isChosen } from '#budget/rendezvous.ts';
import type { Placement } from '#kubelet/placement-spec.ts';
import type { PullPolicy } from '#kubelet/pull-policy.ts';
import type { Requester } from '#kubelet/demand.ts';

export interface CatalogDemand {
  readonly written: string;
  readonly policy: PullPolicy;
  /** The namespace of its pull secrets and its ServiceAccount. */
  readonly namespace: string;
  /** spec.imagePullSecrets. Without any, admission gives its Pods those of the ServiceAccount. */
  readonly secretNames: readonly string[];
  readonly account: string;
  readonly placement: Placement;
  readonly requestedBy: readonly Requester[];
}

/** A node that runs an agent. */
export interface FleetNode extends Member {
  /** Nodes of one stratum are taken to reach registries in the same way; empty: not known. */
  readonly stratum: string;
  /** Absent where the Nodes cannot be read. */
  readonly place?: NodePlace;
}

interface NodeInFleet {
  readonly place: NodePlace;
  readonly fleet: readonly FleetNode[];
}

/** The nodes of each stratum that rehearse an image: with one, its own fault may mislead; with two, it is not clear whose fault it is. */
const rehearsingNodes = 3;

/** Selects the demands that this node rehearses. */
export function ownShare({
  place,
  fleet,
}: NodeInFleet): (demands: readonly CatalogDemand[]) => readonly CatalogDemand[] {
  const me = fleet.find(({ name }) => name === place.name);
  const peers = fleet.filter(({ stratum }) => stratum === me?.stratum);
  const fitsMe = memoized((placement: Placement) => fits(placement, place).fits);
  const candidates = memoized((placement: Placement) => new Candidates(placement, peers));
  return (demands) =>
    demands.filter((demand) => {
      if (!fitsMe(demand.placement)) return false;
      const others = candidates(demand.placement);
      return others.areKnown ? me !== undefined && others.includes(me, demand) : true;
    });
}

/** The other nodes that could get Pods of this placement. */
class Candidates {
  readonly #peers: readonly FleetNode[];
  /** False: it is not known which other nodes could get them. Then every node that could rehearses. */
  readonly areKnown: boolean;
  readonly #counts: (node: FleetNode) => boolean;

  constructor(placement: Placement, peers: readonly FleetNode[]) {
    this.#peers = peers;
    this.areKnown = isAnywhere(placement) || (peers.length > 0 && peers.every((node) => node.place !== undefined));
    this.#counts = memoized(({ place }: FleetNode) => place === undefined || fits(placement, place).fits);
  }

  includes(me: FleetNode, demand: CatalogDemand): boolean {
    return isChosen(hashOf(keyOf(demand)), me, { others: this.#peers, count: rehearsingNodes, counts: this.#counts });
  }
}

/** Demands with the same key send the same requests to a registry. */
function keyOf({ written, namespace, secretNames, account }: CatalogDemand): string {
  return JSON.stringify([written, namespace, account, ...secretNames]);
}

/** Only taints keep such Pods from a node of the fleet. All nodes with an agent run Linux. */
function isAnywhere({ nodeName, nodeSelector, terms }: Placement): boolean {
  const others = Object.entries(nodeSelector).filter(([key, value]) => key !== 'kubernetes.io/os' || value !== 'linux');
  return nodeName === '' && others.length === 0 && terms === undefined;
}

function memoized<K extends object, V>(find: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const found = find(key);
    known.set(key, found);
    return found;
  };
}
