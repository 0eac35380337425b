/** Go's strconv.Quote (%q): what is not printable is escaped, and of blanks only the plain one is printable (unicode IsPrint). */

const named: ReadonlyMap<string, string> = new Map([
  ['\u0007', String.raw`\a`],
  ['\b', String.raw`\b`],
  ['\f', String.raw`\f`],
  ['\n', String.raw`\n`],
  ['\r', String.raw`\r`],
  ['\t', String.raw`\t`],
  ['\v', String.raw`\v`],
  ['"', String.raw`\"`],
  ['\\', String.raw`\\`],
]);

export function goQuote(text: string): string {
  return `"${Array.from(text.toWellFormed(), quoteOne).join('')}"`;
}

function quoteOne(char: string): string {
  const escaped = named.get(char);
  if (escaped !== undefined) return escaped;
  if (char === ' ' || !/[\p{C}\p{Z}]/u.test(char)) return char;
  const hex = (char.codePointAt(0) ?? 0).toString(16);
  if (hex.length <= 2 && char <= '\u007f') return `\\x${hex.padStart(2, '0')}`;
  return hex.length <= 4 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
