/**
 * JSON from outside, parsed only where it stays within bounds: `[],` repeated for a few MiB is small as text and hundreds of MiB
 * as objects. The bounds are counted in the text, before anything is built.
 */

export interface JsonBounds {
  /** Values: each element, each member and each container counts as one. */
  readonly nodes: number;
  readonly depth: number;
}

/** Far above an honest object of a registry or of the Kubernetes API: a Pod has some thousand values. */
export const defaultJsonBounds: JsonBounds = { nodes: 200_000, depth: 256 };

/**
 * For what a registry sends. 50,000 values are built within some 20 ms; an index of a hundred platforms has 1,500, a manifest of 127
 * layers less.
 */
export const registryJsonBounds: JsonBounds = { nodes: 50_000, depth: 256 };

/** undefined where the text is no JSON or exceeds the bounds. */
export function parseJson(text: string, bounds: JsonBounds = defaultJsonBounds): unknown {
  if (!isWithinBounds(text, bounds)) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch {
    return undefined;
  }
}

/**
 * Counts commas, opening brackets and depth outside of strings. A text that is no JSON may pass or not; what passes has at most
 * so many values.
 */
export function isWithinBounds(text: string, { nodes, depth }: JsonBounds): boolean {
  // The shortest value with its comma has two characters.
  if (text.length <= nodes && text.length <= depth) return true;
  let [counted, open] = [1, 0];
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 0x22:
        at = endOfString(text, at);
        break;
      case 0x5b:
      case 0x7b:
        open += 1;
        counted += 1;
        break;
      case 0x5d:
      case 0x7d:
        open -= 1;
        break;
      case 0x2c:
        counted += 1;
        break;
      default:
        break;
    }
    if (counted > nodes || open > depth) return false;
  }
  return true;
}

/** The position of the closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at += 1;
    else if (code === 0x22) return at;
  }
  return text.length;
}
