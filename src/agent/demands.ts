/**
 * What the Pods, the configuration and the runtime ask of this node, as one list: each demand with a name that stays and with
 * whether a start would ask the registry. Pure.
 */
import { parseImage, pullPolicyOf } from '#image/reference.ts';
import type { Demand } from '#node/view.ts';
import { demandKey, joinDemands, sandboxDemand } from '#kubernetes/pod-demands.ts';
import { needOf, type Verification } from '#kubelet/pull-need.ts';

export interface Sources {
  readonly pods: readonly Demand[];
  /** Of workloads that may yet send a Pod here. */
  readonly coming?: readonly Demand[];
  /** From the configuration: they are rehearsed whatever is on the node. */
  readonly own: readonly Demand[];
  /** As in the runtime's configuration; empty where it is not known. */
  readonly sandboxImage: string;
  /** Absent where the kubelet's version is not known: everything is then taken to be asked for. */
  readonly kubelet?: Verification;
}

export function askedDemands({ pods, own, sandboxImage, kubelet, coming = [] }: Sources): readonly Demand[] {
  const sandbox = sandboxDemand(sandboxImage, undefined, parseImage);
  // It is on the node although the Node's list may have no room for it: where Pods run, their sandboxes do.
  const runtime = sandbox === undefined ? [] : [{ ...sandbox, present: 'yes' } as const];
  const here = joinDemands(pods, runtime);
  // What is here already is not about to come, whoever else wants it.
  const known = new Set([...own, ...here].map(demandKey));
  const news = joinDemands(coming).filter((demand) => !known.has(demandKey(demand)));
  const wanted = [...here, ...news].map((demand) => withNeed(demand, kubelet));
  return joinDemands(own, wanted).map(named);
}

/** The operator's own images come first in joinDemands, so that what Pods want of them does not slow them down. */
function withNeed(demand: Demand, kubelet: Verification | undefined): Demand {
  if (kubelet === undefined) return demand;
  const { asks, needsProof } = needOf(demand, kubelet);
  return { ...demand, asks, ...(needsProof === undefined ? {} : { needsProof }) };
}

function named(demand: Demand): Demand {
  const name = demandName(demand);
  return name === demand.written ? demand : { ...demand, id: name };
}

/**
 * Of the demand alone, so that nobody's coming or going renames another's. The image itself where it is asked for as most
 * are: without secrets and with the policy that the API server would give it.
 */
export function demandName({ written, policy, secrets }: Pick<Demand, 'written' | 'policy' | 'secrets'>): string {
  if (secrets.length === 0 && policy === pullPolicyOf(written)) return written;
  const names = secrets.map(({ namespace, name }) => `${namespace}/${name}`);
  return `${written} (${[policy, ...names].join(', ')})`;
}
