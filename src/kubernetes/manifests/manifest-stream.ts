/**
 * A stream of Kubernetes objects as kubectl takes it: YAML documents between `---` lines, JSON documents one after another, or
 * both. Yields plain values with the place where each was found. Knows nothing of what the objects mean. Bounded: a document too
 * large to hold, too deep, or made of aliases of aliases becomes a problem, and the rest is read.
 */
import { type Fields, isFields } from '#data/fields.ts';
import { LineCounter, isScalar, parseDocument, visit } from 'yaml';
import type { Document, YAMLError } from 'yaml';
import { jsonDocuments, leadingLines, linesIn } from './json-documents.ts';

/** Something about the stream that people should know, and where. */
export interface Remark {
  readonly at: string;
  readonly what: string;
}

export interface Piece {
  readonly at: string;
  readonly value: Fields;
}

export interface Stream {
  readonly pieces: readonly Piece[];
  /** What could not be read: an image may have gone unseen. */
  readonly problems: readonly Remark[];
  /** What was read, though not as its author may think. */
  readonly hints: readonly Remark[];
}

/** The YAML library needs some 250 bytes of memory for a character and a second for a million of them; JSON needs little. */
export const limits = { textChars: 64 << 20, yamlChars: 4 << 20, documents: 20_000, remarks: 100 } as const;

interface Chunk {
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
}

interface Notes {
  readonly pieces: Piece[];
  readonly problems: Remark[];
  readonly hints: Remark[];
}

export function readStream(text: string): Stream {
  const notes: Notes = { pieces: [], problems: [], hints: [] };
  if (text.length > limits.textChars) {
    notes.problems.push({
      at: 'the whole input',
      what: `it is ${megabytes(text)} long; at most 64 MB are read: split it`,
    });
    return notes;
  }
  let chunks = 0;
  for (const chunk of documentsOf(text.replace(/^\uFEFF/, ''))) {
    if (isBlank(chunk.text)) continue;
    chunks += 1;
    if (chunks > limits.documents) {
      notes.problems.push({
        at: `line ${chunk.line}`,
        what: `more than ${limits.documents} documents; the rest is not read`,
      });
      break;
    }
    readChunk(chunk, notes);
  }
  return notes;
}

/** Cuts at lines that begin with `---`, wherever they stand (apimachinery util/yaml splitYAMLDocument). */
function* documentsOf(text: string): Generator<Chunk> {
  const mark = /^---(?=[ \t\r\n]|$)/gm;
  let from = 0;
  let line = 1;
  for (const found of text.matchAll(mark)) {
    const chunk = text.slice(from, found.index);
    yield { text: chunk, line };
    line += linesIn(chunk);
    from = found.index + 3;
  }
  yield { text: text.slice(from), line };
}

function readChunk(chunk: Chunk, notes: Notes): void {
  if (/^\s*[{[]/.test(chunk.text)) {
    const documents = jsonDocuments(chunk.text);
    if (documents !== undefined) {
      for (const { line, value } of documents) keep(`line ${chunk.line + line}`, value, notes);
      return;
    }
  }
  readYaml(chunk, notes);
}

function readYaml(chunk: Chunk, notes: Notes): void {
  const at = `line ${chunk.line + leadingLines(chunk.text)}`;
  if (chunk.text.length > limits.yamlChars) {
    const what = `this YAML document is ${megabytes(chunk.text)} long; at most 4 MB are read: split it or give it as JSON`;
    notes.problems.push({ at, what });
    return;
  }
  const lines = new LineCounter();
  const document = parseDocument(chunk.text, {
    merge: true,
    // The library's own search for duplicates takes quadratic time.
    uniqueKeys: false,
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const [error] = document.errors;
  if (error !== undefined) {
    notes.problems.push({ at: `line ${lineOf(error, lines) + chunk.line - 1}`, what: yamlTrouble(error) });
    return;
  }
  const value = plainOf(document);
  if (typeof value === 'string') {
    notes.problems.push({ at, what: value });
    return;
  }
  noteDuplicates(document, (offset) => lines.linePos(offset).line + chunk.line - 1, notes);
  if (value.of !== null && value.of !== undefined) keep(at, value.of, notes);
}

/** The document as plain values, or what is wrong with it. */
function plainOf(document: Document.Parsed): { of: unknown } | string {
  try {
    return { of: document.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return text.startsWith('Excessive alias') ? 'its aliases multiply beyond all use; it is not read' : unquoted(text);
  }
}

/** kubectl's reader lets the last of equal keys win, without a word. */
function noteDuplicates(document: Document.Parsed, lineAt: (offset: number) => number, notes: Notes): void {
  visit(document, {
    Map(_key, map) {
      const met = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key) || key.value === '<<') continue;
        if (met.has(key.value) && notes.hints.length < limits.remarks) {
          const at = `line ${lineAt(key.range?.[0] ?? 0)}`;
          notes.hints.push({
            at,
            what: `the key "${short(String(key.value))}" stands here a second time; the last one counts`,
          });
        }
        met.add(key.value);
      }
    },
  });
}

function keep(at: string, value: unknown, notes: Notes): void {
  if (isFields(value)) {
    notes.pieces.push({ at, value });
    return;
  }
  if (notes.problems.length >= limits.remarks) return;
  const what = Array.isArray(value) ? 'a list' : value === null ? 'null' : `a ${typeof value}`;
  notes.problems.push({
    at,
    what: `this document is ${what}, not a Kubernetes object (a mapping with apiVersion and kind)`,
  });
}

function yamlTrouble(error: YAMLError): string {
  if (error.code === 'RESOURCE_EXHAUSTION') return 'nested too deeply to be read';
  return `no valid YAML: ${unquoted(error.message)}`;
}

function lineOf(error: YAMLError, lines: LineCounter): number {
  return lines.linePos(error.pos[0]).line;
}

function isBlank(text: string): boolean {
  return !/^[ \t]*[^\s#%.]|^[ \t]*\.(?!\.\.[ \t]*\r?$)/m.test(text);
}

/** The library's sentence without what it quotes: the text at fault may be a password. */
function unquoted(text: string): string {
  return text.split(/[:"'\\\n]/, 1)[0]?.trim() ?? '';
}

function short(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function megabytes(text: string): string {
  return `${Math.ceil(text.length / (1 << 20))} MB`;
}
