/** A stream cut into its lines, none of them longer than a bound. It must not know what a line means. */

export class LineTooLong extends Error {
  override readonly name = 'LineTooLong';
}

/** A last line that was not ended is not a line: the connection broke inside it. */
export async function* linesOf(chunks: AsyncIterable<unknown>, maxBytes: number): AsyncGenerator<string> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    if (!(chunk instanceof Uint8Array)) continue;
    let rest = chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      held.push(rest.subarray(0, end));
      yield Buffer.concat(held).toString('utf8');
      held = [];
      bytes = 0;
      rest = rest.subarray(end + 1);
    }
    bytes += rest.byteLength;
    if (bytes > maxBytes) throw new LineTooLong();
    if (rest.byteLength > 0) held.push(rest);
  }
}
