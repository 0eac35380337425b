/**
 * JSON as Go's encoding/json reads it (Go 1.26 scanner.go, decode.go): the same syntax errors in the same words, members in
 * the order of the text with every duplicate, and keys that match fields without regard to case.
 * It builds a tree only; what a program makes of it is said by whoever asks. Depth is bounded, nothing recurses.
 */
import { isDigit, readNumber, readString, readWord, Reader } from './json-scan.ts';

export type GoJson =
  | { readonly is: 'null' }
  | { readonly is: 'bool'; readonly value: boolean }
  /** As written. */
  | { readonly is: 'number'; readonly text: string }
  | { readonly is: 'string'; readonly value: string }
  | { readonly is: 'array'; readonly items: readonly GoJson[] }
  | { readonly is: 'object'; readonly members: readonly Member[] };

export interface Member {
  readonly key: string;
  readonly value: GoJson;
}

export type GoJsonRead = { readonly ok: true; readonly value: GoJson } | { readonly ok: false; readonly why: string };

const maxDepth = 10_000;

/** An array or object that is not closed yet. */
interface Open {
  readonly json:
    { readonly is: 'array'; readonly items: GoJson[] } | { readonly is: 'object'; readonly members: Member[] };
  /** The member that the next value belongs to. */
  key: string;
}

type Expect = 'value' | 'value_or_end' | 'key' | 'key_or_end' | 'colon' | 'next';

/** json.Unmarshal: one value and nothing else. */
export function readGoJson(text: string): GoJsonRead {
  const reader = new Reader(new TextEncoder().encode(text));
  const value = read(reader, 'all');
  return value === undefined ? { ok: false, why: reader.why } : { ok: true, value };
}

/** json.Decoder.Decode: the first value; whatever follows it is not looked at. */
export function readFirstGoJson(text: string): GoJsonRead {
  const reader = new Reader(new TextEncoder().encode(text));
  if (reader.skipSpace() === undefined) return { ok: false, why: 'EOF' };
  const value = read(reader, 'first');
  if (value !== undefined) return { ok: true, value };
  return { ok: false, why: reader.why === 'unexpected end of JSON input' ? 'unexpected EOF' : reader.why };
}

function read(reader: Reader, wanted: 'all' | 'first'): GoJson | undefined {
  const open: Open[] = [];
  let expect: Expect = 'value';
  let done: GoJson | undefined;
  for (;;) {
    if (wanted === 'first' && done !== undefined && reader.why === '') return done;
    const byte = reader.skipSpace();
    const inside = open.at(-1);
    if (byte === undefined) {
      if (done === undefined) reader.failAtEnd();
      return reader.why === '' ? done : undefined;
    }
    if (done !== undefined) reader.fail('after top-level value');
    else if (closes(byte, expect, inside) && inside !== undefined) {
      reader.at++;
      open.pop();
      done = put(inside.json, open);
      expect = 'next';
    } else if (expect === 'value' || expect === 'value_or_end') {
      const value = readValue(reader, open.length);
      if (value === undefined) return undefined;
      if ('opened' in value) {
        open.push(value.opened);
        expect = value.opened.json.is === 'array' ? 'value_or_end' : 'key_or_end';
      } else {
        done = put(value, open);
        expect = 'next';
      }
    } else if (inside !== undefined) {
      expect = readBetween(reader, expect, inside);
    }
  }
}

/** A finished value goes into what is open; with nothing open it is the whole. */
function put(value: GoJson, open: readonly Open[]): GoJson | undefined {
  const inside = open.at(-1);
  if (inside === undefined) return value;
  const { json, key } = inside;
  if (json.is === 'array') json.items.push(value);
  else json.members.push({ key, value });
  return undefined;
}

function closes(byte: number, expect: Expect, inside: Open | undefined): boolean {
  if (inside === undefined) return false;
  if (inside.json.is === 'array') return byte === 0x5d && (expect === 'value_or_end' || expect === 'next');
  return byte === 0x7d && (expect === 'key_or_end' || expect === 'next');
}

/** Keys, colons and commas. */
function readBetween(reader: Reader, expect: Expect, inside: Open): Expect {
  if (expect === 'key' || expect === 'key_or_end') {
    if (reader.byte !== 0x22) {
      reader.fail('looking for beginning of object key string');
      return expect;
    }
    const key = readString(reader);
    inside.key = key;
    return 'colon';
  }
  if (expect === 'colon') {
    if (reader.byte === 0x3a) reader.at++;
    else reader.fail('after object key');
    return 'value';
  }
  if (reader.byte === 0x2c) reader.at++;
  else reader.fail(inside.json.is === 'array' ? 'after array element' : 'after object key:value pair');
  return inside.json.is === 'array' ? 'value' : 'key';
}

function readValue(reader: Reader, depth: number): GoJson | { readonly opened: Open } | undefined {
  const byte = reader.byte;
  if (byte === 0x7b || byte === 0x5b) {
    if (depth >= maxDepth) {
      reader.fail('exceeded max depth');
      return undefined;
    }
    reader.at++;
    return { opened: { json: byte === 0x5b ? { is: 'array', items: [] } : { is: 'object', members: [] }, key: '' } };
  }
  if (byte === 0x22) return { is: 'string', value: readString(reader) };
  if (byte === 0x74) return word(reader, 'true', { is: 'bool', value: true });
  if (byte === 0x66) return word(reader, 'false', { is: 'bool', value: false });
  if (byte === 0x6e) return word(reader, 'null', { is: 'null' });
  if (byte === 0x2d || isDigit(byte)) return { is: 'number', text: readNumber(reader) };
  reader.fail('looking for beginning of value');
  return undefined;
}

function word(reader: Reader, text: 'true' | 'false' | 'null', value: GoJson): GoJson {
  readWord(reader, text);
  return value;
}

/** The values of every member that a Go struct field of this name takes, in order: exact or folded, so later ones win. */
export function fieldValues(json: GoJson, name: string): readonly GoJson[] {
  if (json.is !== 'object') return [];
  const folded = foldKey(name);
  // No letter that folds to an ASCII one changes the length.
  const takes = (key: string): boolean => key === name || (key.length === name.length && foldKey(key) === folded);
  return json.members.filter(({ key }) => takes(key)).map(({ value }) => value);
}

/** decode.go foldName: beyond ASCII, only the long s and the Kelvin sign fold to a Latin letter. */
export function foldKey(key: string): string {
  return key.replaceAll('\u017f', 's').replaceAll('\u212a', 'k').toLowerCase();
}

/** The last of equal names, as Go keeps it; null leaves a Go string as it is. */
export function lastText(json: GoJson, name: string): string {
  return fieldValues(json, name).reduce((text, value) => (value.is === 'string' ? value.value : text), '');
}

/** Go's words for a value of the wrong type. */
export function mismatch(json: GoJson, destination: string, goType: string): string {
  return `json: cannot unmarshal ${json.is} into ${destination} of type ${goType}`;
}
