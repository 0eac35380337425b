/**
 * Reads a list of the API server item by item as it arrives, so that 5 MiB of Pods are never in memory at once, neither as text
 * nor as objects. Cuts the text at the ends of items; the JSON parser decides what is valid.
 */
import { ByteBuffer, isCutTooFine } from '#data/byte-buffer.ts';
import { parseJson } from '#data/json.ts';

export type Listed =
  /** `rest` is the list without its items. */
  { readonly is: 'read'; readonly rest: unknown } | { readonly is: 'too_long' | 'too_many_pieces' | 'malformed' };

/** etcd stores at most 1.5 MiB of an object, which is longer as JSON. */
const mostItemChars = 8 * 1024 * 1024;
/** Each search makes one string of all that is pending: new text waits until it is this part of the pending text. */
const leastPart = 1 / 16;

/** Reads to the end. `take` gets each item soon after its last byte. */
export async function readItems(
  chunks: AsyncIterable<unknown>,
  maxBytes: number,
  take: (item: unknown) => void,
): Promise<Listed> {
  const cutter = new Cutter(take);
  const decoder = new TextDecoder();
  let [bytes, pieces] = [0, 0];
  let part = new ByteBuffer(maxBytes);
  for await (const chunk of chunks) {
    if (!(chunk instanceof Uint8Array)) continue;
    [bytes, pieces] = [bytes + chunk.byteLength, pieces + 1];
    if (bytes > maxBytes) return { is: 'too_long' };
    if (isCutTooFine(pieces, bytes)) return { is: 'too_many_pieces' };
    part.add(chunk);
    if (part.length < cutter.pending * leastPart) continue;
    if (!cutter.more(decoder.decode(part.bytes(), { stream: true }))) return { is: 'malformed' };
    part = new ByteBuffer(maxBytes);
  }
  const rest = cutter.more(decoder.decode(part.bytes())) ? parseJson(cutter.rest()) : undefined;
  return rest === undefined ? { is: 'malformed' } : { is: 'read', rest };
}

/** Outside of strings, nothing else decides where an item ends. */
const mark = /["{}[\]]/g;

class Cutter {
  readonly #take: (item: unknown) => void;
  /** Text that is not yet known to be part of an item or of the rest. */
  #pending = '';
  /** The position up to which `#pending` was searched. */
  #at = 0;
  #depth = 0;
  /** The last string directly inside the list. */
  #key = '';
  #inItems = false;
  #isBroken = false;
  /** The list without its items, as far as it arrived. */
  #rest = '';

  constructor(take: (item: unknown) => void) {
    this.#take = take;
  }

  /** Whether the text so far can be the start of a list. */
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

  /** Characters that belong to no finished item. */
  get pending(): number {
    return this.#pending.length;
  }

  rest(): string {
    return this.#rest + this.#pending;
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
    this.#rest += this.#pending.slice(0, this.#at);
    this.#drop();
  }

  /** `#pending` ends with an item; only a comma and white space may precede it. */
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
