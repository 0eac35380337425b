/** A field of the configuration: its variable, its default, how a value is read and written back, and its help. */
import type { CronReader } from './schedule.ts';
import type { Flaw, Reading } from './values.ts';

export interface Field<T> {
  readonly env: string;
  /** As a user would write it. */
  readonly fallback: unknown;
  readonly read: (raw: unknown, readCron?: CronReader) => Reading<T>;
  /** Back to what a user would write. */
  readonly write: (value: T) => unknown;
  readonly help: string;
}

/** A value, and what a user would write for it. */
type Taken =
  | { readonly ok: true; readonly value: unknown; readonly written: unknown }
  | { readonly ok: false; readonly flaws: readonly Flaw[] };

/** A field as the parser sees it, whatever the type of its value. */
export interface Row<T> extends Field<T> {
  readonly take: (raw: unknown, readCron?: CronReader) => Taken;
}

export function field<T>(spec: Field<T>): Row<T> {
  return {
    ...spec,
    take: (raw, readCron) => {
      const reading = spec.read(raw, readCron);
      return reading.ok ? { ...reading, written: spec.write(reading.value) } : reading;
    },
  };
}
