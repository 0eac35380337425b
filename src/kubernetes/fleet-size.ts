/**
 * The number of agents, from the status of their own DaemonSet: one `get` of one object, from the API server's cache. The more
 * agents there are, the less often each one asks.
 */
import { good, type Outcome } from '#report/outcome.ts';
import { faultOf, objectBounds } from '#kubernetes/api/call.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { at, numberAt } from '#kubernetes/api/json.ts';

/** The larger of the current and the desired number: agents of an old version send requests as well. */
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
/** All agents together send one request in this time at most. */
const betweenMs = 100;

/** Until this agent reads it again. `random` is in [0, 1). */
export function fleetPauseMs(agents: number, random: number): number {
  return Math.max(shortestMs, agents * betweenMs) * (0.8 + 0.4 * random);
}
