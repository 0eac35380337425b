/** How one value of the configuration is read: durations, sizes, addresses, lists. Each reader takes YAML or an environment's text. */
import ipaddr from 'ipaddr.js';
import type { PullPolicy } from '#node/view.ts';

/** A problem within one value: where in it, what was given, what is allowed. */
export interface Flaw {
  /** `[2].policy`; empty: the value itself. */
  readonly at: string;
  readonly given: string;
  readonly allowed: string;
}
export type Reading<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly flaws: readonly Flaw[] };
export type Reader<T> = (raw: unknown) => Reading<T>;

export interface Address {
  /** Empty: every address of this machine. */
  readonly host: string;
  readonly port: number;
}

export interface ImageEntry {
  readonly image: string;
  /** Files with a docker config each, in the order in which the kubelet would hold them. */
  readonly pullSecrets: readonly string[];
  /** Null: as the API server would default it. */
  readonly policy: PullPolicy | null;
}

export function read<T>(value: T): Reading<T> {
  return { ok: true, value };
}

export function flaw(raw: unknown, allowed: string, at = ''): Reading<never> {
  return { ok: false, flaws: [{ at, given: shown(raw), allowed }] };
}

/** What was given, as one short line. */
export function shown(raw: unknown): string {
  const text = raw === undefined ? 'nothing' : jsonOf(raw);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** YAML can say a list that contains itself, which JSON cannot. */
function jsonOf(raw: unknown): string {
  try {
    return JSON.stringify(raw);
  } catch {
    return typeof raw;
  }
}

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of `90s`, `1h30m`, `250ms`. A bare number has no unit and is refused. */
export function durationMs(text: string): number | undefined {
  if (!/^(?:\d{1,9}(?:\.\d{1,3})?(?:ms|s|m|h|d))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ms|s|m|h|d)/g)) {
    if (unit === 'ms' || unit === 's' || unit === 'm' || unit === 'h' || unit === 'd')
      ms += Number(amount) * units[unit];
  }
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** The shortest way to write a duration that durationMs reads back. */
export function durationText(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms > 0 && ms % units[unit] === 0) return `${ms / units[unit]}${unit}`;
  }
  return `${ms}ms`;
}

export function duration(minMs: number, maxMs: number): Reader<number> {
  const allowed = `a duration from ${durationText(minMs)} to ${durationText(maxMs)}, such as 30s or 5m`;
  return (raw) => {
    const ms = typeof raw === 'string' ? durationMs(raw.trim()) : undefined;
    return ms === undefined || ms < minMs || ms > maxMs ? flaw(raw, allowed) : read(ms);
  };
}

const sizes: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  k: 1000,
  kB: 1000,
  M: 1e6,
  MB: 1e6,
  Ki: 1024,
  Mi: 1024 ** 2,
};

export function size(minBytes: number, maxBytes: number): Reader<number> {
  const allowed = `a size from ${sizeText(minBytes)} to ${sizeText(maxBytes)}, such as 64KiB or 1MiB`;
  return (raw) => {
    const match = /^(\d{1,12})\s*([a-zA-Z]{0,3})$/.exec(
      String(typeof raw === 'number' ? raw : typeof raw === 'string' ? raw.trim() : ''),
    );
    const bytes = Number(match?.[1] ?? Number.NaN) * (sizes[match?.[2] ?? 'none'] ?? Number.NaN);
    return bytes >= minBytes && bytes <= maxBytes ? read(bytes) : flaw(raw, allowed);
  };
}

export function sizeText(bytes: number): string {
  if (bytes % 1024 ** 2 === 0) return `${bytes / 1024 ** 2}MiB`;
  return bytes % 1024 === 0 ? `${bytes / 1024}KiB` : `${bytes}B`;
}

export function count(min: number, max: number): Reader<number> {
  return (raw) => {
    const value = typeof raw === 'string' && /^\d{1,9}$/.test(raw.trim()) ? Number(raw) : raw;
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
    return fits ? read(value) : flaw(raw, `a whole number from ${min} to ${max}`);
  };
}

export function oneOf<const T extends string>(choices: readonly T[]): Reader<T> {
  return (raw) => {
    const found = choices.find((choice) => choice === raw);
    return found === undefined ? flaw(raw, `one of ${choices.join(', ')}`) : read(found);
  };
}

/** `on` and `off`; the booleans of YAML and their texts in an environment serve, too. */
export function onOff(raw: unknown): Reading<boolean> {
  if (raw === true || raw === 'on' || raw === 'true') return read(true);
  if (raw === false || raw === 'off' || raw === 'false') return read(false);
  return flaw(raw, 'on or off');
}

export function text(pattern: RegExp, allowed: string): Reader<string> {
  return (raw) => (typeof raw === 'string' && raw.length <= 4096 && pattern.test(raw) ? read(raw) : flaw(raw, allowed));
}

/** A YAML list, or the words of a string. */
export function list<T>(item: Reader<T>, allowed: string): Reader<readonly T[]> {
  return (raw) => {
    const items: unknown = typeof raw === 'string' ? raw.split(/[\s,]+/).filter((word) => word !== '') : raw;
    if (!Array.isArray(items)) return flaw(raw, allowed);
    const readings = items.map((each: unknown) => item(each));
    const flaws = readings.flatMap((reading, index) =>
      reading.ok ? [] : reading.flaws.map((found) => ({ ...found, at: `[${index}]${found.at}` })),
    );
    if (flaws.length > 0) return { ok: false, flaws };
    return read(readings.flatMap((reading) => (reading.ok ? [reading.value] : [])));
  };
}

export function orNull<T>(reader: Reader<T>): Reader<T | null> {
  return (raw) => (raw === null ? read(null) : reader(raw));
}

const anyAddress = 'host:port or :port, such as :9467, 127.0.0.1:9467 or [::1]:9467';

export function address(raw: unknown): Reading<Address> {
  const match =
    typeof raw === 'string'
      ? /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9.-]{0,253})):(\d{1,5})$/.exec(raw.trim())
      : null;
  const port = Number(match?.[3] ?? Number.NaN);
  if (match === null || port > 65_535) return flaw(raw, anyAddress);
  const v6 = match[1];
  if (v6 !== undefined && !ipaddr.IPv6.isValid(v6)) return flaw(raw, anyAddress);
  return read({ host: v6 ?? match[2] ?? '', port });
}

/** The listener that takes requests: this machine's own processes only, or nobody. */
export function loopback(raw: unknown): Reading<Address | 'off'> {
  if (raw === 'off' || raw === false) return read('off');
  const allowed = 'a loopback address with its port, such as 127.0.0.1:9468 or [::1]:9468, or off';
  const reading = address(raw);
  if (!reading.ok) return flaw(raw, allowed);
  const { host } = reading.value;
  const isLoopback = host === 'localhost' || (ipaddr.isValid(host) && ipaddr.parse(host).range() === 'loopback');
  return isLoopback ? reading : flaw(raw, allowed);
}

/** `true` and `false` as a switch in a manifest says them. */
export function listenAuth(raw: unknown): Reading<'off' | 'kubernetes'> {
  if (raw === true || raw === 'true') return read('kubernetes');
  return raw === false || raw === 'false' ? read('off') : oneOf(['off', 'kubernetes'])(raw);
}

export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const policies = ['Always', 'IfNotPresent', 'Never'] as const;
const imageName = text(
  /^[^\s\p{Cc}]{1,1024}$/u,
  'an image reference without spaces, such as registry.example.com/app:1',
);

/** A plain reference, or a reference with what goes with it. Whether the reference is well-formed is for its verdict to say. */
export function imageEntry(raw: unknown): Reading<ImageEntry> {
  if (typeof raw === 'string') {
    const reading = imageName(raw);
    return reading.ok ? read({ image: reading.value, pullSecrets: [], policy: null }) : reading;
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    return flaw(raw, 'an image reference, or a map with image, pullSecrets and policy');
  }
  const given = new Map<string, unknown>(Object.entries(raw));
  const image = inside('.image', imageName(given.get('image')));
  const pullSecrets = inside('.pullSecrets', list(filePath, 'a list of files')(given.get('pullSecrets') ?? []));
  const policy = inside('.policy', orNull(oneOf(policies))(given.get('policy') ?? null));
  const strange = [...given.keys()].filter((key) => !['image', 'pullSecrets', 'policy'].includes(key));
  if (image.ok && pullSecrets.ok && policy.ok && strange.length === 0) {
    return read({ image: image.value, pullSecrets: pullSecrets.value, policy: policy.value });
  }
  const unknown = strange.map((key) => ({
    at: `.${key}`,
    given: shown(given.get(key)),
    allowed: 'only image, pullSecrets and policy',
  }));
  return { ok: false, flaws: [...flawsOf(image), ...flawsOf(pullSecrets), ...flawsOf(policy), ...unknown] };
}

export const filePath = text(/^[^\0\n]+$/, 'a path');
export const absolutePath = text(/^\/[^\0\n]*$/, 'an absolute path');

function inside<T>(at: string, reading: Reading<T>): Reading<T> {
  return reading.ok
    ? reading
    : { ok: false, flaws: reading.flaws.map((found) => ({ ...found, at: `${at}${found.at}` })) };
}

function flawsOf(reading: Reading<unknown>): readonly Flaw[] {
  return reading.ok ? [] : reading.flaws;
}
