/** Reads untrusted JSON one field at a time, without casts: each function returns undefined or an empty value for a wrong type. */
import { type Fields, isFields } from '#data/fields.ts';

export function fieldsOf(value: unknown): Fields | undefined {
  return isFields(value) ? value : undefined;
}

/** Own fields only: a Pod named `__proto__` must not get Object's. */
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

/** Absent, null (as Go writes empty slices) and any other type: empty. */
export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return isList(found) ? found : [];
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** A map of strings; other entries are left out. */
export function stringsAt(value: unknown, ...path: readonly string[]): Readonly<Record<string, string>> {
  const fields = fieldsOf(at(value, ...path)) ?? {};
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
