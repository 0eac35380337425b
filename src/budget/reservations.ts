/**
 * Reservations for a registry whose budget is small for its fleet, made one after another in one text that all agents read and write.
 * All times are of one clock, that of the server that stores the text; the agents' clocks do not matter. Pure.
 */
export interface ReservationRequest {
  /** Of the whole fleet. */
  readonly perMinute: number;
  /** Requests for one image. */
  readonly cost: number;
  /** By the clock of the server that stores the text. */
  readonly nowMs: number;
}

type Booking =
  | { readonly is: 'booked'; readonly atMs: number; readonly text: string }
  /** No agent waits longer than `horizonMs`: later reservations are left to agents that ask later. */
  | { readonly is: 'full' };

interface Reservation {
  readonly atMs: number;
  readonly cost: number;
}

/**
 * Reservations within any span of this length cost no more than a minute's budget. A rehearsal sends its requests over some seconds,
 * so that those of the last reservation of a span and of the first one after it must not fall into one minute.
 */
const spanMs = 70_000;
const horizonMs = 5 * 60_000;
const mostReservations = 500;
const mostCost = 10_000;

/** `text`: the stored reservations; undefined: there never were any. */
export function reserve(text: string | undefined, { perMinute, cost, nowMs }: ReservationRequest): Booking {
  const spanOf = (reservation: Reservation): number => spanMs * Math.max(1, reservation.cost / perMinute);
  const current = read(text, { nowMs, perMinute }).filter(
    (reservation) => reservation.atMs + spanOf(reservation) > nowMs,
  );
  let atMs = Math.max(nowMs, ...current.map((reservation) => reservation.atMs));
  for (;;) {
    const overlapping = current.filter((reservation) => reservation.atMs + spanOf(reservation) > atMs);
    const spent = overlapping.reduce((sum, reservation) => sum + reservation.cost, 0);
    if (overlapping.length === 0 || spent + cost <= perMinute) break;
    atMs = Math.min(...overlapping.map((reservation) => reservation.atMs + spanOf(reservation)));
  }
  if (atMs - nowMs > horizonMs || current.length >= mostReservations) return { is: 'full' };
  const reservations = [...current, { atMs, cost }];
  return {
    is: 'booked',
    atMs,
    text: JSON.stringify(reservations.map((reservation) => [Math.round(reservation.atMs), reservation.cost])),
  };
}

/** An item that is malformed, or a text that is, counts as a minute's budget spent just now. */
function read(
  text: string | undefined,
  at: { readonly nowMs: number; readonly perMinute: number },
): readonly Reservation[] {
  if (text === undefined) return [];
  const spent: Reservation = { atMs: at.nowMs, cost: at.perMinute };
  const parsed = parse(text);
  if (!Array.isArray(parsed)) return [spent];
  const items: readonly unknown[] = parsed;
  return items.slice(-mostReservations).map((item) => reservationOf(item, at.nowMs) ?? spent);
}

/** Bounded by the horizon: a server's clock that is set back, or two servers whose clocks differ, block no agent for longer. */
function reservationOf(item: unknown, nowMs: number): Reservation | undefined {
  if (!Array.isArray(item)) return undefined;
  const fields: readonly unknown[] = item;
  const [atMs, cost] = fields;
  if (typeof atMs !== 'number' || typeof cost !== 'number' || !(cost > 0) || cost > mostCost) return undefined;
  return { atMs: Math.min(atMs, nowMs + horizonMs), cost };
}

function parse(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch {
    return undefined;
  }
}
