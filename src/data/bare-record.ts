/** Tables keyed by text from files: without a prototype, so that no host name can meet `constructor` or `__proto__`. */

export function bareRecord<T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> {
  const record: Record<string, T> = {};
  Object.setPrototypeOf(record, null);
  for (const [key, value] of entries) record[key] = value;
  return record;
}
