/**
 * Turns at a registry whose budget is small for its fleet, booked one after another in one text that all agents read and write.
 * Times are of one clock, that of whoever keeps the text: what the agents' own clocks say does not matter. Pure.
 */
export interface ReservationRequest {
  /** Of the whole fleet. */
  readonly perMinute: number;
  /** Requests for one image. */
  readonly cost: number;
  /** By the keeper's clock. */
  readonly nowMs: number;
}

export type Booking =
  | { readonly is: 'booked'; readonly atMs: number; readonly text: string }
  /** Nobody waits longer than `horizonMs`: the turns after that are for those who come then. */
  | { readonly is: 'full' };

interface Reservation {
  readonly atMs: number;
  readonly cost: number;
}

/**
 * In any span of this length the turns together cost no more than a minute's budget: a rehearsal sends its requests within
 * some seconds, so that those of its last turn and of the first one after it must not meet in one minute.
 */
const spanMs = 70_000;
export const horizonMs = 5 * 60_000;
const mostReservations = 500;
const mostCost = 10_000;

/** `text`: what stands; undefined where nothing was ever booked. */
export function reserve(text: string | undefined, { perMinute, cost, nowMs }: ReservationRequest): Booking {
  const spanOf = (reservation: Reservation): number => spanMs * Math.max(1, reservation.cost / perMinute);
  const standing = read(text, { nowMs, perMinute }).filter(
    (reservation) => reservation.atMs + spanOf(reservation) > nowMs,
  );
  let atMs = Math.max(nowMs, ...standing.map((reservation) => reservation.atMs));
  for (;;) {
    const near = standing.filter((reservation) => reservation.atMs + spanOf(reservation) > atMs);
    const spent = near.reduce((sum, reservation) => sum + reservation.cost, 0);
    if (near.length === 0 || spent + cost <= perMinute) break;
    atMs = Math.min(...near.map((reservation) => reservation.atMs + spanOf(reservation)));
  }
  if (atMs - nowMs > horizonMs || standing.length >= mostReservations) return { is: 'full' };
  const reservations = [...standing, { atMs, cost }];
  return {
    is: 'booked',
    atMs,
    text: JSON.stringify(reservations.map((reservation) => [Math.round(reservation.atMs), reservation.cost])),
  };
}

/** Whatever the text: what is no list of turns counts as a minute's budget that was spent just now. */
function read(
  text: string | undefined,
  at: { readonly nowMs: number; readonly perMinute: number },
): readonly Reservation[] {
  if (text === undefined) return [];
  const spent: Reservation = { atMs: at.nowMs, cost: at.perMinute };
  const parsed = parse(text);
  if (!Array.isArray(parsed)) return [spent];
  const items: readonly unknown[] = parsed;
  return items.slice(-mostReservations).map((item) => spanOf(item, at.nowMs) ?? spent);
}

/** A keeper's clock that is set back, or two keepers whose clocks differ, shut nobody out for longer than the horizon. */
function spanOf(item: unknown, nowMs: number): Reservation | undefined {
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
