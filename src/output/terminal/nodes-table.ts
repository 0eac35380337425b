/** The fleet at a glance: a line a node, those first that need somebody. Reads what an agent says of its node in numbers. */
import { plain } from '#report/advice/phrases.ts';
import { duration } from '#output/measures.ts';
import { fit, pad, widthOf } from './paint.ts';

export interface NodeLine {
  readonly node: string;
  readonly is: 'ready' | 'not_ready' | 'unknown';
  readonly because: string;
  readonly counts?: { readonly [C in (typeof counted)[number]]: number };
  /** The fault that has stood longest. */
  readonly worst?: string;
  /** Since the last pass over the images ended. */
  readonly ageMs?: number;
  /** Verdicts against what the kubelet then got. */
  readonly predictions?: { readonly [P in (typeof predicted)[number]]: number };
}

const counted = ['pulls', 'at_risk', 'fails', 'unknown', 'asked'] as const;
const predicted = ['hit', 'miss', 'false_alarm', 'correct_rejection'] as const;

/** Undefined where it is no such answer. */
export function readNodeLine(node: string, body: unknown): NodeLine | undefined {
  const heard = fieldsOf(body);
  const is = heard['is'];
  if (is !== 'ready' && is !== 'not_ready' && is !== 'unknown') return undefined;
  const counts = numbersOf(heard['counts'], counted);
  const predictions = numbersOf(heard['predictions'], predicted);
  const { because, worst, ageMs } = heard;
  return {
    node,
    is,
    because: typeof because === 'string' ? because : '',
    ...(counts === undefined ? {} : { counts }),
    ...(typeof worst === 'string' ? { worst } : {}),
    ...(typeof ageMs === 'number' ? { ageMs } : {}),
    ...(predictions === undefined ? {} : { predictions }),
  };
}

const titles = ['NODE', 'PULLS', 'AT RISK', 'FAILS', 'UNKNOWN', 'WORST', 'AGE', 'FORETOLD'] as const;
const text = { ready: 'ready', not_ready: 'not ready', unknown: 'unknown' } as const;
const order = { not_ready: 0, unknown: 1, ready: 2 } as const;

export function nodesTable(lines: readonly NodeLine[], { width }: { readonly width: number }): string {
  const sorted = lines.toSorted((a, b) => order[a.is] - order[b.is] || (a.node < b.node ? -1 : 1));
  const rows = [['VERDICT', ...titles, 'BECAUSE'], ...sorted.map(rowOf)];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? '')))) ?? [];
  return rows
    .map((row) =>
      row
        .map((cell, column) => pad(cell, widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => (Number.isFinite(width) ? fit(line, width) : line))
    .join('\n');
}

function rowOf({ node, is, because, counts, worst, ageMs, predictions }: NodeLine): readonly string[] {
  const of = (count: (typeof counted)[number]): string => (counts === undefined ? '' : String(counts[count]));
  return [
    text[is],
    plain(node),
    of('pulls'),
    of('at_risk'),
    of('fails'),
    of('unknown'),
    plain(worst ?? ''),
    ageMs === undefined ? '' : duration(ageMs),
    predictions === undefined ? '' : scoreText(predictions),
    is === 'ready' ? '' : plain(because),
  ];
}

/** `41 of 42`: what was foretold rightly, of all that came to be tried. */
function scoreText({
  hit,
  miss,
  false_alarm: alarm,
  correct_rejection: right,
}: Required<NodeLine>['predictions']): string {
  const all = hit + miss + alarm + right;
  return all === 0 ? '' : `${hit + right} of ${all}`;
}

function numbersOf<K extends string>(value: unknown, keys: readonly K[]): { readonly [P in K]: number } | undefined {
  const fields = fieldsOf(value);
  const entries = keys.map((key) => [key, fields[key]] as const);
  if (!entries.every(([, number]) => typeof number === 'number')) return undefined;
  return Object.fromEntries(entries) as { readonly [P in K]: number };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}
