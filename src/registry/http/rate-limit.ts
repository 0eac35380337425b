/**
 * What a registry says of a quota, in any of the forms that registries use. Pure. What is not said, or said emptily, is
 * absent and never zero: Docker Hub sends `RateLimit-Limit: ;w=21600` for minutes at a time.
 */
import type { RateLimit } from '#report/fault.ts';
import { valueAt } from '#data/value-at.ts';
import type { Answer } from '#registry/wire.ts';

type Headers = Answer['headers'];
type Numbers = Omit<RateLimit, 'scope' | 'source'>;

/** A wait of any length can be announced; Docker Hub's window is the longest that means something. */
const longestWaitS = 6 * 3600;
/** The login lock lasts 10 to 15 minutes and says nothing about it. */
const loginLockS = 15 * 60;
const mostBodyChars = 8 * 1024;
const mostHeaderChars = 1024;
/** Windows from here on are quotas, below they are about bursts. */
const quotaWindowS = 3600;

/** undefined: nothing was said. `body` may be empty where it was not read. */
export function readRateLimit(headers: Headers, body: string, now: Date): RateLimit | undefined {
  const text = body.slice(0, mostBodyChars);
  const numbers = { ...numbersIn(headers, now), ...numbersInText(text) };
  const retryAfterS = retryAfter(headers, now) ?? numbers.retryAfterS ?? (isLoginLock(text) ? loginLockS : undefined);
  const heard = scopeOf(text);
  const source = first(headers, 'docker-ratelimit-source').trim();
  if (heard === undefined && source === '' && retryAfterS === undefined && Object.keys(numbers).length === 0) return;
  return {
    ...numbers,
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
    ...(source === '' ? {} : { source }),
    scope: heard ?? scopeOfWindow(numbers.windowS),
  };
}

function numbersIn(headers: Headers, now: Date): Numbers {
  return structured(headers, now) ?? plain(headers, 'ratelimit', now) ?? plain(headers, 'x-ratelimit', now) ?? {};
}

/** Docker Hub, the older IETF drafts, GitLab and the GitHub style: one header a number. */
function plain(headers: Headers, prefix: string, now: Date): Numbers | undefined {
  const limits = items(headers, `${prefix}-limit`);
  const remainders = items(headers, `${prefix}-remaining`);
  const limit = count(limits[0]);
  const remaining = count(remainders[0]);
  // `10, 10;w=1, 50;w=60`: the value in force, and then the policies, of which one is it.
  const inForce = limits.find((item) => count(item) === limit && parameter(item, 'w') !== undefined);
  const windowS = count(parameter(inForce ?? limits[0] ?? remainders[0] ?? '', 'w'));
  const resetS = untilReset(first(headers, `${prefix}-reset`), now);
  const numbers = compact({ limit, remaining, windowS, ...(remaining === 0 ? { retryAfterS: resetS } : {}) });
  return Object.keys(numbers).length === 0 ? undefined : numbers;
}

/** IETF draft 07 (`RateLimit: limit=100, remaining=50, reset=5`) and 08 on (`RateLimit: "default";r=76;t=120`). */
function structured(headers: Headers, now: Date): Numbers | undefined {
  const states = items(headers, 'ratelimit');
  const policies = items(headers, 'ratelimit-policy');
  const pairs = new Map(states.map((item) => split(item, '=')));
  const remaining = count(pairs.get('remaining'));
  if (pairs.has('limit') || pairs.has('remaining')) {
    const limit = count(pairs.get('limit'));
    const windowS = count(parameter(policies.find((item) => count(item) === limit) ?? '', 'w'));
    const retryAfterS = remaining === 0 ? untilReset(pairs.get('reset') ?? '', now) : undefined;
    return compact({ limit, remaining, windowS, retryAfterS });
  }
  const [state] = states
    .filter((item) => parameter(item, 'r') !== undefined)
    .toSorted((a, b) => (count(parameter(a, 'r')) ?? 0) - (count(parameter(b, 'r')) ?? 0));
  const name = state?.split(';')[0]?.trim();
  const policy =
    policies.find((item) => item.split(';')[0]?.trim() === name) ?? (state === undefined ? policies[0] : '');
  const left = count(parameter(state ?? '', 'r'));
  const numbers = compact({
    limit: count(parameter(policy ?? '', 'q')),
    remaining: left,
    windowS: count(parameter(policy ?? '', 'w')),
    retryAfterS: left === 0 ? untilReset(parameter(state ?? '', 't') ?? '', now) : undefined,
  });
  return Object.keys(numbers).length === 0 ? undefined : numbers;
}

/** GitHub's registry puts its numbers into the message alone. */
function numbersInText(text: string): Numbers {
  const wait = /retry-after:\s*(\d{1,12}(?:\.\d{1,12})?)(ns|µs|us|ms|s|m)\b/i.exec(text);
  const allowed = /allowed:\s*(\d{1,12})\/(second|minute|hour|day)\b/i.exec(text);
  const per = /per (second|minute|hour|day)\b/i.exec(/quota exceeded[^]*/i.exec(text)?.[0] ?? '');
  return compact({
    retryAfterS: wait === null ? undefined : bounded(Number(wait[1]) * (units[wait[2] ?? ''] ?? 1)),
    limit: count(allowed?.[1]),
    windowS: periods[(allowed?.[2] ?? per?.[1] ?? '').toLowerCase()],
  });
}

const units: Readonly<Record<string, number>> = { ns: 1e-9, µs: 1e-6, us: 1e-6, ms: 1e-3, s: 1, m: 60 };
const periods: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3600, day: 86_400 };

/** Seconds, also with a fraction, or a date; a date that is over says nothing. */
function retryAfter(headers: Headers, now: Date): number | undefined {
  const written = first(headers, 'retry-after').trim();
  if (/^\d{1,12}(\.\d{1,9})?$/.test(written)) return bounded(Number(written));
  if (!/^[A-Za-z]{3,9},? /.test(written)) return undefined;
  const at = Date.parse(written);
  return Number.isNaN(at) || at <= now.getTime() ? undefined : bounded((at - now.getTime()) / 1000);
}

/** Seconds from now, or the epoch second (GitHub, GitLab). */
function untilReset(written: string, now: Date): number | undefined {
  const value = count(written);
  if (value === undefined) return undefined;
  const seconds = value > 1_000_000_000 ? value - now.getTime() / 1000 : value;
  return seconds < 0 ? undefined : bounded(seconds);
}

function bounded(seconds: number): number {
  return Math.min(longestWaitS, Math.max(1, Math.ceil(seconds)));
}

const sayings: readonly (readonly [pattern: RegExp, scope: RateLimit['scope']])[] = [
  [/too many failed login attempts/i, 'login'],
  [/HAP429/, 'abuse'],
  [/data limit exceeded/i, 'monthly'],
  [/reached your (?:unauthenticated )?pull rate limit/i, 'quota'],
  [/too many requests to upstream registry/i, 'unknown'],
  [/retry-after:\s*[\d.]+[a-zµ]+, allowed:/i, 'burst'],
  [/rate exceeded|Throttl(?:ing|e)Exception|quota exceeded for quota metric|aka\.ms\/acr/i, 'burst'],
  [/^\s*(?:<[^]*)?(?:429 )?too many requests/i, 'burst'],
  [/toomanyrequests/i, 'unknown'],
];

function scopeOf(text: string): RateLimit['scope'] | undefined {
  return sayings.find(([pattern]) => pattern.test(text))?.[1];
}

function isLoginLock(text: string): boolean {
  return scopeOf(text) === 'login';
}

function scopeOfWindow(windowS: number | undefined): RateLimit['scope'] {
  if (windowS === undefined) return 'unknown';
  return windowS >= quotaWindowS ? 'quota' : 'burst';
}

/** A header that proxies have doubled is one list, whether by lines or by commas. */
function items(headers: Headers, name: string): readonly string[] {
  return all(headers, name)
    .join(',')
    .slice(0, mostHeaderChars)
    .split(',')
    .map((item) => item.trim());
}

function first(headers: Headers, name: string): string {
  return all(headers, name)[0]?.slice(0, mostHeaderChars) ?? '';
}

function all(headers: Headers, name: string): readonly string[] {
  return valueAt(headers, name) ?? [];
}

/** `100;w=21600` and `w` → `21600`. */
function parameter(item: string, name: string): string | undefined {
  return new Map(
    item
      .split(';')
      .slice(1)
      .map((part) => split(part, '=')),
  ).get(name);
}

function split(text: string, at: string): readonly [string, string] {
  const [name = '', ...rest] = text.split(at);
  return [name.trim().toLowerCase(), rest.join(at).trim()];
}

/** The digits that a value starts with. */
function count(text: string | undefined): number | undefined {
  const digits = /^\s*(\d{1,15})(?![\d.])/.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function compact(numbers: Readonly<Record<string, number | undefined>>): Numbers {
  return Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined));
}
