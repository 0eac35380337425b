/** Reads JSON that anybody may have written: what is not as it should be is absent. */
import { faultCodes, type FaultCode } from '#report/fault.ts';

export type Readable = ReadonlyMap<string, unknown>;

/** An object's own fields; none of anything else. */
export function fieldsOf(value: unknown): Readable {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : new Map();
}

/** The entries of a map that can be read; of many, the first `most`. */
export function recordsIn<T>(
  value: unknown,
  read: (one: Readable) => T | undefined,
  most = Number.POSITIVE_INFINITY,
): Readonly<Record<string, T>> {
  const known = [...fieldsOf(value)].flatMap(([name, one]) => {
    const record = read(fieldsOf(one));
    return record === undefined ? [] : [[name, record] as const];
  });
  return Object.fromEntries(known.slice(0, most));
}

/** The items of a list that can be read. */
export function itemsIn<T>(value: unknown, read: (one: Readable) => T | undefined): readonly T[] {
  return Array.isArray(value) ? value.flatMap((one: unknown) => read(fieldsOf(one)) ?? []) : [];
}

export function numberIn(fields: Readable, name: string): number | undefined {
  const value = fields.get(name);
  return isNumber(value) ? value : undefined;
}

export function textIn(fields: Readable, name: string): string | undefined {
  const value = fields.get(name);
  return typeof value === 'string' ? value : undefined;
}

/** One of the words that are known. */
export function wordIn<T extends string>(fields: Readable, name: string, text: readonly T[]): T | undefined {
  const value = fields.get(name);
  return text.find((word) => word === value);
}

export function faultIn(fields: Readable): FaultCode | undefined {
  return wordIn(fields, 'fault', faultCodes);
}

/** The numbers of a list. */
export function numbersIn(fields: Readable, name: string): readonly number[] {
  const value = fields.get(name);
  return Array.isArray(value) ? value.filter(isNumber) : [];
}

/** The texts of a list. */
export function textsIn(fields: Readable, name: string): readonly string[] {
  const value = fields.get(name);
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
