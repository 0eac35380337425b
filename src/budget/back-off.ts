/** How long no request of this node goes to a host that answered 429. Pure. */
import type { RateLimit } from '#report/fault.ts';

const minuteMs = 60_000;
const longestMs = 60 * minuteMs;
/** Docker Hub locks an account for ten to fifteen minutes after failed logins. */
const lockMs = 15 * minuteMs;
/** A day: longer than any quota's window. */
const longestAskedMs = 24 * 60 * minuteMs;

/** From a minute to an hour, doubled after each 429 in a row, with jitter that only adds; never less than Retry-After. */
export function backOffMs(
  limit: Pick<RateLimit, 'scope' | 'retryAfterS'>,
  { strikes, dice }: { readonly strikes: number; readonly dice: number },
): number {
  const doubled = minuteMs * 2 ** Math.min(Math.max(strikes - 1, 0), 6);
  const own = Math.min(Math.max(doubled, limit.scope === 'login' ? lockMs : 0), longestMs);
  const asked = (limit.retryAfterS ?? 0) * 1000;
  const retryAfterMs = Number.isFinite(asked) ? Math.min(Math.max(asked, 0), longestAskedMs) : 0;
  // The first time, Retry-After alone decides.
  return (
    (retryAfterMs > 0 && strikes <= 1 && limit.scope !== 'login' ? retryAfterMs : Math.max(own, retryAfterMs)) *
    (1 + 0.25 * dice)
  );
}

const longestHeldMs = 6 * 60 * minuteMs;

/**
 * How long an image waits before its first hosts are tried again, after they failed and its share allowed no request to the hosts
 * behind them: from a cadence to six hours, doubled each time, so that the end of an outage is noticed after about its own length.
 */
export function heldMs(times: number, cadenceMs: number): number {
  const doubled = cadenceMs * 2 ** Math.min(Math.max(times - 1, 0), 20);
  return Math.min(doubled, Math.max(longestHeldMs, cadenceMs));
}
