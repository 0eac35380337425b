/** What a record holds under a name that anybody may have chosen: what it inherits (`constructor`) is not meant. */
export function valueAt<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
