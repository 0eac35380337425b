/**
 * Shell patterns as Go's path/filepath.Match reads them on Unix (Go 1.26 internal/filepathlite, path/filepath/match.go): `*` and
 * `?` never match a slash, `[a-z]` and `[^a]` are classes, a backslash takes the next character as it is.
 */

/** One operator that consumes a character, or a star. */
type Operator =
  | { readonly is: 'star' }
  | { readonly is: 'any' }
  | { readonly is: 'literal'; readonly char: string }
  | { readonly is: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [number, number])[] };

/** False where nothing matches; undefined where the pattern is malformed (Go: ErrBadPattern). */
export function matchGlob(pattern: string, name: string): boolean | undefined {
  const operators = readPattern(pattern);
  if (operators === undefined) return undefined;
  return matchOperators(operators, Array.from(name));
}

/** Greedy with one point of return, the last star: linear memory, quadratic time at worst. */
function matchOperators(operators: readonly Operator[], name: readonly string[]): boolean {
  let at = 0;
  let op = 0;
  let star: { op: number; at: number } | undefined;
  while (at < name.length || op < operators.length) {
    const operator = operators[op];
    const char = name[at];
    if (operator?.is === 'star') {
      star = { op, at };
      op++;
    } else if (operator !== undefined && char !== undefined && takes(operator, char)) {
      op++;
      at++;
    } else {
      if (star === undefined || name[star.at] === undefined || name[star.at] === '/') return false;
      star = { op: star.op, at: star.at + 1 };
      op = star.op + 1;
      at = star.at;
    }
  }
  return true;
}

function takes(operator: Operator, char: string): boolean {
  switch (operator.is) {
    case 'star':
      return false;
    case 'any':
      return char !== '/';
    case 'literal':
      return char === operator.char;
    case 'class': {
      const code = char.codePointAt(0) ?? 0;
      return operator.ranges.some(([low, high]) => low <= code && code <= high) !== operator.negated;
    }
  }
}

function readPattern(pattern: string): readonly Operator[] | undefined {
  const chars = Array.from(pattern);
  const operators: Operator[] = [];
  let at = 0;
  while (at < chars.length) {
    const char = chars[at] ?? '';
    at++;
    if (char === '*') operators.push({ is: 'star' });
    else if (char === '?') operators.push({ is: 'any' });
    else if (char === '\\') {
      const escaped = chars[at];
      if (escaped === undefined) return undefined;
      operators.push({ is: 'literal', char: escaped });
      at++;
    } else if (char === '[') {
      const read = readClass(chars, at);
      if (read === undefined) return undefined;
      operators.push(read.operator);
      at = read.next;
    } else operators.push({ is: 'literal', char });
  }
  return operators;
}

function readClass(chars: readonly string[], start: number): { operator: Operator; next: number } | undefined {
  let at = start;
  const negated = chars[at] === '^';
  if (negated) at++;
  const ranges: (readonly [number, number])[] = [];
  while (ranges.length === 0 || chars[at] !== ']') {
    const low = readMember(chars, at);
    if (low === undefined) return undefined;
    at = low.next;
    let high = low;
    if (chars[at] === '-') {
      const end = readMember(chars, at + 1);
      if (end === undefined) return undefined;
      high = end;
      at = end.next;
    }
    ranges.push([low.code, high.code]);
  }
  return { operator: { is: 'class', negated, ranges }, next: at + 1 };
}

/** match.go getEsc: a member of a class, which something must follow. */
function readMember(chars: readonly string[], start: number): { code: number; next: number } | undefined {
  const first = chars[start];
  if (first === undefined || first === '-' || first === ']') return undefined;
  const at = first === '\\' ? start + 1 : start;
  const code = chars[at]?.codePointAt(0);
  if (code === undefined || chars[at + 1] === undefined) return undefined;
  return { code, next: at + 1 };
}
