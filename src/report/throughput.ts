/**
 * How fast a host sends, from one small sample: what a connection shows before it is warm says little, so a sample that is
 * explained by TCP's slow start alone is a lower bound and nothing more.
 */
import type { Exchange } from './rehearsal.ts';

export interface Rate {
  readonly host: string;
  readonly bytesPerS: number;
  /** The way, or the host, was what limited it; otherwise it is faster than this. */
  readonly isLimited: boolean;
  /** From the request to the first byte of the answer. */
  readonly waitMs: number;
}

/** Less than this is in the first flight and shows no speed. */
export const leastTimedBytes = 32 * 1024;
/** Ten segments (RFC 6928). */
const firstFlightBytes = 14_600;
/** What timers and schedulers add. */
const slackMs = 50;

type Timed = Pick<Exchange, 'url' | 'ms' | 'steps' | 'outcome'>;

/** How long a host was silent before it answered, once it was connected; undefined where it did not answer. */
export function waitOf({ url, ms, steps, outcome }: Timed): Pick<Rate, 'host' | 'waitMs'> | undefined {
  const host = /^https?:\/\/([^/]+)/.exec(url)?.[1];
  if (!outcome.ok || host === undefined) return undefined;
  const opening = steps.reduce((sum, step) => sum + step.ms, 0);
  return { host, waitMs: Math.max(0, ms - opening - (outcome.value.bodyMs ?? 0)) };
}

/** Undefined where the exchange was no timed one. */
export function rateOf({ url, ms, steps, outcome }: Timed): Rate | undefined {
  if (!outcome.ok || outcome.value.bodyMs === undefined || outcome.value.bytes < leastTimedBytes) return undefined;
  const { bytes, bodyMs } = outcome.value;
  const wait = waitOf({ url, ms, steps, outcome });
  if (wait === undefined) return undefined;
  const { host, waitMs } = wait;
  const tcp = steps.findLast(({ step }) => step === 'tcp');
  // On an open connection nothing shows the round trip but the answer itself, which takes one at least.
  const roundTripMs = tcp?.ms ?? waitMs;
  const rounds = Math.ceil(Math.log2(bytes / firstFlightBytes + 1)) - 1;
  const isLimited = bodyMs > 2 * rounds * roundTripMs + slackMs;
  const bytesPerS = Math.round(((bytes - firstFlightBytes) * 1000) / Math.max(1, bodyMs));
  return { host, bytesPerS, isLimited, waitMs };
}
