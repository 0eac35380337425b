/**
 * Door: turns that the agents of a fleet book together, one Lease a lane in their own namespace. Two calls for a booking, four where
 * somebody else wrote in between; the times are the API server's own, from the Date of its answers. It must not know who rehearses
 * what, nor what is done where nothing can be booked.
 */
import { createHash } from 'node:crypto';
import { type Bad, bad } from '#report/outcome.ts';
import { reserve, type ReservationRequest } from '#budget/reservations.ts';
import { type Answer, MiB, faultOf } from '#kubernetes/api/call.ts';
import type { Cluster } from '#kubernetes/api/connect.ts';
import { at, stringsAt, textAt } from '#kubernetes/api/json.ts';

export interface LeaseLocation {
  readonly namespace: string;
  /** Whose budget it is: `public.ecr.aws`. */
  readonly budgetKey: string;
  /** Who books. */
  readonly node: string;
  /** For each answer. Default: five seconds. */
  readonly patienceMs?: number;
}

export type Taken =
  | { readonly is: 'booked'; readonly inMs: number }
  /** There is none within reach, or two others were faster. */
  | { readonly is: 'none' }
  | { readonly is: 'failed'; readonly fault: Bad['fault'] };

/** A turn is worth little: whoever has to wait longer for the API server does better without. */
const patienceMs = 5_000;
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
  const bounds = { deadlineMs: place.patienceMs ?? patienceMs, maxBytes: MiB };
  const path = `${all}/${encodeURIComponent(name)}`;
  const found = await cluster.ask({ method: 'GET', path, ...bounds });
  const isMissing = found.is === 'refused' && found.status === 404;
  if (found.is === 'away' || (found.is === 'refused' && !isMissing)) return failed(place, found);
  const { dateMs } = found;
  if (dateMs === undefined)
    return {
      is: 'failed',
      fault: bad({ code: 'agent.cannot_see', what: whatOf(place), why: 'it tells no time' }).fault,
    };
  const standing = found.is === 'answered' ? found.body : undefined;
  const annotations = stringsAt(standing, 'metadata', 'annotations');
  const booking = reserve(annotations[reservationsKey], { ...ask, nowMs: dateMs });
  if (booking.is === 'full') return { is: 'none' };
  const body = leaseOf(place, {
    name,
    standing,
    annotations: { ...annotations, [reservationsKey]: booking.text },
    dateMs,
  });
  const call = standing === undefined ? ({ method: 'POST', path: all } as const) : ({ method: 'PUT', path } as const);
  const written = await cluster.ask({ ...call, body, ...bounds });
  if (written.is === 'answered') return { is: 'booked', inMs: booking.atMs - dateMs };
  return written.is === 'refused' && written.status === 409 ? 'conflict' : failed(place, written);
}

interface Writing {
  readonly name: string;
  readonly standing: unknown;
  readonly annotations: Readonly<Record<string, string>>;
  readonly dateMs: number;
}

/** The version that was read is the precondition: of two writers one is refused. */
function leaseOf(
  { namespace, budgetKey, node }: LeaseLocation,
  { name, standing, annotations, dateMs }: Writing,
): unknown {
  const version = textAt(standing, 'metadata', 'resourceVersion');
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name,
      namespace,
      ...(version === '' ? {} : { resourceVersion: version }),
      labels: { ...stringsAt(standing, 'metadata', 'labels'), 'app.kubernetes.io/name': 'drypull-reservations' },
      annotations: { ...annotations, 'drypull/registry': budgetKey },
    },
    // Who booked last, and when, for people who look: nobody holds it. MicroTime wants six digits.
    spec: {
      ...fieldsAt(standing),
      holderIdentity: node,
      renewTime: new Date(dateMs).toISOString().replace('Z', '000Z'),
    },
  };
}

function fieldsAt(standing: unknown): object {
  const spec = at(standing, 'spec');
  return typeof spec === 'object' && spec !== null ? spec : {};
}

function failed(place: LeaseLocation, answer: Exclude<Answer, { readonly is: 'answered' }>): Taken {
  return { is: 'failed', fault: faultOf(whatOf(place), answer).fault };
}

function whatOf({ namespace, budgetKey }: LeaseLocation): string {
  return `the Lease ${namespace}/${leaseName(budgetKey)}`;
}

/** A lane is a host, perhaps with a port, and a name in Kubernetes a DNS subdomain (RFC 1123). */
export function leaseName(budgetKey: string): string {
  const isName =
    budgetKey.length <= 200 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(budgetKey);
  const tail = isName ? budgetKey : createHash('sha256').update(budgetKey).digest('hex').slice(0, 16);
  return `drypull-reservations-${tail}`;
}
