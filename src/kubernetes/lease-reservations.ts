/**
 * Reservations that the agents of a fleet share, in one Lease for each budget key in their own namespace. A reservation takes two
 * calls, and four after a conflict. The times are the API server's, from the Date of its answers.
 */
import { createHash } from 'node:crypto';
import { type Bad, bad } from '#report/outcome.ts';
import { reserve, type ReservationRequest } from '#budget/reservations.ts';
import { type Answer, MiB, faultOf } from '#kubernetes/api/call.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { isSubdomain } from '#kubernetes/api/names.ts';
import { at, stringsAt, textAt } from '#kubernetes/api/json.ts';

export interface LeaseLocation {
  readonly namespace: string;
  /** `public.ecr.aws`. */
  readonly budgetKey: string;
  /** The node that reserves. */
  readonly node: string;
  /** For each answer. Default: five seconds. */
  readonly timeoutMs?: number;
}

export type Taken =
  | { readonly is: 'booked'; readonly inMs: number }
  /** No slot is free soon enough, or two writes conflicted. */
  | { readonly is: 'none' }
  | { readonly is: 'failed'; readonly fault: Bad['fault'] };

/** Waiting longer for the API server costs more than a reservation is worth. */
const defaultTimeoutMs = 5_000;
const reservationsKey = 'drypull/reservations';

export async function reserveInLease(
  cluster: Cluster,
  place: LeaseLocation,
  ask: Pick<ReservationRequest, 'perMinute' | 'cost'>,
): Promise<Taken> {
  for (let tries = 1; tries <= 2; tries += 1) {
    const taken = await takeOnce(cluster, place, ask);
    if (taken !== 'conflict') return taken;
  }
  return { is: 'none' };
}

async function takeOnce(
  cluster: Cluster,
  place: LeaseLocation,
  ask: Pick<ReservationRequest, 'perMinute' | 'cost'>,
): Promise<Taken | 'conflict'> {
  const all = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(place.namespace)}/leases`;
  const name = leaseName(place.budgetKey);
  const bounds = { deadlineMs: place.timeoutMs ?? defaultTimeoutMs, maxBytes: MiB };
  const path = `${all}/${encodeURIComponent(name)}`;
  const found = await cluster.ask({ method: 'GET', path, ...bounds });
  const isMissing = found.is === 'refused' && found.status === 404;
  if (found.is === 'away' || (found.is === 'refused' && !isMissing)) return failed(place, found);
  const { dateMs } = found;
  if (dateMs === undefined)
    return {
      is: 'failed',
      fault: bad({ code: 'agent.cannot_see', what: whatOf(place), why: 'its answer has no Date' }).fault,
    };
  const lease = found.is === 'answered' ? found.body : undefined;
  const annotations = stringsAt(lease, 'metadata', 'annotations');
  const booking = reserve(annotations[reservationsKey], { ...ask, nowMs: dateMs });
  if (booking.is === 'full') return { is: 'none' };
  const body = leaseOf(place, {
    name,
    lease,
    annotations: { ...annotations, [reservationsKey]: booking.text },
    dateMs,
  });
  const call = lease === undefined ? ({ method: 'POST', path: all } as const) : ({ method: 'PUT', path } as const);
  const written = await cluster.ask({ ...call, body, ...bounds });
  if (written.is === 'answered') return { is: 'booked', inMs: booking.atMs - dateMs };
  return written.is === 'refused' && written.status === 409 ? 'conflict' : failed(place, written);
}

interface Writing {
  readonly name: string;
  readonly lease: unknown;
  readonly annotations: Readonly<Record<string, string>>;
  readonly dateMs: number;
}

/** With the version that was read as the precondition: one of two concurrent writers is refused. */
function leaseOf(
  { namespace, budgetKey, node }: LeaseLocation,
  { name, lease, annotations, dateMs }: Writing,
): unknown {
  const version = textAt(lease, 'metadata', 'resourceVersion');
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name,
      namespace,
      ...(version === '' ? {} : { resourceVersion: version }),
      labels: { ...stringsAt(lease, 'metadata', 'labels'), 'app.kubernetes.io/name': 'drypull-reservations' },
      annotations: { ...annotations, 'drypull/registry': budgetKey },
    },
    // The last reservation, for `kubectl get lease`: no node holds the Lease. MicroTime needs six digits.
    spec: {
      ...fieldsAt(lease),
      holderIdentity: node,
      renewTime: new Date(dateMs).toISOString().replace('Z', '000Z'),
    },
  };
}

function fieldsAt(lease: unknown): object {
  const spec = at(lease, 'spec');
  return typeof spec === 'object' && spec !== null ? spec : {};
}

function failed(place: LeaseLocation, answer: Exclude<Answer, { readonly is: 'answered' }>): Taken {
  return { is: 'failed', fault: faultOf(whatOf(place), answer).fault };
}

function whatOf({ namespace, budgetKey }: LeaseLocation): string {
  return `the Lease ${namespace}/${leaseName(budgetKey)}`;
}

/** A budget key is a host, perhaps with a port; a Kubernetes name is a DNS subdomain (RFC 1123). */
function leaseName(budgetKey: string): string {
  const tail =
    budgetKey.length <= 200 && isSubdomain(budgetKey)
      ? budgetKey
      : createHash('sha256').update(budgetKey).digest('hex').slice(0, 16);
  return `drypull-reservations-${tail}`;
}
