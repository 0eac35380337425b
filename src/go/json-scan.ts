/**
 * The letters of JSON as Go's encoding/json scans them (Go 1.26 scanner.go): words, numbers and strings, and its sentences about
 * a byte that does not belong. go-json.ts builds values from them.
 */

const stringDecoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The bytes and how far they are read. At the first trouble it goes to the end, where all reading stops by itself. */
export class Reader {
  readonly bytes: Uint8Array;
  at = 0;
  /** The first trouble, in Go's words. */
  why = '';

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  skipSpace(): number | undefined {
    for (;;) {
      const byte = this.bytes[this.at];
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return byte;
      this.at++;
    }
  }

  /** The byte here, or the blank that Go's scanner feeds itself at the end of the input. */
  get byte(): number {
    return this.bytes[this.at] ?? 0x20;
  }

  fail(where: string): void {
    this.stop(`invalid character ${quoteByte(this.byte)} ${where}`);
  }

  failAtEnd(): void {
    this.stop('unexpected end of JSON input');
  }

  text(from: number): string {
    return stringDecoder.decode(this.bytes.subarray(from, this.at));
  }

  private stop(why: string): void {
    if (this.why === '') this.why = why;
    this.at = this.bytes.length;
  }
}

/** One of the three words. */
export function readWord(reader: Reader, word: 'true' | 'false' | 'null'): void {
  for (const char of word) {
    if (reader.byte === char.charCodeAt(0)) reader.at++;
    else reader.fail(`in literal ${word} (expecting '${char}')`);
  }
}

/** A number, as written. */
export function readNumber(reader: Reader): string {
  const start = reader.at;
  if (reader.byte === 0x2d) reader.at++;
  if (reader.byte === 0x30) reader.at++;
  else readDigits(reader, 'in numeric literal');
  if (reader.byte === 0x2e) {
    reader.at++;
    readDigits(reader, 'after decimal point in numeric literal');
  }
  if (isOneOf('eE', reader.byte)) {
    reader.at++;
    if (isOneOf('+-', reader.byte)) reader.at++;
    readDigits(reader, 'in exponent of numeric literal');
  }
  return reader.text(start);
}

function readDigits(reader: Reader, where: string): void {
  if (!isDigit(reader.byte)) reader.fail(where);
  while (isDigit(reader.byte)) reader.at++;
}

function isOneOf(chars: string, byte: number): boolean {
  return chars.includes(String.fromCharCode(byte));
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** A string from its opening quote; half a surrogate pair becomes U+FFFD, as in Go. */
export function readString(reader: Reader): string {
  const start = reader.at;
  let plain = true;
  reader.at++;
  for (;;) {
    const byte = reader.bytes[reader.at];
    if (byte === 0x22) break;
    if (byte === undefined) reader.failAtEnd();
    else if (byte < 0x20) reader.fail('in string literal');
    else reader.at++;
    if (byte === 0x5c) {
      plain = false;
      readEscape(reader);
    }
    if (reader.why !== '') return '';
  }
  reader.at++;
  const literal = reader.text(start);
  if (plain) return literal.slice(1, -1);
  const value: unknown = JSON.parse(literal);
  return String(value).toWellFormed();
}

function readEscape(reader: Reader): void {
  const byte = reader.byte;
  if (byte !== 0x75) {
    if (isOneOf('bfnrt\\/"', byte)) reader.at++;
    else reader.fail('in string escape code');
    return;
  }
  reader.at++;
  for (let i = 0; i < 4; i++) {
    if (isOneOf('0123456789abcdefABCDEF', reader.byte)) reader.at++;
    else reader.fail('in \\u hexadecimal character escape');
  }
}

const namedEscapes: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  39: "\\'",
  92: '\\\\',
};

/** scanner.go quoteChar: the byte as if it were a Latin-1 character. */
function quoteByte(byte: number): string {
  const named = namedEscapes[byte];
  if (named !== undefined) return `'${named}'`;
  const hex = byte.toString(16).padStart(2, '0');
  if (byte < 0x20 || byte === 0x7f) return `'\\x${hex}'`;
  if ((byte > 0x7f && byte <= 0xa0) || byte === 0xad) return `'\\u00${hex}'`;
  return `'${String.fromCharCode(byte)}'`;
}
