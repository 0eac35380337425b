/**
 * The demands of Pods, configuration and runtime as one list. Each demand gets an id that stays the same and whether a container
 * start would query the registry. Pure.
 */
import { parseImage } from '#image/reference.ts';
import type { Demand } from '#kubelet/demand.ts';
import { demandKey, joinDemands, sandboxDemand } from '#kubernetes/pod-demands.ts';
import { needOf, type Verification } from '#kubelet/pull-need.ts';
import { pullPolicyOf } from '#kubelet/pull-policy.ts';

interface Sources {
  readonly pods: readonly Demand[];
  /** Of workloads that may yet send a Pod to this node. */
  readonly upcoming?: readonly Demand[];
  /** From the configuration: rehearsed even if the image is on the node. */
  readonly own: readonly Demand[];
  /** As in the runtime's configuration; empty: not known. */
  readonly sandboxImage: string;
  /** Absent where the kubelet's version is not known: every start is then taken to query the registry. */
  readonly kubelet?: Verification;
}

export function demandsOfNode({ pods, own, sandboxImage, kubelet, upcoming = [] }: Sources): readonly Demand[] {
  const sandbox = sandboxDemand(sandboxImage, undefined, parseImage);
  // Where Pods run, the sandbox image is on the node, although the Node's list of images is truncated and may not name it.
  const runtime = sandbox === undefined ? [] : [{ ...sandbox, present: 'yes' } as const];
  const here = joinDemands(pods, runtime);
  // An image that Pods here use already is not an upcoming one.
  const known = new Set([...own, ...here].map(demandKey));
  const others = joinDemands(upcoming).filter((demand) => !known.has(demandKey(demand)));
  const wanted = [...here, ...others].map((demand) => withNeed(demand, kubelet));
  return joinDemands(own, wanted).map(named);
}

/** Images from the configuration come first in joinDemands, so that demands of Pods for them do not lengthen their cadence. */
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
 * The id depends on the demand alone, so that other demands that come or go do not change it. It is the image itself in the
 * most common case: no secrets, and the pull policy that the API server would set.
 */
export function demandName({ written, policy, secrets }: Pick<Demand, 'written' | 'policy' | 'secrets'>): string {
  if (secrets.length === 0 && policy === pullPolicyOf(written)) return written;
  const names = secrets.map(({ namespace, name }) => `${namespace}/${name}`);
  return `${written} (${[policy, ...names].join(', ')})`;
}
