/**
 * `rewrite` of a host in hosts.toml, as k3s's fork of containerd follows it: the first pattern that changes the repository counts, for
 * the path of requests alone, and never for the registry itself (containerd/containerd#5171, which the fork carries;
 * docs.k3s.io/installation/private-registry). Patterns are regular expressions of Go, replacements templates of its regexp.Expand.
 */
import type { Rewrite } from '#node/view.ts';

export function rewriteRepository(repository: string, rewrites: readonly Rewrite[]): string {
  for (const [pattern, replacement] of rewrites) {
    const expression = compile(pattern);
    if (expression === undefined) continue;
    const made = repository.replace(expression, (...found: unknown[]) => expand(replacement, groupsOf(found)));
    if (made !== repository) return made;
  }
  return repository;
}

/** What matches as a whole, and its groups: before the position, which is the first number. */
function groupsOf(found: readonly unknown[]): readonly string[] {
  const end = found.findIndex((one) => typeof one === 'number');
  return found.slice(0, end).map((one) => (typeof one === 'string' ? one : ''));
}

/** What Go does not compile is passed over with a warning in the log. */
function compile(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, 'g');
  } catch {
    return undefined;
  }
}

/**
 * Whether Go's RE2 syntax and ours mean the same by it: no groups with flags or names, no classes with names, no escapes but those of
 * punctuation and the common classes.
 */
export function isCommonPattern(pattern: string): boolean {
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    if (char === '\\') {
      at += 1;
      if (isAlphanumeric(pattern.charAt(at)) && !'dDwWbB'.includes(pattern.charAt(at))) return false;
    }
    if (pattern.startsWith('(?', at) && !pattern.startsWith('(?:', at)) return false;
    if (pattern.startsWith('[[:', at) || pattern.startsWith('[:', at)) return false;
  }
  return true;
}

/** regexp.Expand: `$1` and `${1}`; the longest name counts, so `$1x` is the group `1x`, which there is not; `$$` is a dollar sign. */
function expand(template: string, groups: readonly string[]): string {
  let text = '';
  for (let at = 0; at < template.length; at += 1) {
    if (template.charAt(at) !== '$') {
      text += template.charAt(at);
      continue;
    }
    const name = nameAt(template, at + 1);
    if (name === undefined) {
      text += '$';
      if (template.charAt(at + 1) === '$') at += 1;
      continue;
    }
    text += isNumber(name.text) ? (groups[Number(name.text)] ?? '') : '';
    at = name.last;
  }
  return text;
}

function nameAt(template: string, start: number): { readonly text: string; readonly last: number } | undefined {
  const isBraced = template.charAt(start) === '{';
  const from = isBraced ? start + 1 : start;
  let end = from;
  while (isAlphanumeric(template.charAt(end)) || template.charAt(end) === '_') end += 1;
  if (end === from || (isBraced && template.charAt(end) !== '}')) return undefined;
  return { text: template.slice(from, end), last: isBraced ? end : end - 1 };
}

function isNumber(text: string): boolean {
  for (const char of text) if (char < '0' || char > '9') return false;
  return true;
}

function isAlphanumeric(char: string): boolean {
  return (char >= '0' && char <= '9') || (char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z');
}
