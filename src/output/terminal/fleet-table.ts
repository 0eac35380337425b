/** The answers of many nodes as a table: a line an image, or for all images of which the same holds, and below it what to do. */
import type { ImageGroups, NodeGroup } from '#report/group-reports.ts';
import { remedyInFull, type PullReport } from '#report/report.ts';
import { plain } from '#report/advice/phrases.ts';
import { counted } from '#output/measures.ts';
import { fit, pad, painter, verdictStyles, widthOf, wrap, type Paint } from './paint.ts';
import type { TableOptions } from './table.ts';

/** Room for a name beside what holds of it. */
const longestName = 60;

export function fleetTable(rows: readonly ImageGroups[], { width, colour }: TableOptions): string {
  if (rows.length === 0) return '';
  const paint = painter(colour);
  const notes = notesOf(rows);
  const names = rows.map(({ images }) => imagesText(images, Number.isFinite(width)));
  const column = Math.max('IMAGE'.length, ...names.map(widthOf));
  const head = paint('dim', `${pad('IMAGE', column)}  NODES`);
  const body = rows.map(({ groups }, index) => {
    const shown = groups.map((group) => groupText(group, notes, paint)).join(' · ');
    return `${pad(names[index] ?? '', column)}  ${shown}`;
  });
  return [head, ...body, ...below(notes, width, paint)].join('\n');
}

function imagesText(images: readonly string[], isNarrow: boolean): string {
  const [first = '', ...rest] = images.map((image) => plain(image, 512));
  const name = isNarrow ? fit(first, longestName, 'middle') : first;
  return rest.length === 0 ? name : `${name} and ${counted(rest.length, 'more image', 'more images')}`;
}

/** `3 nodes (pool=gpu): tls.untrusted at mirror.internal [1]`; a single node by its name. */
function groupText({ is, fault, nodes, apart, report }: NodeGroup, notes: Notes, paint: Paint): string {
  const who = nodes.length === 1 ? (nodes[0] ?? '') : `${nodes.length} nodes`;
  const label = apart === '' || nodes.length === 1 ? '' : ` (${plain(apart)})`;
  const { word, style } = verdictStyles[is];
  const note = notes.numbers.get(noteKey(report));
  const heard = is === 'fails' ? fault : [word, fault].filter(Boolean).join(', ');
  return `${plain(who)}${label}: ${paint(style, plain(heard))}${note === undefined ? '' : ` [${note}]`}`;
}

interface Notes {
  readonly numbers: ReadonlyMap<string, number>;
  readonly groups: readonly NodeGroup[];
}

function notesOf(rows: readonly ImageGroups[]): Notes {
  const numbers = new Map<string, number>();
  const first: NodeGroup[] = [];
  for (const group of rows.flatMap(({ groups }) => groups)) {
    const key = noteKey(group.report);
    if (group.report.advice === undefined || numbers.has(key)) continue;
    numbers.set(key, numbers.size + 1);
    first.push(group);
  }
  return { numbers, groups: first };
}

/** Nodes that give no answer differ in their names alone: one note is enough for what to do about each kind. */
function noteKey({ verdict, advice }: PullReport): string {
  if (verdict.is === 'unknown' && verdict.fault.code === 'agent.unreachable')
    return `unreachable: ${verdict.fault.why}`;
  return advice === undefined ? '' : `${advice.cause}\n${remedyInFull(advice)}`;
}

function below({ groups }: Notes, width: number, paint: Paint): readonly string[] {
  return groups.flatMap(({ report: { advice, verdict }, nodes }, index) => {
    if (advice === undefined) return [];
    const mark = `[${index + 1}] `;
    const space = Math.max(20, width - mark.length);
    const indent = ' '.repeat(mark.length);
    const others = nodes.length === 1 ? '' : ` (${nodesText(nodes)})`;
    const [first = '', ...rest] = wrap(`${advice.cause}${others}`, space);
    const remedy = wrap(remedyInFull(advice), space - 2).map((line, at) => `${indent}${at === 0 ? '→ ' : '  '}${line}`);
    return ['', paint(verdictStyles[verdict.is].style, mark) + first, ...rest.map((line) => indent + line), ...remedy];
  });
}

function nodesText(nodes: readonly string[]): string {
  const shown = nodes.slice(0, 3).map((node) => plain(node));
  return nodes.length > 3 ? `${shown.join(', ')} and ${nodes.length - 3} more` : shown.join(', ');
}
