/** Go's duration texts (`30s`, `1h15m`, `1.5ms`), as time.ParseDuration of Go 1.26 reads them. */

const unitNs: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  '\u00b5s': 1_000n,
  '\u03bcs': 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const longestNs = (1n << 63n) - 1n;
/** Digits beyond these change nothing: the smallest unit is a nanosecond, and Go stops adding fraction digits here too. */
const fractionDigits = 18;
const maxLength = 1_000;

/** Milliseconds, with a fraction where the text has one; undefined where Go would report an error. */
export function goDurationMs(text: string): number | undefined {
  if (text.length > maxLength) return undefined;
  const sign = /^[-+]?/.exec(text)?.[0] ?? '';
  const unsigned = text.slice(sign.length);
  if (unsigned === '0') return 0;
  if (!/^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/.test(unsigned)) return undefined;
  let total = 0n;
  for (const [, whole = '', fraction = '', unit = ''] of unsigned.matchAll(/(\d*)\.?(\d*)([^\d.]+)/g)) {
    const ns = unitNs[unit] ?? 0n;
    const digits = fraction.slice(0, fractionDigits);
    total += BigInt(whole || '0') * ns + (BigInt(digits || '0') * ns) / 10n ** BigInt(digits.length);
  }
  const limit = sign === '-' ? longestNs + 1n : longestNs;
  if (total > limit) return undefined;
  const ms = Number(total / 1_000_000n) + Number(total % 1_000_000n) / 1_000_000;
  return sign === '-' ? 0 - ms : ms;
}
