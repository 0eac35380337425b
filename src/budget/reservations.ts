/**
 * Turns at a registry whose budget is small for its fleet, booked one after another in one text that all agents read and write.
 * Times are of one clock, that of whoever keeps the text: what the agents' own clocks say does not matter. Pure.
 */
export interface TurnAsk {
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

interface Turn {
  readonly atMs: number;
  readonly cost: number;
}

/**
 * In any span of this length the turns together cost no more than a minute's budget: a rehearsal sends its requests within
 * some seconds, so that those of its last turn and of the first one after it must not meet in one minute.
 */
const spanMs = 70_000;
export const horizonMs = 5 * 60_000;
const mostTurns = 500;
const mostCost = 10_000;

/** `text`: what stands; undefined where nothing was ever booked. */
export function bookTurn(text: string | undefined, { perMinute, cost, nowMs }: TurnAsk): Booking {
  const spanOf = (turn: Turn): number => spanMs * Math.max(1, turn.cost / perMinute);
  const standing = read(text, { nowMs, perMinute }).filter((turn) => turn.atMs + spanOf(turn) > nowMs);
  let atMs = Math.max(nowMs, ...standing.map((turn) => turn.atMs));
  for (;;) {
    const near = standing.filter((turn) => turn.atMs + spanOf(turn) > atMs);
    const spent = near.reduce((sum, turn) => sum + turn.cost, 0);
    if (near.length === 0 || spent + cost <= perMinute) break;
    atMs = Math.min(...near.map((turn) => turn.atMs + spanOf(turn)));
  }
  if (atMs - nowMs > horizonMs || standing.length >= mostTurns) return { is: 'full' };
  const turns = [...standing, { atMs, cost }];
  return { is: 'booked', atMs, text: JSON.stringify(turns.map((turn) => [Math.round(turn.atMs), turn.cost])) };
}

/** Whatever the text: what is no list of turns counts as a minute's budget that was spent just now. */
function read(text: string | undefined, at: { readonly nowMs: number; readonly perMinute: number }): readonly Turn[] {
  if (text === undefined) return [];
  const spent: Turn = { atMs: at.nowMs, cost: at.perMinute };
  const parsed = parse(text);
  if (!Array.isArray(parsed)) return [spent];
  const items: readonly unknown[] = parsed;
  return items.slice(-mostTurns).map((item) => turnOf(item, at.nowMs) ?? spent);
}

/** A keeper's clock that is set back, or two keepers whose clocks differ, shut nobody out for longer than the horizon. */
function turnOf(item: unknown, nowMs: number): Turn | undefined {
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
