/** The small grammars of systemd that decide about a service's environment. Text in, assignments out. */

export type Env = ReadonlyMap<string, string>;

/** Key and value of each line of one section, continuations joined and comments dropped (systemd.syntax(7)). */
export function linesOf(text: string, section: string): readonly (readonly [key: string, value: string])[] {
  const found: [string, string][] = [];
  let current = '';
  let line = '';
  for (const raw of text.split(/\r?\n/)) {
    const isComment = /^\s*[#;]/.test(raw);
    // A comment between the parts of a continued line is skipped, and the line goes on.
    if (isComment) continue;
    if (raw.endsWith('\\')) {
      line += `${raw.slice(0, -1)} `;
      continue;
    }
    line += raw;
    const header = /^\s*\[([^\]]*)\]\s*$/.exec(line);
    const equals = line.indexOf('=');
    if (header !== null) current = header[1] ?? '';
    else if (equals > 0 && current === section)
      found.push([line.slice(0, equals).trim(), line.slice(equals + 1).trim()]);
    line = '';
  }
  return found;
}

/** `Environment=`: words with quotes and C escapes, each an assignment (extract_first_word, EXTRACT_CUNESCAPE). */
export function assignmentsIn(value: string, unit = ''): readonly (readonly [name: string, value: string])[] {
  return tokensIn(value).flatMap((token) => {
    const text = expandSpecifiers(token, unit);
    const equals = text.indexOf('=');
    const name = text.slice(0, equals);
    return equals > 0 && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? [[name, text.slice(equals + 1)] as const] : [];
  });
}

export function tokensIn(value: string): readonly string[] {
  const tokens: string[] = [];
  let token: string | undefined;
  let quote = '';
  for (let at = 0; at < value.length; at += 1) {
    const char = value.charAt(at);
    if (char === '\\' && at + 1 < value.length) {
      const escape = unescapeAt(value, at + 1);
      token = (token ?? '') + escape.text;
      at = escape.last;
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else token = (token ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      token ??= '';
    } else if (/\s/.test(char)) {
      if (token !== undefined) tokens.push(token);
      token = undefined;
    } else {
      token = (token ?? '') + char;
    }
  }
  // An open quote makes the rest of the line invalid, and systemd drops it.
  if (token !== undefined && quote === '') tokens.push(token);
  return tokens;
}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  s: ' ',
};

function unescapeAt(value: string, at: number): { text: string; last: number } {
  const hex = /^x([0-9a-fA-F]{2})/.exec(value.slice(at, at + 3));
  if (hex !== null) return { text: String.fromCharCode(Number.parseInt(hex[1] ?? '', 16)), last: at + 2 };
  const char = value.charAt(at);
  return { text: simpleEscapes[char] ?? char, last: at };
}

/** Unknown specifiers stay, so an escaped character of a URL survives unless its letter is one of systemd's. */
export function expandSpecifiers(text: string, unit: string): string {
  const prefix = unit.replace(/\.[a-z]+$/, '');
  const known: Readonly<Record<string, string>> = {
    '%': '%',
    n: unit,
    N: prefix,
    p: prefix.split('@', 1)[0] ?? '',
    i: '',
  };
  return text.replaceAll(/%([%nNpi])/g, (_, letter: string) => known[letter] ?? '');
}

/** An `EnvironmentFile=` (load_env_file): like a shell's assignments, without expansion. */
export function parseEnvFile(text: string): readonly (readonly [name: string, value: string])[] {
  const found: [string, string][] = [];
  const line =
    /[ \t]*(?:[#;][^\n]*|([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*((?:"(?:[^"\\]|\\[\s\S])*"|'[^']*'|\\[\s\S]|[^\n\\"'])*)[^\n]*|[^\n]*)(?:\n|$)/y;
  const whole = text.replaceAll('\r\n', '\n');
  while (line.lastIndex < whole.length) {
    const match = line.exec(whole);
    if (match === null) break;
    if (match[1] !== undefined) found.push([match[1], unquote(match[2] ?? '')]);
  }
  return found;
}

function unquote(written: string): string {
  let value = '';
  let kept = 0;
  const piece = /"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'|\\([\s\S])|([\s\S])/g;
  for (const [, double, single, escaped, plain] of written.matchAll(piece)) {
    if (double !== undefined) {
      value += double.replaceAll(/\\(["\\`$])/g, '$1').replaceAll('\\\n', '');
    } else if (single !== undefined) {
      value += single;
    } else if (escaped !== undefined) {
      value += escaped === '\n' ? '' : escaped;
    } else {
      value += plain ?? '';
      // Only unquoted blanks at the end are trimmed.
      if (/\s/.test(plain ?? '')) continue;
    }
    kept = value.length;
  }
  return value.slice(0, kept);
}
