/** A row of the configuration's table: its variable, its default, how a value is read and written back, and its help. */
import type { Flaw, Reader } from './values.ts';

export interface Field<T> {
  readonly env: string;
  /** As a user would write it. */
  readonly fallback: unknown;
  readonly read: Reader<T>;
  /** Back to what a user would write. */
  readonly write: (value: T) => unknown;
  readonly help: string;
}

/** A value, and what a user would write for it. */
export type Taken =
  | { readonly ok: true; readonly value: unknown; readonly written: unknown }
  | { readonly ok: false; readonly flaws: readonly Flaw[] };

/** A row of the table as the parser sees it, whatever its type of value. */
export interface Row<T> extends Field<T> {
  readonly take: (raw: unknown) => Taken;
}

export function field<T>(spec: Field<T>): Row<T> {
  return {
    ...spec,
    take: (raw) => {
      const reading = spec.read(raw);
      return reading.ok ? { ...reading, written: spec.write(reading.value) } : reading;
    },
  };
}
