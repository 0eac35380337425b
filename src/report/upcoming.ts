/** Demands of Pods that are yet to come. Pure. */
import type { Requester } from '#kubelet/demand.ts';

/** Every requester is a workload whose Pod is yet to come. */
export function isUpcoming(requestedBy: readonly Requester[]): boolean {
  return requestedBy.length > 0 && requestedBy.every(({ coming }) => coming === true);
}
