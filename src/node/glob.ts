/** File patterns as Go's path/filepath has them: Match (one name) and Glob (a path), over the node's files. */
import { posix } from 'node:path';
import { listDir, statPath, type DirEntry, type HostRoot } from './host-root.ts';

/** Go's Glob is not bounded; ours stops here. */
const maxMatches = 10_000;

/** filepath.Match for one path element as an expression, or undefined where Go says ErrBadPattern. */
export function nameMatcher(pattern: string): ((name: string) => boolean) | undefined {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    if (char === '*') {
      source += '[^/]*';
    } else if (char === '?') {
      source += '[^/]';
    } else if (char === '\\') {
      at += 1;
      if (at >= pattern.length) return undefined;
      source += escaped(pattern.charAt(at));
    } else if (char === '[') {
      const set = characterSet(pattern, at);
      if (set === undefined) return undefined;
      source += set.source;
      at = set.end;
    } else {
      source += escaped(char);
    }
  }
  // Several stars in a row mean one, and would make the expression slow.
  const expression = new RegExp(`^${source.replaceAll(/(?:\[\^\/\]\*)+/g, '[^/]*')}$`, 's');
  return (name) => expression.test(name);
}

function characterSet(pattern: string, start: number): { source: string; end: number } | undefined {
  let at = start + 1;
  const negated = pattern.charAt(at) === '^';
  if (negated) at += 1;
  let inside = '';
  for (let count = 0; ; count += 1) {
    if (pattern.charAt(at) === ']' && count > 0) break;
    const low = setMember(pattern, at);
    if (low === undefined) return undefined;
    at = low.next;
    let high = low.char;
    if (pattern.charAt(at) === '-') {
      const upper = setMember(pattern, at + 1);
      if (upper === undefined) return undefined;
      high = upper.char;
      at = upper.next;
    }
    if (low.char <= high) inside += `${escaped(low.char)}-${escaped(high)}`;
  }
  if (inside === '') return { source: negated ? '[^/]' : '[^\\s\\S]', end: at };
  return { source: negated ? `[^/${inside}]` : `(?!/)[${inside}]`, end: at };
}

function setMember(pattern: string, at: number): { char: string; next: number } | undefined {
  const char = pattern.charAt(at);
  if (char === '' || char === '-' || char === ']') return undefined;
  if (char !== '\\') return { char, next: at + 1 };
  const meant = pattern.charAt(at + 1);
  return meant === '' ? undefined : { char: meant, next: at + 2 };
}

function escaped(char: string): string {
  return /[\w\s]/.test(char) ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** filepath.Glob: matching paths in lexical order of each part; undefined for a bad pattern. */
export async function glob(root: HostRoot, pattern: string): Promise<readonly string[] | undefined> {
  let paths: readonly string[] = ['/'];
  for (const part of posix.normalize(pattern).split('/')) {
    if (part === '') continue;
    const matches = nameMatcher(part);
    if (matches === undefined) return undefined;
    const next: string[] = [];
    for (const path of paths) {
      if (!/[*?[\\]/.test(part)) {
        next.push(posix.join(path, part));
        continue;
      }
      const listed = await listDir(root, path);
      const entries: readonly DirEntry[] = listed.ok ? listed.value : [];
      for (const entry of entries) if (matches(entry.name)) next.push(posix.join(path, entry.name));
    }
    paths = next.slice(0, maxMatches);
  }
  const present: string[] = [];
  for (const path of paths) if ((await statPath(root, path)).ok) present.push(path);
  return present;
}
