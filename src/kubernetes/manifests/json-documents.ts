/** JSON documents one after another in one text, as `kubectl get -o json` in a loop or a log of objects gives them. */

export interface JsonDocument {
  /** Lines before it. */
  readonly line: number;
  readonly value: unknown;
}

/** One JSON document, or several with nothing but blanks between them. Undefined: not JSON, perhaps YAML in flow style. */
export function jsonDocuments(text: string): readonly JsonDocument[] | undefined {
  const whole = tryJson(text);
  if (whole !== undefined) return [{ line: leadingLines(text), value: whole.value }];
  const documents: JsonDocument[] = [];
  let line = 0;
  for (const part of jsonParts(text)) {
    const parsed = tryJson(part);
    if (parsed === undefined) return undefined;
    documents.push({ line: line + leadingLines(part), value: parsed.value });
    line += linesIn(part);
  }
  return documents;
}

function tryJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** Cuts where brackets balance, minding strings. */
function* jsonParts(text: string): Generator<string> {
  const marks = /["{}[\]]/g;
  let depth = 0;
  let from = 0;
  for (let found = marks.exec(text); found !== null; found = marks.exec(text)) {
    if (found[0] === '"') {
      marks.lastIndex = endOfString(text, marks.lastIndex);
      continue;
    }
    depth += found[0] === '{' || found[0] === '[' ? 1 : -1;
    if (depth > 0) continue;
    yield text.slice(from, marks.lastIndex);
    from = marks.lastIndex;
    depth = 0;
  }
  if (text.slice(from).trim() !== '') yield text.slice(from);
}

function endOfString(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

export function linesIn(text: string): number {
  return text.split('\n').length - 1;
}

export function leadingLines(text: string): number {
  return linesIn(/^\s*/.exec(text)?.[0] ?? '');
}
