/** A record whose keys come from outside: without a prototype, so that no key finds `constructor` or `__proto__`. */

export function bareRecord<T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> {
  const record: Record<string, T> = {};
  Object.setPrototypeOf(record, null);
  for (const [key, value] of entries) record[key] = value;
  return record;
}
