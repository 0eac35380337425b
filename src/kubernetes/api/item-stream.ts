/**
 * A list of the API server read item by item as it comes, so that 5 MiB of Pods are never in memory at once: neither as text
 * nor as objects. Cuts the text at the ends of items and leaves every judgement of JSON to the platform's parser. It must not
 * know what an item is.
 */
import { parseJson } from './json.ts';

export type Listed =
  /** `rest` is the list with no items in it. */
  { readonly is: 'read'; readonly rest: unknown } | { readonly is: 'too_long' } | { readonly is: 'malformed' };

/** One item that is longer than this is no object of etcd's. */
const mostItemChars = 16 * 1024 * 1024;

/** Reads to the end. `take` gets each item right after its last byte. */
export async function readItems(
  chunks: AsyncIterable<unknown>,
  maxBytes: number,
  take: (item: unknown) => void,
): Promise<Listed> {
  const cutter = new Cutter(take);
  const decoder = new TextDecoder();
  let bytes = 0;
  for await (const chunk of chunks) {
    if (!(chunk instanceof Uint8Array)) continue;
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return { is: 'too_long' };
    if (!cutter.more(decoder.decode(chunk, { stream: true }))) return { is: 'malformed' };
  }
  const rest = cutter.more(decoder.decode()) ? parseJson(cutter.rest()) : undefined;
  return rest === undefined ? { is: 'malformed' } : { is: 'read', rest };
}

/** Outside of strings, nothing else decides where an item ends. */
const mark = /["{}[\]]/g;

class Cutter {
  readonly #take: (item: unknown) => void;
  /** Text of which nobody knows yet what it is part of. */
  #pending = '';
  /** Up to where `#pending` was looked at. */
  #at = 0;
  #depth = 0;
  /** The last string directly inside the list. */
  #key = '';
  #inItems = false;
  #isBroken = false;
  /** The list without its items, as far as it came. */
  #dependencies = '';

  constructor(take: (item: unknown) => void) {
    this.#take = take;
  }

  /** Whether it can still become a list. */
  more(text: string): boolean {
    this.#pending += text;
    for (let start = this.#next(); start >= 0; start = this.#next()) {
      const end = this.#pending[start] === '"' ? endOfString(this.#pending, start) : start + 1;
      if (end < 0) {
        this.#at = start;
        return this.#isSane();
      }
      this.#at = end;
      this.#meet(this.#pending.slice(start, end));
    }
    this.#at = this.#pending.length;
    return this.#isSane();
  }

  rest(): string {
    return this.#dependencies + this.#pending;
  }

  #next(): number {
    mark.lastIndex = this.#at;
    return mark.exec(this.#pending)?.index ?? -1;
  }

  #isSane(): boolean {
    return !this.#isBroken && this.#pending.length <= mostItemChars;
  }

  #meet(piece: string): void {
    if (piece === '{' || piece === '[') {
      this.#depth += 1;
      if (this.#depth === 2 && piece === '[' && this.#key === '"items"') this.#begin();
    } else if (piece === '}' || piece === ']') {
      this.#depth -= 1;
      if (this.#inItems && this.#depth === 2) this.#cut();
      if (this.#inItems && this.#depth === 1) this.#inItems = false;
    } else if (this.#depth === 1) this.#key = piece;
  }

  #begin(): void {
    this.#inItems = true;
    this.#dependencies += this.#pending.slice(0, this.#at);
    this.#drop();
  }

  /** `#pending` ends with an item; before it stand at most a comma and white space. */
  #cut(): void {
    const item = parseJson(this.#pending.slice(0, this.#at).replace(/^[\s,]+/, ''));
    if (item === undefined) this.#isBroken = true;
    else this.#take(item);
    this.#drop();
  }

  #drop(): void {
    this.#pending = this.#pending.slice(this.#at);
    this.#at = 0;
  }
}

/** Where the string that begins at `start` has ended; -1: it has not yet. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let escapes = 0;
    while (text[quote - 1 - escapes] === '\\') escapes += 1;
    if (escapes % 2 === 0) return quote + 1;
  }
  return -1;
}
