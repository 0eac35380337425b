/** `drypull node --explain` for a terminal: sections with aligned labels, wrapped at the width, what is not seen last. */
import type { ExplainedRegistry, Explanation } from '#node/explanation.ts';
import { adviceFor } from '#report/advice/advice.ts';
import { bytes } from '#output/measures.ts';
import { pad, painter, widthOf, wrap, type Paint } from './paint.ts';

export interface ExplainOptions {
  readonly width: number;
  readonly colour: boolean;
}

interface Row {
  readonly label: string;
  readonly lines: readonly string[];
}

export function explanationText(found: Explanation, { width, colour }: ExplainOptions): string {
  const paint = painter(colour);
  const sections = [
    section('', [row('node', found.node), row('platform', found.platform), ...distributionRows(found)]),
    section('Runtime', runtimeRows(found)),
    section('Registries', registryRows(found)),
    section('Network and trust', networkRows(found)),
    section('Kubelet', kubeletRows(found)),
    section('Disks', diskRows(found)),
    section('What an operator edits', editRows(found)),
  ];
  const labels = sections.flatMap(({ rows }) => rows.map(({ label }) => widthOf(label)));
  const column = Math.min(24, Math.max(...labels)) + 2;
  const layout = { width, column, paint };
  const printed = sections.filter(({ rows }) => rows.length > 0).map((one) => sectionText(one, layout));
  return [...printed, remarks(found, layout)].filter((text) => text !== '').join('\n\n') + '\n';
}

interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

function section(title: string, rows: readonly Row[]): Section {
  return { title, rows };
}

function row(label: string, ...lines: readonly string[]): Row {
  return { label, lines: lines.filter((line) => line !== '') };
}

interface Layout {
  readonly width: number;
  readonly column: number;
  readonly paint: Paint;
}

function sectionText({ title, rows }: Section, { width, column, paint }: Layout): string {
  const body = rows.flatMap(({ label, lines }) => {
    const wrapped = lines.flatMap((line) => wrap(line, Math.max(20, width - column - 2)));
    const [first = '', ...rest] = wrapped;
    const isLong = widthOf(label) > column - 2;
    const head = isLong ? [`  ${label}`, `  ${pad('', column)}${first}`] : [`  ${pad(label, column)}${first}`];
    return [...head, ...rest.map((line) => `  ${pad('', column)}${line}`)].map((line) => line.trimEnd());
  });
  return [...(title === '' ? [] : [paint('bold', title)]), ...body].join('\n');
}

function distributionRows({ distribution }: Explanation): readonly Row[] {
  if (distribution === undefined) return [row('distribution', 'none recognised: read as a node of its own packages')];
  return [row('distribution', distribution.title, `recognised by ${distribution.because}`)];
}

function runtimeRows({ runtime }: Explanation): readonly Row[] {
  const { name, engine, socket, flags, configuration, dataRoot, snapshotter, sandboxImage, logins } = runtime;
  return [
    row('runtime', engine === undefined ? name : `${name}, ${engine} pull engine`),
    ...(socket === undefined ? [] : [row('socket', socket)]),
    ...(flags === undefined ? [] : [row('flags', sourceText(flags))]),
    row('configuration', ...configuration),
    ...(dataRoot === undefined ? [] : [row('data', dataRoot)]),
    ...(snapshotter === undefined ? [] : [row('snapshotter', snapshotter)]),
    ...(sandboxImage === undefined ? [] : [row('sandbox image', sandboxImage)]),
    ...(logins.length === 0 ? [] : [row('own logins', logins.join(', '))]),
  ];
}

function sourceText({ from, where }: NonNullable<Explanation['runtime']['flags']>): string {
  switch (from) {
    case 'process':
      return `of the running process (${where})`;
    case 'unit':
      return `of its unit (${where})`;
    case 'file':
      return `of ${where}`;
    case 'nothing':
      return `not known: ${where}`;
  }
}

function registryRows({ registries, runtime: { engine } }: Explanation): readonly Row[] {
  if (engine === undefined) return [row('unknown', "the runtime's configuration is not seen")];
  const own = registries.map((registry) =>
    row(registry.registry === '*' ? 'all others' : registry.registry, ...hostLines(registry)),
  );
  const hasDefault = registries.some(({ registry }) => registry === '*');
  return hasDefault ? own : [...own, row('all others', 'the registry itself')];
}

function hostLines({ hosts, from, fault }: ExplainedRegistry): readonly string[] {
  if (fault !== undefined) return [adviceFor(fault, { requestedBy: [] }).cause];
  const lines = hosts.map(
    ({ url, notes }, at) => `${at + 1}. ${url}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`,
  );
  return [...(lines.length === 0 ? ['the registry itself, with certificates of its own'] : lines), `from ${from}`];
}

function networkRows({ proxy, resolver, trust }: Explanation): readonly Row[] {
  const proxies = [
    ...(proxy.https === undefined ? [] : [`https by ${proxy.https}`]),
    ...(proxy.http === undefined ? [] : [`http by ${proxy.http}`]),
    ...(proxy.no === undefined ? [] : [`not for ${proxy.no}`]),
  ];
  const search = resolver.search.length === 0 ? [] : [`search ${resolver.search.join(' ')}`];
  return [
    row('proxies', ...(proxies.length === 0 ? ['none'] : proxies), `from ${proxy.source}`),
    row('name servers', resolver.servers.join(', '), ...search),
    row('certificates', ...(trust.length === 0 ? ['none: no server can be verified'] : shortList(trust))),
  ];
}

const mostFiles = 4;

function shortList(files: readonly string[]): readonly string[] {
  const more = files.length - mostFiles;
  return more <= 0 ? files : [...files.slice(0, mostFiles), `and ${more} more`];
}

function kubeletRows({ kubelet }: Explanation): readonly Row[] {
  const { flags, loginFile, providers, providersFrom, configuration } = kubelet;
  return [
    ...(flags === undefined ? [] : [row('flags', sourceText(flags))]),
    ...(configuration === undefined ? [] : [row('configuration', configuration)]),
    row('own logins', loginFile ?? 'none found'),
    row(
      'credential providers',
      ...(providers.length === 0 ? ['none found'] : [providers.join(', '), `from ${providersFrom}`]),
    ),
  ];
}

function diskRows({ disks }: Explanation): readonly Row[] {
  return disks.map(({ roles, path, freeBytes, bytes: size }) =>
    row(roles.join(', '), `${bytes(freeBytes)} of ${bytes(size)} free`, path),
  );
}

function editRows({ distribution }: Explanation): readonly Row[] {
  if (distribution === undefined) return [];
  return Object.entries(distribution.edits).map(([of, { where, file, apply, note }]) =>
    row(
      of,
      file === undefined ? where : `${where}/${file}`,
      apply.length === 0 ? 'takes effect at the next pull' : `then: ${apply.join('; ')}`,
      note ?? '',
    ),
  );
}

function remarks({ unseen, doubts, warnings }: Explanation, { width, paint }: Layout): string {
  const bullets = (mark: string, texts: readonly (readonly string[])[]): readonly string[] =>
    texts.flatMap(([first = '', ...rest]) => [
      ...wrap(first, width - 4).map((line, at) => `${at === 0 ? `  ${mark} ` : '    '}${line}`),
      ...rest.flatMap((text) => wrap(text, width - 4).map((line) => `    ${line}`)),
    ]);
  const hidden = unseen.map(({ what, why, how }) => [
    `${what}: ${why}.`,
    ...(how === undefined ? [] : [paint('cyan', how)]),
  ]);
  const parts = [
    ['What could not be seen', bullets('?', hidden)],
    [
      'Why an answer may be wrong',
      bullets(
        '~',
        doubts.map((text) => [`${text}.`]),
      ),
    ],
    [
      'What is wrong with these files',
      bullets(
        '!',
        warnings.map((fault) => [adviceFor(fault, { requestedBy: [] }).cause]),
      ),
    ],
  ] as const;
  const printed = parts
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => [paint('bold', title), ...lines].join('\n'));
  if (printed.length > 0) return printed.join('\n\n');
  return paint('green', 'Everything that decides a pull was seen.');
}
