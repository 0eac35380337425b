/**
 * Door: how many agents there are, from the status of their own DaemonSet. One `get` of one object, from the API server's cache,
 * ever more seldom the more there are who ask.
 */
import { good, type Outcome } from '#report/outcome.ts';
import { faultOf, objectBounds } from '#kubernetes/api/call.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { at, numberAt } from '#kubernetes/api/json.ts';

/** Agents that run or are to run: the larger of the two, for those of an old version ask, too. */
export async function readFleet(
  cluster: Cluster,
  daemonSet: { readonly namespace: string; readonly name: string },
): Promise<Outcome<number>> {
  const { namespace, name } = daemonSet;
  const path = `/apis/apps/v1/namespaces/${encodeURIComponent(namespace)}/daemonsets/${encodeURIComponent(name)}`;
  const answer = await cluster.ask({ method: 'GET', path, query: { resourceVersion: '0' }, ...objectBounds });
  if (answer.is !== 'answered') return faultOf(`the DaemonSet ${namespace}/${name}`, answer);
  const status = at(answer.body, 'status');
  const counts = [numberAt(status, 'desiredNumberScheduled'), numberAt(status, 'currentNumberScheduled')];
  return good(Math.max(1, ...counts.flatMap((count) => count ?? [])));
}

const shortestMs = 600_000;
/** All agents together ask no more often than every so many milliseconds. */
const betweenMs = 100;

/** Until this agent asks again. `dice` in [0, 1). */
export function fleetPauseMs(agents: number, dice: number): number {
  return Math.max(shortestMs, agents * betweenMs) * (0.8 + 0.4 * dice);
}
