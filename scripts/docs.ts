/** `npm run docs`: rewrites the generated parts of docs/, between their marks, from the code. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configTable } from '#config/config.ts';
import { imageRules, nodeRules } from '#forecast/rules.ts';
import type { RuleMeta } from '#forecast/rule.ts';
import { openCatalogMetrics } from '#output/metrics/catalog.ts';
import { faultTable } from '#report/advice/advice.ts';
import { incidentTable } from '../test/kit/incident-rows.ts';
import { node7 } from '../test/kit/ledger.ts';
import { metricsOver } from '../test/kit/metrics.ts';

export const root = join(import.meta.dirname, '..');

/** A generated part of a document, between the marks `<!-- name -->` and `<!-- /name -->`. */
export interface Section {
  readonly file: string;
  readonly name: string;
  readonly body: string;
}

export const sections: readonly Section[] = [
  { file: 'docs/configuration.md', name: 'config', body: configTable() },
  { file: 'docs/metrics.md', name: 'metrics', body: metricTable((await metricsOver(() => node7).scrape()).body) },
  { file: 'docs/metrics.md', name: 'catalogMetrics', body: metricTable(await catalogScrape()) },
  { file: 'docs/faults.md', name: 'faults', body: faultTable() },
  { file: 'docs/forecasts.md', name: 'imageForecasts', body: forecastSections(imageRules) },
  { file: 'docs/forecasts.md', name: 'nodeForecasts', body: forecastSections(nodeRules) },
  { file: 'docs/how-it-works.md', name: 'incidents', body: incidentTable() },
];

/** The text between the marks; undefined when a mark is missing. */
export function sectionOf(document: string, name: string): string | undefined {
  const bounds = boundsOf(document, name);
  return bounds === undefined ? undefined : document.slice(...bounds).trim();
}

/** The document with a new text between the marks. */
export function withSection(document: string, { file, name, body }: Section): string {
  const bounds = boundsOf(document, name);
  if (bounds === undefined) throw new Error(`${file} lacks <!-- ${name} --> … <!-- /${name} -->`);
  const [from, to] = bounds;
  return `${document.slice(0, from)}\n\n${body}\n\n${document.slice(to)}`;
}

function boundsOf(document: string, name: string): readonly [from: number, to: number] | undefined {
  const mark = `<!-- ${name} -->`;
  const at = document.indexOf(mark);
  const to = document.indexOf(`<!-- /${name} -->`);
  return at === -1 || to === -1 ? undefined : [at + mark.length, to];
}

/** One heading a rule, which is its anchor, with what the rule documents about itself. */
function forecastSections(rules: readonly { readonly name: string; readonly meta: RuleMeta }[]): string {
  return rules
    .toSorted((one, other) => one.name.localeCompare(other.name))
    .map(({ name, meta: { title, why, needs, remedy } }) =>
      [`### ${name}`, '', `**${title}.** ${why}`, '', `- **Needs:** ${needs}`, `- **Remedy:** ${remedy}`].join('\n'),
    )
    .join('\n\n');
}

/** Every metric, from the HELP and TYPE lines of a scrape. */
function metricTable(body: string): string {
  const types = new Map([...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
  const rows = [...body.matchAll(/^# HELP (\S+) (.*)$/gm)].map(
    ([, name = '', help = '']) => `| \`${name}\` | ${types.get(name) ?? ''} | ${help} |`,
  );
  return ['| Metric | Type | Meaning |', '|---|---|---|', ...rows.toSorted()].join('\n');
}

async function catalogScrape(): Promise<string> {
  const published = { demands: 0, nodes: 0, chunks: 0, bytes: 0, generation: 0 };
  const vitals = () => ({ cpuSeconds: 0, residentBytes: 0, startedAtS: 0 });
  const state = () => ({ kinds: [], published, writtenMs: 0 });
  const { body } = await openCatalogMetrics({ state, vitals, version: '' }).scrape();
  // The table of the agent lists the metrics that both processes have.
  return body.replace(/^# (HELP|TYPE) (?!drypull_catalog_).*$/gm, '');
}

async function main(): Promise<void> {
  for (const section of sections) {
    const path = join(root, section.file);
    await writeFile(path, withSection(await readFile(path, 'utf8'), section));
  }
}

if (import.meta.main) await main();
