/** systemd's `%` specifiers (src/shared/specifier.c specifier_printf, src/core/unit-printf.c, v257; systemd.unit(5)). */

/** Letter and value of each that is known; a letter of systemd's whose value is not known here stays as it is. */
export type SpecifierValues = ReadonlyMap<string, string>;

/** Every letter that stands for something in a unit file of the system manager. */
const letters = 'aAbBcCdDEfgGhHiIjJlLmMnNopPqrRsStTuUvVwWyY';

/** Where the letter is none of systemd's, the string is refused (-EBADSLT); before anything but a letter or digit, `%` is itself. */
export function expandSpecifiers(
  text: string,
  values: SpecifierValues,
): { readonly ok: true; readonly value: string } | { readonly ok: false; readonly why: string } {
  let value = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    const next = text.charAt(at + 1);
    if (char !== '%' || next === '') {
      value += char;
      continue;
    }
    at += 1;
    if (next === '%') value += '%';
    else if (letters.includes(next)) value += values.get(next) ?? `%${next}`;
    else if (isAlphanumeric(next)) return { ok: false, why: `%${next} is an unknown specifier` };
    else value += `%${next}`;
  }
  return { ok: true, value };
}

function isAlphanumeric(char: string): boolean {
  return (char >= '0' && char <= '9') || (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z');
}

/** Those whose value follows from the unit's name, and the directories of the system manager. */
export function specifiersOf(unit: string): SpecifierValues {
  const suffix = unit.lastIndexOf('.');
  const name = suffix < 0 ? unit : unit.slice(0, suffix);
  const separator = name.indexOf('@');
  const prefix = separator < 0 ? name : name.slice(0, separator);
  const instance = separator < 0 ? '' : name.slice(separator + 1);
  const last = prefix.slice(prefix.lastIndexOf('-') + 1);
  return new Map([
    ...[['n', unit] as const, ['N', name] as const, ['p', prefix] as const, ['P', unescaped(prefix)] as const],
    ...[['i', instance] as const, ['I', unescaped(instance)] as const],
    ...[['j', last] as const, ['J', unescaped(last)] as const],
    ...[['C', '/var/cache'] as const, ['E', '/etc'] as const, ['L', '/var/log'] as const, ['S', '/var/lib'] as const],
    ...[['D', '/usr/share'] as const, ['t', '/run'] as const, ['T', '/tmp'] as const, ['V', '/var/tmp'] as const],
    ...[['h', '/root'] as const, ['u', 'root'] as const, ['U', '0'] as const, ['g', 'root'] as const],
    ...[['G', '0'] as const, ['s', '/bin/sh'] as const],
  ]);
}

/** unit_name_unescape: `-` is a slash, `\x2d` a byte. */
function unescaped(name: string): string {
  let text = '';
  for (let at = 0; at < name.length; at += 1) {
    const char = name.charAt(at);
    const code =
      char === '\\' && name.charAt(at + 1) === 'x' ? Number.parseInt(name.slice(at + 2, at + 4), 16) : Number.NaN;
    if (Number.isNaN(code)) text += char === '-' ? '/' : char;
    else {
      text += String.fromCharCode(code);
      at += 3;
    }
  }
  return text;
}

export const noSpecifiers: SpecifierValues = new Map();
