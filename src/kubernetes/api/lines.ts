/** Cuts a stream into its lines, none longer than a bound. */
import { ByteBuffer } from '#data/byte-buffer.ts';

class LineTooLong extends Error {
  override readonly name = 'LineTooLong';
}

/** A last line without a newline is not a line: the connection broke inside it. */
export async function* linesOf(chunks: AsyncIterable<unknown>, maxBytes: number): AsyncGenerator<string> {
  let held = new ByteBuffer(maxBytes);
  for await (const chunk of chunks) {
    if (!(chunk instanceof Uint8Array)) continue;
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      if (held.add(rest.subarray(0, end)) !== 'added') throw new LineTooLong();
      yield held.text();
      held = new ByteBuffer(maxBytes);
      rest = rest.subarray(end + 1);
    }
    if (rest.byteLength > 0 && held.add(rest) !== 'added') throw new LineTooLong();
  }
}
