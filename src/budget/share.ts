/**
 * One agent's share of what a fleet may ask of a registry. Nobody coordinates the agents: each takes its part by the number of
 * them and by its own name, so that together they stay below the budget in every minute, not on average alone.
 */
export type Share =
  /** Few agents: so much at once, and so much more a minute. Together never above the budget. */
  | { readonly is: 'bucket'; readonly burst: number; readonly perMinute: number }
  /** Many: one image each time its moment comes. A moment that nobody needed is gone: after an outage nobody has saved any. */
  | { readonly is: 'moments'; readonly everyMs: number }
  /**
   * Many, and a budget that is so small that they would hardly ever ask: at its moment an agent books a turn with all others, and
   * goes when that comes (turns.ts). Since no two of them can meet, the moments may come nearly as often as the budget goes.
   */
  | { readonly is: 'turns'; readonly everyMs: number };

export interface ShareAsk {
  /** Of the whole fleet. */
  readonly perMinute: number;
  readonly agents: number;
  /** Requests for one image. */
  readonly cost: number;
  /** Turns can be booked: the same, as this agent alone knows it. */
  readonly reservationCost?: number;
}

const minuteMs = 60_000;
const few = 20;
/** One fleet in twenty has names that meet once a round. */
const met = 0.05;
/** What is left over where agents are restarted, and begin with a full purse again. */
const kept = 0.8;
/** Images a minute of the whole fleet: above that there is little to win, and the API server would be asked too often. */
const scarce = 15;
/** A moment that came while something else was under way may still be used. */
const openMs = 30_000;

export function shareOf({ perMinute, agents, cost, reservationCost }: ShareAsk): Share {
  const each = (kept * perMinute) / agents;
  // An image at once, and then one in five minutes at the least. One agent alone may owe a little for a dear image.
  if (agents <= 1 || each >= 1.25 * cost) {
    const burst = agents <= 1 ? each / 2 : Math.max(each / 2, cost);
    return { is: 'bucket', burst, perMinute: each - burst };
  }
  // All of them in the same minute are still not too many.
  if (agents * cost <= perMinute) return { is: 'moments', everyMs: minuteMs };
  if (reservationCost !== undefined && perMinute / cost <= scarce)
    return { is: 'turns', everyMs: ((agents * reservationCost) / (kept * perMinute)) * minuteMs };
  const most = perMinute / cost;
  const minutes = agents <= few ? apart(agents, most) : agents / calm(most);
  return { is: 'moments', everyMs: minutes * minuteMs };
}

/**
 * Minutes of a round in which hardly ever more than `most` of a few agents have their moments in the same minute, wherever their
 * names put them: the chance that any `most + 1` of them meet is below `met`, by the bound that adds all such groups up (n points
 * on a circle of T minutes lie within one of them with n / T^(n-1)). Where
 * one image alone is too many, one at a time.
 */
function apart(agents: number, most: number): number {
  const whole = Math.max(1, Math.floor(most));
  let groups = whole + 1;
  for (let i = 0; i <= whole; i += 1) groups *= (agents - i) / (i + 1);
  return Math.max(agents / most, (groups / met) ** (1 / whole));
}

/**
 * Images a minute on average, where names alone say when, such that no minute has more than `most`: the mean of a Poisson
 * distribution that stays within four standard deviations of it. Below a mean of one the next whole image is what must be rare.
 */
function calm(most: number): number {
  const root = (Math.sqrt(16 + 4 * Math.max(most - 1, 0.05)) - 4) / 2;
  return root ** 2;
}

/** What is left of a share. */
export interface TokenBucket {
  readonly tokens: number;
  readonly atMs: number;
  /** When a moment was used last. */
  readonly usedMs: number;
  /** When the turn begins that was booked. */
  readonly reservedMs?: number;
}

export interface Slot {
  readonly nowMs: number;
  /** In [0, 1): which part of each round is this agent's. */
  readonly phase: number;
}

export function fullBucket(share: Share, nowMs: number): TokenBucket {
  return { tokens: share.is === 'bucket' ? share.burst : 0, atMs: nowMs, usedMs: Number.NEGATIVE_INFINITY };
}

export function affords(bucket: TokenBucket, share: Share, at: Slot & { readonly cost: number }): boolean {
  if (share.is === 'bucket') return tokensAt(bucket, share, at.nowMs) >= Math.min(at.cost, share.burst);
  if (share.is === 'turns') return isReserved(bucket, at.nowMs);
  // The moments of another round, before the cost of an image was known, count as well.
  return isSlot(share.everyMs, at) && isUnused(bucket, share, at);
}

/** It is its moment, and no turn is booked yet. */
export function needsReservation(bucket: TokenBucket, share: Share, at: Slot): boolean {
  if (share.is !== 'turns' || (bucket.reservedMs !== undefined && at.nowMs < bucket.reservedMs + openMs)) return false;
  return isSlot(share.everyMs, at) && isRoundUnused(bucket, share.everyMs, at.nowMs);
}

/** `turnMs`: when it will be; absent: there was none, and the moment is gone. */
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

/** Of the round that is now nothing was taken yet: its moment may be taken beforehand. */
export function isUnused(
  bucket: TokenBucket,
  share: Share,
  { nowMs, cost }: { readonly nowMs: number; readonly cost: number },
): boolean {
  if (share.is === 'bucket') return tokensAt(bucket, share, nowMs) >= Math.min(cost, share.burst);
  return share.is === 'turns' ? isReserved(bucket, nowMs) : isRoundUnused(bucket, share.everyMs, nowMs);
}

/** A clock that was set back has used none. */
function isRoundUnused({ usedMs }: TokenBucket, everyMs: number, nowMs: number): boolean {
  return usedMs > nowMs || nowMs - usedMs >= 0.8 * everyMs;
}

/** `cost` may be negative: what was set aside and not needed. */
export function spend(
  bucket: TokenBucket,
  share: Share,
  at: { readonly nowMs: number; readonly cost: number },
): TokenBucket {
  const { nowMs, cost } = at;
  if (share.is === 'turns') return cost > 0 ? withReservation(bucket, bucket.usedMs, undefined) : bucket;
  if (share.is === 'moments') return { ...bucket, usedMs: cost > 0 ? nowMs : bucket.usedMs };
  const tokens = tokensAt(bucket, share, nowMs) - cost;
  // However much a check cost: nobody is shut out for longer than some minutes.
  return { ...bucket, tokens: Math.max(Math.min(tokens, share.burst), -4 * share.burst), atMs: nowMs };
}

/** When so much can be afforded next: now, or later. */
export function affordableMs(bucket: TokenBucket, share: Share, at: Slot & { readonly cost: number }): number {
  if (affords(bucket, share, at)) return at.nowMs;
  if (share.is === 'turns' && bucket.reservedMs !== undefined && bucket.reservedMs > at.nowMs) return bucket.reservedMs;
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

/** The beginning of the last moment: the same for a name on every day, whatever was restarted. */
export function lastSlot(everyMs: number, { nowMs, phase }: Slot): number {
  return (Math.floor(nowMs / everyMs - phase) + phase) * everyMs;
}

/** Between two rehearsals of one of so many images at best. */
export function roundMs(share: Share, { images, cost }: { readonly images: number; readonly cost: number }): number {
  if (share.is !== 'bucket') return images * share.everyMs;
  return ((images * cost) / share.perMinute) * minuteMs;
}
