/** Colour, width and wrapping for a terminal. Knows no reports, and no process: whether there is colour is said to it. */
import { styleText } from 'node:util';
import type { PullReport } from '#report/report.ts';
import type { Verdict } from '#report/verdict.ts';

export type Style = 'red' | 'green' | 'yellow' | 'magenta' | 'dim' | 'bold' | 'cyan';
export type Paint = (style: Style, text: string) => string;

export function painter(colour: boolean): Paint {
  return (style, text) => (colour && text !== '' ? styleText(style, text, { validateStream: false }) : text);
}

export const verdictStyles: {
  readonly [V in Verdict['is']]: { readonly word: string; readonly sign: string; readonly style: Style };
} = {
  pulls: { word: 'pulls', sign: '✓', style: 'green' },
  at_risk: { word: 'at risk', sign: '!', style: 'yellow' },
  fails: { word: 'fails', sign: '✗', style: 'red' },
  unknown: { word: 'unknown', sign: '?', style: 'magenta' },
};

/** What stands behind a verdict that is not exact. */
export const confidenceMark: { readonly [S in PullReport['verdict']['confidence']['is']]: string } = {
  exact: '',
  'exact-if-restarted': '*',
  approximate: '~',
};

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const wide =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u;
const empty = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

/** Columns on a terminal. */
export function widthOf(text: string): number {
  if (/^[\u0000-\u007e]*$/.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += columnsOf(segment);
  return columns;
}

function columnsOf(grapheme: string): number {
  if (empty.test(grapheme)) return 0;
  return wide.test(grapheme) ? 2 : 1;
}

/** Cut to at most so many columns, in the middle for names (both ends tell), else at the end. */
export function fit(text: string, columns: number, cut: 'middle' | 'end' = 'end'): string {
  if (widthOf(text) <= columns) return text;
  if (columns < 2) return '…'.slice(0, columns);
  const head = cut === 'middle' ? Math.floor((columns - 1) / 3) : columns - 1;
  return `${take(text, head)}…${cut === 'middle' ? takeEnd(text, columns - 1 - head) : ''}`;
}

export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)));
}

/** Words on lines of at most so many columns; a word that is longer stands alone, uncut, so that it can be copied. */
export function wrap(text: string, columns: number): readonly string[] {
  if (!Number.isFinite(columns)) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function take(text: string, columns: number): string {
  let out = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += columnsOf(segment);
    if (used > columns) break;
    out += segment;
  }
  return out;
}

function takeEnd(text: string, columns: number): string {
  const parts = [...graphemes.segment(text)].map(({ segment }) => segment);
  let out = '';
  let used = 0;
  for (const segment of parts.toReversed()) {
    used += columnsOf(segment);
    if (used > columns) break;
    out = segment + out;
  }
  return out;
}
