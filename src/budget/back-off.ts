/** How long a host that said "too many" is left alone by everything on this node. */
import type { RateLimit } from '#report/fault.ts';

const minuteMs = 60_000;
const longestMs = 60 * minuteMs;
/** Docker Hub locks an account for ten to fifteen minutes after failed logins (registries.md §1.4). */
const lockMs = 15 * minuteMs;
/** A day: longer than any quota's window. */
const longestAskedMs = 24 * 60 * minuteMs;

/** From a minute to an hour, doubled each time in a row, with jitter that only adds; never less than the host asked for. */
export function backOffMs(
  limit: Pick<RateLimit, 'scope' | 'retryAfterS'>,
  { strikes, dice }: { readonly strikes: number; readonly dice: number },
): number {
  const doubled = minuteMs * 2 ** Math.min(Math.max(strikes - 1, 0), 6);
  const own = Math.min(Math.max(doubled, limit.scope === 'login' ? lockMs : 0), longestMs);
  const asked = (limit.retryAfterS ?? 0) * 1000;
  const heard = Number.isFinite(asked) ? Math.min(Math.max(asked, 0), longestAskedMs) : 0;
  // A host that says how long is taken at its word the first time.
  return (heard > 0 && strikes <= 1 && limit.scope !== 'login' ? heard : Math.max(own, heard)) * (1 + 0.25 * dice);
}

const longestOutMs = 6 * 60 * minuteMs;

/**
 * So long an image whose first hosts failed waits for their recovery before they are tried again, where nobody may be asked beside
 * them: from a cadence to six hours, doubled each time, so that an outage is noticed to be over in about the time that it took.
 */
export function stayedOutMs(times: number, cadenceMs: number): number {
  const doubled = cadenceMs * 2 ** Math.min(Math.max(times - 1, 0), 20);
  return Math.min(doubled, Math.max(longestOutMs, cadenceMs));
}
