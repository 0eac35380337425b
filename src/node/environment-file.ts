/**
 * A file that `EnvironmentFile=` names (systemd src/basic/env-file.c parse_env_file_internal, v257; systemd.exec(5)): values like a
 * shell's, without expansion. A quote counts at the beginning of a value alone; later ones belong to it.
 */
import { isVariableName } from './systemd-env.ts';

type State =
  | 'before_key'
  | 'key'
  | 'before_value'
  | 'value'
  | 'value_escape'
  | 'single_quoted'
  | 'double_quoted'
  | 'double_quoted_escape'
  | 'comment'
  | 'comment_escape';

const lineEnds = '\n\r';
const blank = ' \t\n\r';
/** SHELL_NEED_ESCAPE: what a backslash protects between double quotes. */
const protectedInQuotes = '"\\`$';

export function parseEnvFile(text: string): readonly (readonly [name: string, value: string])[] {
  const parser = new Parser();
  for (const char of text) parser.take(char);
  return parser.end();
}

class Parser {
  #state: State = 'before_key';
  #key = '';
  #value = '';
  /** How much of the value stays when blanks at its end are cut off. */
  #kept = 0;
  readonly #found: (readonly [string, string])[] = [];

  take(char: string): void {
    const isEnd = lineEnds.includes(char);
    switch (this.#state) {
      case 'before_key':
        if ('#;'.includes(char)) this.#state = 'comment';
        else if (!blank.includes(char)) this.#begin(char);
        return;
      case 'key':
        if (isEnd) this.#state = 'before_key';
        else if (char === '=') this.#state = 'before_value';
        else this.#key += char;
        return;
      case 'before_value':
        this.#takeFirst(char, isEnd);
        return;
      case 'value':
        if (isEnd) this.#push();
        else if (char === '\\') this.#state = 'value_escape';
        else this.#add(char, !blank.includes(char));
        return;
      case 'value_escape':
        this.#state = 'value';
        if (!isEnd) this.#add(char, true);
        return;
      case 'single_quoted':
        if (char === "'") this.#state = 'before_value';
        else this.#add(char, true);
        return;
      case 'double_quoted':
        if (char === '"') this.#state = 'before_value';
        else if (char === '\\') this.#state = 'double_quoted_escape';
        else this.#add(char, true);
        return;
      case 'double_quoted_escape':
        this.#state = 'double_quoted';
        if (protectedInQuotes.includes(char)) this.#add(char, true);
        else if (char !== '\n') this.#add(`\\${char}`, true);
        return;
      case 'comment':
        if (char === '\\') this.#state = 'comment_escape';
        else if (isEnd) this.#state = 'before_key';
        return;
      case 'comment_escape':
        // Since v254 a comment ends with its line even so.
        this.#state = isEnd ? 'before_key' : 'comment';
        return;
    }
  }

  end(): readonly (readonly [string, string])[] {
    if (!['before_key', 'key', 'comment', 'comment_escape'].includes(this.#state)) this.#push();
    return this.#found;
  }

  #begin(char: string): void {
    this.#state = 'key';
    this.#key = char;
    this.#value = '';
    this.#kept = 0;
  }

  #takeFirst(char: string, isEnd: boolean): void {
    if (isEnd) this.#push();
    else if (char === "'") this.#state = 'single_quoted';
    else if (char === '"') this.#state = 'double_quoted';
    else if (char === '\\') this.#state = 'value_escape';
    else if (!blank.includes(char)) {
      this.#state = 'value';
      this.#add(char, true);
    }
  }

  #add(text: string, stays: boolean): void {
    this.#value += text;
    if (stays) this.#kept = this.#value.length;
  }

  #push(): void {
    const name = this.#key.trimEnd();
    if (isVariableName(name)) this.#found.push([name, this.#value.slice(0, this.#kept)]);
    this.#state = 'before_key';
  }
}
