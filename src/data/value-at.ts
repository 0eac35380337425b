/** A record's own value under an untrusted name: inherited properties (`constructor`) do not count. */
export function valueAt<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
