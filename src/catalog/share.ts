/**
 * What is about to land on some node: demands of workloads that may have no Pod yet, and which of them one node asks about. A
 * demand that many nodes could get is shared out, so that each image is asked about from a few nodes of each stratum (nodes
 * that most likely reach registries the same way) and not from thousands. Pure.
 */
import { type NodePlace, type Placement, fits } from '#kubelet/placement.ts';
import { type Member, hashOf, isChosen } from '#budget/rendezvous.ts';
import type { PullPolicy, Requester } from '#node/view.ts';

export interface CatalogDemand {
  readonly written: string;
  readonly policy: PullPolicy;
  /** Where its pull secrets and its ServiceAccount are. */
  readonly namespace: string;
  /** spec.imagePullSecrets. Where it has none, its Pods get those of its ServiceAccount at admission. */
  readonly secretNames: readonly string[];
  readonly account: string;
  readonly placement: Placement;
  readonly requestedBy: readonly Requester[];
}

/** A node that runs an agent. */
export interface FleetNode extends Member {
  /** Nodes of one stratum are taken to reach registries the same way; empty where nothing is known. */
  readonly stratum: string;
  /** Absent where the Nodes were not to be seen. */
  readonly place?: NodePlace;
}

export interface Myself {
  readonly place: NodePlace;
  readonly fleet: readonly FleetNode[];
}

/** Of each stratum so many nodes ask about an image: one may be the odd one out, and with two it is not known which. */
export const askers = 3;

/** Says of demands which of them this node asks about. */
export function ownShare({ place, fleet }: Myself): (demands: readonly CatalogDemand[]) => readonly CatalogDemand[] {
  const me = fleet.find(({ name }) => name === place.name);
  const peers = fleet.filter(({ stratum }) => stratum === me?.stratum);
  const fitsMe = remembered((placement: Placement) => fits(placement, place).fits);
  const candidates = remembered((placement: Placement) => new Candidates(placement, peers));
  return (demands) =>
    demands.filter((demand) => {
      if (!fitsMe(demand.placement)) return false;
      const others = candidates(demand.placement);
      return others.areKnown ? me !== undefined && others.leaveTo(me, demand) : true;
    });
}

/** Who else could get Pods of this placement. */
class Candidates {
  readonly #peers: readonly FleetNode[];
  /** False where it cannot be told who else could get them: then everybody who could has to ask. */
  readonly areKnown: boolean;
  readonly #counts: (node: FleetNode) => boolean;

  constructor(placement: Placement, peers: readonly FleetNode[]) {
    this.#peers = peers;
    this.areKnown = isAnywhere(placement) || (peers.length > 0 && peers.every((node) => node.place !== undefined));
    this.#counts = remembered(({ place }: FleetNode) => place === undefined || fits(placement, place).fits);
  }

  leaveTo(me: FleetNode, demand: CatalogDemand): boolean {
    return isChosen(hashOf(questionOf(demand)), me, { others: this.#peers, count: askers, counts: this.#counts });
  }
}

/** What makes it another question to a registry: who asks for what. */
function questionOf({ written, namespace, secretNames, account }: CatalogDemand): string {
  return JSON.stringify([written, namespace, account, ...secretNames]);
}

/** Nothing but taints keeps such Pods from any node of an agent, all of which run Linux. */
export function isAnywhere({ nodeName, nodeSelector, terms }: Placement): boolean {
  const others = Object.entries(nodeSelector).filter(([key, value]) => key !== 'kubernetes.io/os' || value !== 'linux');
  return nodeName === '' && others.length === 0 && terms === undefined;
}

/** Nobody of those who want it is here yet. */
export function isComing(requestedBy: readonly Requester[]): boolean {
  return requestedBy.length > 0 && requestedBy.every(({ coming }) => coming === true);
}

function remembered<K extends object, V>(find: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const found = find(key);
    known.set(key, found);
    return found;
  };
}
