/** Reads JSON that anybody may have written: what is not as it should be is absent. */
export type Readable = ReadonlyMap<string, unknown>;

/** An object's own fields; none of anything else. */
export function fieldsOf(value: unknown): Readable {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : new Map();
}

/** The entries of a map that can be read. */
export function recordsIn<T>(
  value: unknown,
  read: (one: Readable) => T | undefined,
): readonly (readonly [string, T])[] {
  return [...fieldsOf(value)].flatMap(([name, one]) => {
    const known = read(fieldsOf(one));
    return known === undefined ? [] : [[name, known] as const];
  });
}

/** The items of a list that can be read. */
export function itemsIn<T>(value: unknown, read: (one: Readable) => T | undefined): readonly T[] {
  return Array.isArray(value) ? value.flatMap((one: unknown) => read(fieldsOf(one)) ?? []) : [];
}

export function numberIn(fields: Readable, name: string): number | undefined {
  const value = fields.get(name);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function textIn(fields: Readable, name: string): string | undefined {
  const value = fields.get(name);
  return typeof value === 'string' ? value : undefined;
}
