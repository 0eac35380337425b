/** Base64 with the tolerance and the error texts of Go's encoding/base64 (Go 1.26 base64.go decodeQuantum), by hand. */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const newline = 10;
const carriageReturn = 13;
const equals = 61;

const values: ReadonlyMap<number, number> = new Map(Array.from(alphabet, (char, value) => [char.charCodeAt(0), value]));

export type Decoded = { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly why: string };

/**
 * `padded` is Go's StdEncoding, `raw` its RawStdEncoding. Line ends are skipped anywhere, left-over bits are not looked at, and
 * the error names the byte where Go stops.
 */
export function decodeBase64(text: string, padding: 'padded' | 'raw'): Decoded {
  const source = new TextEncoder().encode(text);
  const out = new Uint8Array(Math.ceil((source.length * 3) / 4));
  let written = 0;
  let at = 0;
  while (at < source.length) {
    const quantum = readQuantum(source, at, padding);
    if (typeof quantum === 'number') return { ok: false, why: `illegal base64 data at input byte ${quantum}` };
    const [a = 0, b = 0, c = 0, d = 0] = quantum.sextets;
    const bytes = [(a << 2) | (b >> 4), ((b & 15) << 4) | (c >> 2), ((c & 3) << 6) | d];
    for (let i = 0; i < quantum.sextets.length - 1; i++) out[written++] = bytes[i] ?? 0;
    at = quantum.next;
  }
  return { ok: true, bytes: out.subarray(0, written) };
}

export function encodeBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3);
    const quad = [a >> 2, ((a & 3) << 4) | (b >> 4), ((b & 15) << 2) | (c >> 6), c & 63];
    const used = Math.min(bytes.length - i, 3) + 1;
    text += quad.map((sextet, n) => (n < used ? alphabet.charAt(sextet) : '=')).join('');
  }
  return text;
}

interface Quantum {
  readonly sextets: readonly number[];
  readonly next: number;
}

/** Up to four characters from `start`; a number is the offset of the error. */
function readQuantum(source: Uint8Array, start: number, padding: 'padded' | 'raw'): Quantum | number {
  const sextets: number[] = [];
  let at = start;
  while (sextets.length < 4) {
    const byte = source[at];
    if (byte === undefined) {
      if (sextets.length === 0) break;
      return sextets.length === 1 || padding === 'padded' ? at - sextets.length : { sextets, next: at };
    }
    at++;
    const value = values.get(byte);
    if (value !== undefined) sextets.push(value);
    else if (byte !== newline && byte !== carriageReturn) {
      if (byte !== equals || padding === 'raw') return at - 1;
      return endQuantum(source, at, sextets);
    }
  }
  return { sextets, next: at };
}

/** After the first `=`: the rest of the padding, and nothing else but line ends. */
function endQuantum(source: Uint8Array, afterEquals: number, sextets: readonly number[]): Quantum | number {
  let at = afterEquals;
  if (sextets.length < 2) return at - 1;
  if (sextets.length === 2) {
    at = skipLineEnds(source, at);
    if (at === source.length) return source.length;
    if (source[at] !== equals) return at - 1;
    at++;
  }
  at = skipLineEnds(source, at);
  return at < source.length ? at : { sextets, next: at };
}

function skipLineEnds(source: Uint8Array, start: number): number {
  let at = start;
  while (source[at] === newline || source[at] === carriageReturn) at++;
  return at;
}
