/**
 * The command line that `ExecStart=` makes, with the variables of the service put in (systemd src/core/load-fragment.c
 * config_parse_exec, src/basic/env-util.c replace_env_argv, v257; systemd.service(5)).
 */
import { expandSpecifiers, type SpecifierValues } from './systemd-specifiers.ts';
import { isVariableName, tokensIn } from './systemd-env.ts';

type Env = ReadonlyMap<string, string>;

export interface Command {
  /** The program first. */
  readonly argv: readonly string[];
  /** With `:` before the program, `$` stays as it is. */
  readonly expands: boolean;
}

export type ExecStart =
  { readonly ok: true; readonly commands: readonly Command[] } | { readonly ok: false; readonly why: string };

/** One line may hold several commands, parted by a semicolon that is a word of its own. */
export function parseExecStart(value: string, specifiers: SpecifierValues): ExecStart {
  const { tokens, refused } = tokensIn(value, 'relaxed');
  if (refused !== undefined) return { ok: false, why: refused };
  const commands: Command[] = [];
  let argv: string[] = [];
  for (const word of [...tokens, ';']) {
    if (word === ';') {
      if (argv.length > 0) commands.push(commandOf(argv));
      argv = [];
      continue;
    }
    const text = expandSpecifiers(word === '\\;' ? ';' : word, specifiers);
    if (!text.ok) return text;
    argv.push(text.value);
  }
  return { ok: true, commands };
}

function commandOf([first = '', ...rest]: readonly string[]): Command {
  let start = 0;
  while ('-@:+!|'.includes(first.charAt(start) || ' ')) start += 1;
  const prefix = first.slice(0, start);
  // After `@` the second word is what the program sees as its own name.
  const args = prefix.includes('@') ? rest.slice(1) : rest;
  return { argv: [first.slice(start), ...args], expands: !prefix.includes(':') };
}

/**
 * A word that is `$NAME` becomes as many words as its value holds, perhaps none; `${NAME}` becomes its value wherever it stands; `$$`
 * is a dollar sign, and `$NAME` inside of a word stays.
 */
export function expandCommand({ argv, expands }: Command, env: Env): readonly string[] {
  if (!expands) return argv;
  const [program = '', ...args] = argv;
  return [program, ...args.flatMap((word) => expandWord(word, env))];
}

function expandWord(word: string, env: Env): readonly string[] {
  const name = word.slice(1);
  if (word.startsWith('$') && isVariableName(name)) return tokensIn(env.get(name) ?? '', 'relaxed').tokens;
  let text = '';
  for (let at = 0; at < word.length; at += 1) {
    const end = word.startsWith('${', at) ? word.indexOf('}', at) : -1;
    if (end > 0 && isVariableName(word.slice(at + 2, end))) {
      text += env.get(word.slice(at + 2, end)) ?? '';
      at = end;
    } else {
      text += word.charAt(at);
      if (word.startsWith('$$', at)) at += 1;
    }
  }
  return [text];
}
