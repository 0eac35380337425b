/**
 * TOML as containerd reads it: go-toml v1.9.5 in 1.x, go-toml v2 in 2.x. Values come from smol-toml; what it does not keep,
 * the order of the document's own expressions, is read beside it. It must not know containerd's keys.
 */
import { valueAt } from '#data/value-at.ts';
import { parse } from 'smol-toml';

export type TomlTable = Readonly<Record<string, unknown>>;
export type TomlParse = { readonly ok: true; readonly table: TomlTable } | { readonly ok: false; readonly why: string };

/** Deeper documents are refused: nothing that containerd reads goes beyond ten. */
const maxDepth = 64;

export type GoToml = 1 | 2;

/** What one go-toml takes and the other does not is refused as it refuses it. */
export function parseToml(text: string, goToml: GoToml): TomlParse {
  if (text.includes('\uFFFD')) return { ok: false, why: 'invalid UTF-8' };
  // v2 takes a byte order mark for the beginning of a key; v1 passes over it.
  if (goToml === 2 && text.startsWith('\uFEFF')) return { ok: false, why: 'invalid character at start of key: U+FEFF' };
  const parsed = parseDocument(text);
  if (!parsed.ok || goToml === 2 || !/^[ \t]*\[[^\n]*["'][^\n]*\[/m.test(text)) return parsed;
  // v1 lexer.go lexInsideTableKey looks for the end of a header without regard to quotes: [host."http://[::1]:5000"]
  const bracketed = expressionsOf(text).some(
    ({ kind, key }) => kind !== 'pair' && key.some((part) => /[[\]]/.test(part)),
  );
  return bracketed ? { ok: false, why: "table key cannot contain ']'" } : parsed;
}

function parseDocument(text: string): TomlParse {
  try {
    return { ok: true, table: parse(text, { integersAsBigInt: 'asNeeded', maxDepth }) };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? firstLine(error.message) : 'not TOML' };
  }
}

/** The message without the excerpt of the document that follows it: files may hold passwords. */
function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? '';
}

export function asTable(value: unknown): TomlTable | undefined {
  return isTable(value) ? value : undefined;
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/**
 * A struct field of go-toml. v2 folds case (unmarshaler.go structFieldPath); v1 tries the name, lower and upper case
 * (marshal.go valueFromTree).
 */
export function field(table: TomlTable, name: string, goToml: GoToml): unknown {
  if (Object.hasOwn(table, name)) return table[name];
  if (goToml === 1) return valueAt(table, name.toUpperCase());
  const folded = Object.keys(table).find((key) => key.toLowerCase() === name);
  return folded === undefined ? undefined : table[folded];
}

/** One expression of a document in the order of the text: a `[table]`, an `[[array]]` or a `key = value`. */
export interface Expression {
  readonly kind: 'table' | 'array' | 'pair';
  /** The dotted parts of its own key. */
  readonly key: readonly string[];
}

/** The expressions of a document that parseToml accepts, in order. */
export function expressionsOf(text: string): readonly Expression[] {
  const found: Expression[] = [];
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  while (at < text.length) {
    const char = text.charAt(at);
    if (/\s/.test(char)) {
      at += 1;
    } else if (char === '#') {
      at = lineEnd(text, at);
    } else if (char === '[') {
      const end = valueEnd(text, at);
      const source = text.slice(at, end);
      found.push({ kind: source.startsWith('[[') ? 'array' : 'table', key: keyOf(source) });
      at = end;
    } else {
      const equals = keyEnd(text, at);
      found.push({ kind: 'pair', key: keyOf(`${text.slice(at, equals)}= {}`) });
      at = valueEnd(text, equals + 1);
    }
  }
  return found;
}

/** A header or an empty assignment alone is a document with one key, so the parser itself takes quotes and escapes apart. */
function keyOf(source: string): readonly string[] {
  const parsed = parseDocument(source);
  const key: string[] = [];
  let value: unknown = parsed.ok ? parsed.table : undefined;
  for (;;) {
    const table = asTable(Array.isArray(value) ? value[0] : value);
    const name = table === undefined ? undefined : Object.keys(table)[0];
    if (table === undefined || name === undefined) return key;
    key.push(name);
    value = table[name];
  }
}

/** The first `=` outside quotes. */
function keyEnd(text: string, start: number): number {
  let at = start;
  while (at < text.length && text.charAt(at) !== '=' && text.charAt(at) !== '\n') at = afterToken(text, at);
  return at;
}

/** The end of the line on which every bracket opened since `start` is closed. */
function valueEnd(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === '\n' && depth <= 0) return at;
    if (char === '#') {
      // A comment ends an expression, unless it stands inside an array.
      if (depth <= 0) return at;
      at = lineEnd(text, at);
      continue;
    }
    if (char === '[' || char === '{') depth += 1;
    if (char === ']' || char === '}') depth -= 1;
    at = afterToken(text, at);
  }
  return at;
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end === -1 ? text.length : end;
}

/** Past one character, or past a whole string of any of TOML's four kinds. */
function afterToken(text: string, at: number): number {
  const quote = text.charAt(at);
  if (quote !== '"' && quote !== "'") return at + 1;
  const long = text.startsWith(quote.repeat(3), at);
  const mark = long ? quote.repeat(3) : quote;
  for (let next = at + mark.length; next < text.length; next += 1) {
    if (quote === '"' && text.charAt(next) === '\\') {
      next += 1;
    } else if (text.startsWith(mark, next)) {
      next += mark.length;
      // A long string may end in up to two more quotes of its own.
      while (long && text.charAt(next) === quote) next += 1;
      return next;
    }
  }
  return text.length;
}
