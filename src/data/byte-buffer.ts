/**
 * The bytes of a body in one growing buffer, bounded in size and in pieces. A chunk of a socket keeps the 64 KiB that it was read
 * into alive, so that a body in 1-byte chunks would cost 64 KiB a byte where its chunks are collected; here each is copied.
 */

/** Pieces of any size; beyond these a piece must bring so many bytes on average. Honest servers write at least a few hundred. */
const freePieces = 16_384;
const leastBytesAPiece = 64;
const firstCapacity = 4_096;

export class ByteBuffer {
  readonly #mostBytes: number;
  #bytes = new Uint8Array(0);
  #length = 0;
  #pieces = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get length(): number {
    return this.#length;
  }

  /** Whether all of the chunk is in the buffer. What does not fit is cut off. */
  add(chunk: Uint8Array): 'added' | 'too_long' | 'too_many_pieces' {
    this.#pieces += 1;
    const taken = chunk.subarray(0, this.#mostBytes - this.#length);
    this.#reserve(this.#length + taken.length);
    this.#bytes.set(taken, this.#length);
    this.#length += taken.length;
    if (taken.length < chunk.length) return 'too_long';
    return isCutTooFine(this.#pieces, this.#length) ? 'too_many_pieces' : 'added';
  }

  /** What was added, without a copy: valid until the next `add`. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  /** Removes the first bytes. */
  drop(count: number): void {
    this.#bytes = this.#bytes.slice(Math.min(count, this.#length), this.#length);
    this.#length = this.#bytes.length;
  }

  #reserve(capacity: number): void {
    if (capacity <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.min(Math.max(capacity, 2 * this.#bytes.length, firstCapacity), this.#mostBytes));
    grown.set(this.bytes());
    this.#bytes = grown;
  }
}

/** More pieces than an honest sender makes of so many bytes: each costs time, whatever its size. */
export function isCutTooFine(pieces: number, bytes: number): boolean {
  return pieces > freePieces && pieces * leastBytesAPiece > bytes;
}

export type BoundedBody =
  | { readonly is: 'whole'; readonly bytes: Uint8Array }
  | { readonly is: 'too_long' }
  | { readonly is: 'too_many_pieces' };

/** Reads a body to its end, or until it exceeds the bounds; the iteration is then ended, which closes a stream. */
export async function readBounded(chunks: AsyncIterable<unknown>, mostBytes: number): Promise<BoundedBody> {
  const buffer = new ByteBuffer(mostBytes);
  for await (const chunk of chunks) {
    if (!(chunk instanceof Uint8Array)) continue;
    const added = buffer.add(chunk);
    if (added !== 'added') return { is: added };
  }
  return { is: 'whole', bytes: buffer.bytes() };
}
