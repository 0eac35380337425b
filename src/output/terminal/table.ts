/** The answer as a table: one line an image, and below it, where a line has no room for them, cause and remedy in full. */
import { ownerOf } from '#report/fault.ts';
import type { Forecast } from '#forecast/forecast.ts';
import type { Content } from '#report/rehearsal.ts';
import { remedyInFull, type Advice, type PullReport } from '#report/report.ts';
import { leftText } from '#output/forecast-text.ts';
import { faultTextOf } from '#report/advice/advice.ts';
import { plain } from '#report/advice/phrases.ts';
import { bytes, counted, duration, platformText } from '#output/measures.ts';
import { fit, pad, painter, confidenceMark, verdictStyles, widthOf, wrap } from './paint.ts';
import type { Paint } from './paint.ts';

export interface TableOptions {
  /** Columns; Infinity where nothing bounds them, as in a pipe: then everything stands in the line, for grep. */
  readonly width: number;
  readonly colour: boolean;
}

type Column = 'verdict' | 'image' | 'stage' | 'cause' | 'took' | 'next' | 'confidence';
type Row = { readonly [C in Column]: string };

const titles: Row = {
  verdict: 'VERDICT',
  image: 'IMAGE',
  stage: 'STAGE',
  cause: 'CAUSE',
  took: 'TOOK',
  next: 'NEXT',
  confidence: 'SURE',
};
const gap = '  ';
/** Narrower than this the stage is left to the fault's code, which begins with it. */
const widthForStage = 100;
/** What a column is cut down to, in this order, when the line is too long. The rest is never cut. */
const cuts: readonly (readonly [Column, number])[] = [
  ['next', 18],
  ['image', 32],
  ['next', 4],
  ['cause', 20],
  ['image', 16],
  ['cause', 10],
];

export function table(reports: readonly PullReport[], { width, colour }: TableOptions): string {
  if (reports.length === 0) return '';
  const paint = painter(colour);
  if (!Number.isFinite(width)) {
    const columns: readonly Column[] = ['verdict', 'image', 'stage', 'cause', 'took', 'confidence', 'next'];
    return lines(reports.map(fullRow), { columns, reports, paint }).join('\n');
  }
  const notes = notesOf(reports);
  const columns: readonly Column[] =
    width >= widthForStage
      ? ['verdict', 'image', 'stage', 'cause', 'took', 'next']
      : ['verdict', 'image', 'cause', 'took', 'next'];
  const rows = cutDown(
    reports.map((report) => shortRow(report, notes)),
    columns,
    width,
  );
  const below = [...advice(notes, width, paint), ...legend(reports, width, paint)];
  return [...lines(rows, { columns, reports, paint }), ...below].join('\n');
}

function lines(
  rows: readonly Row[],
  { columns, reports, paint }: { columns: readonly Column[]; reports: readonly PullReport[]; paint: Paint },
): readonly string[] {
  const widths = new Map(columns.map((column) => [column, widest(column, [titles, ...rows])]));
  const line = (row: Row): readonly string[] => columns.map((column) => pad(row[column], widths.get(column) ?? 0));
  const head = paint('dim', line(titles).join(gap).trimEnd());
  const body = rows.map((row, index) => {
    const [verdict = '', ...rest] = line(row);
    const is = reports[index]?.verdict.is ?? 'unknown';
    return [paint(verdictStyles[is].style, verdict), ...rest].join(gap).trimEnd();
  });
  return [head, ...body];
}

function fullRow(report: PullReport): Row {
  const { verdict } = report;
  const detailed = detailsOf(report);
  const { is, because } = verdict.confidence;
  const confidence = because.length === 0 ? is : `${is}: ${because.map((why) => plain(why)).join('; ')}`;
  const code = codeOf(report);
  const cause = code === '' ? contentOf(report) : `${code}: ${detailed?.cause ?? ''}`;
  return { ...common(report), cause, next: detailed?.remedy ?? '', confidence };
}

function shortRow(report: PullReport, notes: Notes): Row {
  const { verdict } = report;
  const number = notes.numbers.get(noteKey(report));
  const mark = number === undefined ? '' : `[${number}]`;
  const short = verdict.is === 'fails' || verdict.is === 'unknown' ? faultTextOf[verdict.fault.code].next : '';
  const first = verdict.is === 'at_risk' ? plain(verdict.forecasts[0]?.remedy ?? '') : short;
  return {
    ...common(report),
    cause: codeOf(report) || contentOf(report),
    next: `${mark} ${first}`.trim(),
    confidence: '',
  };
}

function common({ verdict, image, ms }: PullReport): Pick<Row, 'verdict' | 'image' | 'stage' | 'took'> {
  const { word } = verdictStyles[verdict.is];
  return {
    verdict: `${word}${confidenceMark[verdict.confidence.is]}`,
    image: plain(image, 512),
    stage: verdict.is === 'fails' || verdict.is === 'unknown' ? verdict.stage : '',
    took: duration(ms),
  };
}

function codeOf({ verdict }: PullReport): string {
  if (verdict.is === 'fails' || verdict.is === 'unknown') return verdict.fault.code;
  return verdict.is === 'at_risk' ? threatText(verdict.forecasts[0]) : '';
}

/** `tls.expired in 2 days`: what would stop it first. */
function threatText(threat: Forecast | undefined): string {
  if (threat === undefined) return '';
  const left = leftText(threat.withinS === undefined ? undefined : threat.withinS * 1000);
  if (left === undefined) return threat.fault;
  return `${threat.fault} ${left === 'any moment' ? left : `in ${left}`}`;
}

function threatOf({ verdict }: PullReport): Forecast | undefined {
  return verdict.is === 'at_risk' ? verdict.forecasts[0] : undefined;
}

function contentOf({ attempts }: PullReport): string {
  const ending = attempts.at(-1)?.ending;
  return ending?.is === 'pulled' ? contentText(ending.content) : '';
}

export function contentText({ platform, layers, bytes: size, depth }: Content): string {
  const parts = [
    ...(platform === undefined ? [] : [platformText(platform)]),
    ...(depth === 'resolved' ? ['resolved, content not read'] : [counted(layers, 'layer'), bytes(size)]),
  ];
  return plain(parts.join(', '));
}

function cutDown(rows: readonly Row[], columns: readonly Column[], width: number): readonly Row[] {
  let now = rows;
  for (const [column, least] of cuts) {
    const total = columns.reduce(
      (sum, each) => sum + widest(each, [titles, ...now]),
      gap.length * (columns.length - 1),
    );
    if (total <= width) break;
    const space = Math.max(least, widest(column, [titles, ...now]) - (total - width));
    now = now.map((row) => ({ ...row, [column]: cut(row[column], column, space) }));
  }
  return now;
}

/** Names keep both ends; a next step too short to read leaves its number alone. */
function cut(text: string, column: Column, space: number): string {
  if (column === 'next' && space < 12 && widthOf(text) > space) return /^\[\d+\]/.exec(text)?.[0] ?? '';
  return fit(text, space, column === 'image' ? 'middle' : 'end');
}

function widest(column: Column, rows: readonly Row[]): number {
  return rows.reduce((most, row) => Math.max(most, widthOf(row[column])), 0);
}

interface Notes {
  readonly numbers: ReadonlyMap<string, number>;
  readonly reports: readonly PullReport[];
}

/** Equal advice has one number. */
function notesOf(reports: readonly PullReport[]): Notes {
  const numbers = new Map<string, number>();
  const first: PullReport[] = [];
  for (const report of reports) {
    const key = noteKey(report);
    if (detailsOf(report) === undefined || numbers.has(key)) continue;
    numbers.set(key, numbers.size + 1);
    first.push(report);
  }
  return { numbers, reports: first };
}

function noteKey(report: PullReport): string {
  const detailed = detailsOf(report);
  return detailed === undefined ? '' : `${detailed.cause}\n${remedyInFull(detailed)}`;
}

/** What a fault's words say, or the first of what is foretold. */
function detailsOf(report: PullReport): Advice | undefined {
  const threat = threatOf(report);
  if (report.advice !== undefined || threat === undefined) return report.advice;
  const { because, assuming, remedy, fault } = threat;
  const cause = `${plain(because.replace(/\.$/, ''), 600)}${assuming === undefined ? '' : `, if ${plain(assuming)}`}.`;
  return { cause, remedy: plain(remedy, 600), owner: ownerOf(fault) };
}

function advice(notes: Notes, width: number, paint: Paint): readonly string[] {
  return notes.reports.flatMap((report, index) => {
    const { verdict } = report;
    const detailed = detailsOf(report);
    if (detailed === undefined) return [];
    const mark = `[${index + 1}] `;
    const space = Math.max(20, width - mark.length);
    const indent = ' '.repeat(mark.length);
    const [first = '', ...rest] = wrap(detailed.cause, space);
    const remedy = wrap(remedyInFull(detailed), space - 2).map(
      (line, at) => `${indent}${at === 0 ? '→ ' : '  '}${line}`,
    );
    return ['', paint(verdictStyles[verdict.is].style, mark) + first, ...rest.map((line) => indent + line), ...remedy];
  });
}

function legend(reports: readonly PullReport[], width: number, paint: Paint): readonly string[] {
  const inexact = { 'exact-if-restarted': 'exact once the runtime has restarted', approximate: 'approximate' } as const;
  return (['exact-if-restarted', 'approximate'] as const).flatMap((is) => {
    const all = reports.filter(({ verdict }) => verdict.confidence.is === is);
    if (all.length === 0) return [];
    const because = [...new Set(all.flatMap(({ verdict }) => verdict.confidence.because))].map((why) => plain(why));
    const text = `${confidenceMark[is]} ${inexact[is]}${because.length === 0 ? '' : `: ${because.join('; ')}`}`;
    return ['', ...wrap(text, width).map((line) => paint('dim', line))];
  });
}
