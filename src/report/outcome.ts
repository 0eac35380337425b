/** How trouble travels: an Outcome is a value or the fault that stood in its way. Nothing here throws. */
import type { Fault } from './fault.ts';

export type Outcome<T> = Good<T> | Bad;
export interface Good<T> {
  readonly ok: true;
  readonly value: T;
}
export interface Bad {
  readonly ok: false;
  readonly fault: Fault;
}

export function good<T>(value: T): Good<T> {
  return { ok: true, value };
}

export function bad(fault: Fault): Bad {
  return { ok: false, fault };
}

/** An outcome that remembers where it was read: a path, a flag, an API object. */
export type Seen<T> = Outcome<T> & { readonly source: string };

export function seen<T>(source: string, outcome: Outcome<T>): Seen<T> {
  return { ...outcome, source };
}
