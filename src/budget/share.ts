/**
 * One agent's share of a registry's budget for the fleet. The agents do not coordinate: each derives its share from the number of
 * agents and its own name, so that together they stay below the budget in every minute, not only on average. Pure.
 */
export type Share =
  /** For few agents: a token bucket. All agents together stay within the budget. */
  | { readonly is: 'bucket'; readonly burst: number; readonly perMinute: number }
  /** For many agents: one image in each slot. An unused slot expires: no agent has saved any after an outage. */
  | { readonly is: 'slots'; readonly everyMs: number }
  /**
   * For many agents and a budget so small that slots would be very rare: in its slot an agent makes a reservation with the fleet, and
   * rehearses when that begins (reservations.ts). Reservations never overlap, so the slots may use nearly the whole budget.
   */
  | { readonly is: 'reservations'; readonly everyMs: number };

interface ShareAsk {
  /** Of the whole fleet. */
  readonly perMinute: number;
  readonly agents: number;
  /** Requests for one image. */
  readonly cost: number;
  /** The cost that this agent knows; absent where reservations are not shared. */
  readonly reservationCost?: number;
}

const minuteMs = 60_000;
const few = 20;
/** The accepted chance that too many slots of a round fall into the same minute. */
const collisionChance = 0.05;
/** The rest is for agents that restart and begin with a full bucket. */
const usable = 0.8;
/** Images a minute of the whole fleet: above this, reservations gain little and cost the API server many requests. */
const scarce = 15;
/** How long a slot or a reservation may still be used after it began. */
const openMs = 30_000;

export function shareOf({ perMinute, agents, cost, reservationCost }: ShareAsk): Share {
  const each = (usable * perMinute) / agents;
  // A burst of one image, and then at least one in five minutes. A single agent may overdraw a little for an expensive image.
  if (agents <= 1 || each >= 1.25 * cost) {
    const burst = agents <= 1 ? each / 2 : Math.max(each / 2, cost);
    return { is: 'bucket', burst, perMinute: each - burst };
  }
  // All agents in the same minute are still within the budget.
  if (agents * cost <= perMinute) return { is: 'slots', everyMs: minuteMs };
  if (reservationCost !== undefined && perMinute / cost <= scarce)
    return { is: 'reservations', everyMs: ((agents * reservationCost) / (usable * perMinute)) * minuteMs };
  const most = perMinute / cost;
  const minutes = agents <= few ? roundForFew(agents, most) : agents / meanFor(most);
  return { is: 'slots', everyMs: minutes * minuteMs };
}

/**
 * The minutes of a round in which rarely more than `most` of a few agents have their slots in the same minute, whatever their names:
 * the chance that any `most + 1` of them do is below `collisionChance`, by the union bound over all such groups (n points on a circle
 * of T minutes lie within one minute with probability n / T^(n-1)). Where one image alone exceeds the budget, one at a time.
 */
function roundForFew(agents: number, most: number): number {
  const whole = Math.max(1, Math.floor(most));
  let groups = whole + 1;
  for (let i = 0; i <= whole; i += 1) groups *= (agents - i) / (i + 1);
  return Math.max(agents / most, (groups / collisionChance) ** (1 / whole));
}

/**
 * The mean number of images a minute, at slots that the names spread at random, for which no minute has more than `most`: the mean of a
 * Poisson distribution of which `most` is four standard deviations above. Below a mean of one, the next whole image must be rare.
 */
function meanFor(most: number): number {
  const root = (Math.sqrt(16 + 4 * Math.max(most - 1, 0.05)) - 4) / 2;
  return root ** 2;
}

/** What is left of a share. */
export interface TokenBucket {
  readonly tokens: number;
  readonly atMs: number;
  /** When a slot was used last. */
  readonly usedMs: number;
  /** When the reservation begins. */
  readonly reservedMs?: number;
}

interface Slot {
  readonly nowMs: number;
  /** In [0, 1): the part of each round at which this agent's slot begins. */
  readonly phase: number;
}

export function fullBucket(share: Share, nowMs: number): TokenBucket {
  return { tokens: share.is === 'bucket' ? share.burst : 0, atMs: nowMs, usedMs: Number.NEGATIVE_INFINITY };
}

export function affords(bucket: TokenBucket, share: Share, at: Slot & { readonly cost: number }): boolean {
  if (share.is === 'bucket') return tokensAt(bucket, share, at.nowMs) >= Math.min(at.cost, share.burst);
  if (share.is === 'reservations') return isReserved(bucket, at.nowMs);
  // A slot of a round before the cost was known counts too.
  return isSlot(share.everyMs, at) && isUnused(bucket, share, at);
}

/** It is this agent's slot, and it has no reservation yet. */
export function needsReservation(bucket: TokenBucket, share: Share, at: Slot): boolean {
  if (share.is !== 'reservations' || (bucket.reservedMs !== undefined && at.nowMs < bucket.reservedMs + openMs))
    return false;
  return isSlot(share.everyMs, at) && isRoundUnused(bucket, share.everyMs, at.nowMs);
}

/** `reservedMs`: when the reservation begins; undefined: none was available, and the slot is used. */
export function withReservation(
  { tokens, atMs }: TokenBucket,
  nowMs: number,
  reservedMs: number | undefined,
): TokenBucket {
  return { tokens, atMs, usedMs: nowMs, ...(reservedMs === undefined ? {} : { reservedMs }) };
}

function isReserved({ reservedMs }: TokenBucket, nowMs: number): boolean {
  return reservedMs !== undefined && nowMs >= reservedMs && nowMs < reservedMs + openMs;
}

function isSlot(everyMs: number, at: Slot): boolean {
  return at.nowMs - lastSlot(everyMs, at) < Math.min(everyMs / 10, openMs);
}

/** The slot of the current round is unused: it may be taken in advance. */
export function isUnused(
  bucket: TokenBucket,
  share: Share,
  { nowMs, cost }: { readonly nowMs: number; readonly cost: number },
): boolean {
  if (share.is === 'bucket') return tokensAt(bucket, share, nowMs) >= Math.min(cost, share.burst);
  return share.is === 'reservations' ? isReserved(bucket, nowMs) : isRoundUnused(bucket, share.everyMs, nowMs);
}

/** After the clock was set back, the slot counts as unused. */
function isRoundUnused({ usedMs }: TokenBucket, everyMs: number, nowMs: number): boolean {
  return usedMs > nowMs || nowMs - usedMs >= 0.8 * everyMs;
}

/** `cost` may be negative: a cost that was set aside and not needed. */
export function spend(
  bucket: TokenBucket,
  share: Share,
  at: { readonly nowMs: number; readonly cost: number },
): TokenBucket {
  const { nowMs, cost } = at;
  if (share.is === 'reservations') return cost > 0 ? withReservation(bucket, bucket.usedMs, undefined) : bucket;
  if (share.is === 'slots') return { ...bucket, usedMs: cost > 0 ? nowMs : bucket.usedMs };
  const tokens = tokensAt(bucket, share, nowMs) - cost;
  // Bounded: however much a check cost, the agent is blocked for some minutes at most.
  return { ...bucket, tokens: Math.max(Math.min(tokens, share.burst), -4 * share.burst), atMs: nowMs };
}

/** When the cost can be afforded: now, or later. */
export function affordableMs(bucket: TokenBucket, share: Share, at: Slot & { readonly cost: number }): number {
  if (affords(bucket, share, at)) return at.nowMs;
  if (share.is === 'reservations' && bucket.reservedMs !== undefined && bucket.reservedMs > at.nowMs)
    return bucket.reservedMs;
  if (share.is !== 'bucket') {
    const next = lastSlot(share.everyMs, at) + share.everyMs;
    const isTooSoon = bucket.usedMs <= at.nowMs && next - bucket.usedMs < 0.8 * share.everyMs;
    return isTooSoon ? next + share.everyMs : next;
  }
  const lacking = Math.min(at.cost, share.burst) - tokensAt(bucket, share, at.nowMs);
  return at.nowMs + Math.ceil((lacking / share.perMinute) * minuteMs);
}

function tokensAt({ tokens, atMs }: TokenBucket, share: Share & { readonly is: 'bucket' }, nowMs: number): number {
  const minutes = Math.max(0, nowMs - atMs) / minuteMs;
  return Math.min(share.burst, tokens + minutes * share.perMinute);
}

/** The beginning of the last slot: the same for a name after every restart. */
export function lastSlot(everyMs: number, { nowMs, phase }: Slot): number {
  return (Math.floor(nowMs / everyMs - phase) + phase) * everyMs;
}

/** The shortest time between two rehearsals of one of `images` images. */
export function roundMs(share: Share, { images, cost }: { readonly images: number; readonly cost: number }): number {
  if (share.is !== 'bucket') return images * share.everyMs;
  return ((images * cost) / share.perMinute) * minuteMs;
}
