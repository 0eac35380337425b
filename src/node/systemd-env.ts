/**
 * The small grammars of systemd that decide about a service's environment and command line, with what they refuse: a word or a line
 * that systemd ignores takes no effect, and is named. Text in, values out (systemd v257: src/shared/conf-parser.c parse_line,
 * src/basic/extract-word.c extract_first_word, src/basic/escape.c cunescape_one, src/shared/specifier.c specifier_printf,
 * src/basic/env-file.c parse_env_file_internal, src/basic/env-util.c env_assignment_is_valid).
 */
import { expandSpecifiers, type SpecifierValues } from './systemd-specifiers.ts';

export interface UnitLine {
  readonly key: string;
  readonly value: string;
  /** Where it begins, counted from 1. */
  readonly line: number;
}

/** What systemd ignores, and why; never the value, which may hold a password. */
export interface Ignored {
  readonly what: string;
  readonly why: string;
}

const blank = ' \t\n\r';

/** The assignments of one section: continuations joined by a blank, comments dropped, also between continued lines. */
export function linesOf(text: string, section: string): readonly UnitLine[] {
  const found: UnitLine[] = [];
  let current = '';
  let line = '';
  let start = 1;
  for (const [index, written] of text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .entries()) {
    const raw = written.endsWith('\r') ? written.slice(0, -1) : written;
    if ('#;'.includes(raw.trimStart().charAt(0) || ' ')) continue;
    if (line === '') start = index + 1;
    if (isContinued(raw)) {
      line += `${raw.slice(0, -1)} `;
      continue;
    }
    const whole = (line + raw).trim();
    line = '';
    const equals = whole.indexOf('=');
    if (whole.startsWith('[') && whole.endsWith(']')) current = whole.slice(1, -1);
    else if (equals > 0 && current === section) {
      found.push({ key: whole.slice(0, equals).trim(), value: whole.slice(equals + 1).trim(), line: start });
    }
  }
  return found;
}

/** A backslash at the end, unless another one escapes it. */
function isContinued(raw: string): boolean {
  let backslashes = 0;
  while (raw.charAt(raw.length - 1 - backslashes) === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

/** `strict`: an unknown escape refuses the rest, as in Environment=; else it stays as written, as in ExecStart=. */
export type Escapes = 'strict' | 'relaxed';

export interface Tokens {
  readonly tokens: readonly string[];
  /** What comes after the last word is not read. */
  readonly refused?: string;
}

/** Words with quotes and C escapes (EXTRACT_UNQUOTE, EXTRACT_CUNESCAPE). A quote begins and ends anywhere in a word. */
export function tokensIn(value: string, escapes: Escapes = 'strict'): Tokens {
  const tokens: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < value.length; at += 1) {
    const char = value.charAt(at);
    if (char === '\\') {
      const escape = unescapeAt(value, at + 1);
      if (escape === undefined && escapes === 'strict')
        return { tokens, refused: `unknown escape ${escapeText(value, at)}` };
      word = (word ?? '') + (escape?.text ?? value.slice(at, at + 2));
      at = escape?.last ?? at + 1;
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (blank.includes(char)) {
      if (word !== undefined) tokens.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== '') return { tokens, refused: `the quote ${quote} is not closed` };
  return { tokens: word === undefined ? tokens : [...tokens, word] };
}

function escapeText(value: string, at: number): string {
  return at + 1 < value.length ? `\\${value.charAt(at + 1)}` : 'at the end';
}

const simpleEscapes: ReadonlyMap<string, string> = new Map([
  ['a', '\u0007'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['s', ' '],
  ['\\', '\\'],
  ['"', '"'],
  ["'", "'"],
]);

/** Digits that follow a letter of an escape, and their base. */
const numbered: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
]);

function unescapeAt(value: string, at: number): { readonly text: string; readonly last: number } | undefined {
  const char = value.charAt(at);
  const simple = simpleEscapes.get(char);
  if (simple !== undefined) return { text: simple, last: at };
  const count = numbered.get(char);
  const [from, length, base] = count === undefined ? [at, 3, 8] : [at + 1, count, 16];
  const digits = value.slice(from, from + length);
  const valid = base === 8 ? '01234567' : '0123456789abcdefABCDEF';
  if (digits.length < length || !consistsOf(digits, valid)) return undefined;
  const code = Number.parseInt(digits, base);
  // NUL is refused, and an octal escape is one byte.
  if (code === 0 || code > (base === 8 ? 255 : 0x10ffff)) return undefined;
  return { text: String.fromCodePoint(code), last: from + length - 1 };
}

export interface Assignments {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly ignored: readonly Ignored[];
}

/** `Environment=` (load-fragment.c config_parse_environ): a bad word is skipped; bad syntax ends the line. */
export function assignmentsIn(value: string, specifiers: SpecifierValues): Assignments {
  const { tokens, refused } = tokensIn(value);
  const set: (readonly [string, string])[] = [];
  const ignored: Ignored[] = [];
  for (const word of tokens) {
    const equals = word.indexOf('=');
    const what = equals > 0 ? word.slice(0, equals) : 'a word without `=`';
    const text = expandSpecifiers(word, specifiers);
    if (!text.ok) {
      ignored.push({ what, why: `${text.why}; a percent sign that is meant is written twice` });
      continue;
    }
    const name = text.value.slice(0, text.value.indexOf('='));
    if (isVariableName(name)) set.push([name, text.value.slice(name.length + 1)]);
    else ignored.push({ what, why: equals > 0 ? 'it is no name of a variable' : 'it is no assignment' });
  }
  return {
    set,
    ignored: refused === undefined ? ignored : [...ignored, { what: 'the rest of the line', why: refused }],
  };
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_';

/** env_name_is_valid */
export function isVariableName(name: string): boolean {
  return name !== '' && letters.includes(name.charAt(0)) && consistsOf(name, `${letters}0123456789`);
}

function consistsOf(text: string, characters: string): boolean {
  for (const char of text) if (!characters.includes(char)) return false;
  return true;
}
