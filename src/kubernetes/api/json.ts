/**
 * Untrusted JSON, looked at one field at a time: each reader says what it found or undefined, and nothing is believed by a
 * cast. It must not know what the fields mean.
 */
import { type Fields, isFields } from '#data/fields.ts';
export function fieldsOf(value: unknown): Fields | undefined {
  return isFields(value) ? value : undefined;
}

/** Own fields only: a Pod named `__proto__` must not find Object's. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let here: unknown = value;
  for (const key of path) {
    const fields = fieldsOf(here);
    if (fields === undefined || !Object.hasOwn(fields, key)) return undefined;
    here = fields[key];
  }
  return here;
}

/** Go's JSON leaves an absent string empty: both are empty here. */
export function textAt(value: unknown, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
}

export function numberAt(value: unknown, ...path: readonly string[]): number | undefined {
  const found = at(value, ...path);
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

/** Absent, null (as Go writes empty slices) and anything that is no list: empty. */
export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return isList(found) ? found : [];
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** A map of strings; entries that are none are left out. */
export function stringsAt(value: unknown, ...path: readonly string[]): Readonly<Record<string, string>> {
  const fields = fieldsOf(at(value, ...path)) ?? {};
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

export function parseJson(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch {
    return undefined;
  }
}
