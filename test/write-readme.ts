/** `npm run readme`: rewrites the parts of README.md that the code knows best, between their marks. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configTable } from '#config/config.ts';
import { openCatalogMetrics } from '#output/metrics/catalog.ts';
import { faultTable } from '#report/advice/advice.ts';
import { incidentTable } from './kit/incident-rows.ts';
import { node7 } from './kit/ledger.ts';
import { metricsOver } from './kit/metrics.ts';

export const readmePath = join(import.meta.dirname, '..', 'README.md');

/** The name in the marks `<!-- name -->` and `<!-- /name -->`, and what belongs between them. */
export const sections: Readonly<Record<string, string>> = {
  config: configTable(),
  metrics: metricTable((await metricsOver(() => node7).scrape()).body),
  catalogMetrics: metricTable(await catalogScrape()),
  faults: faultTable(),
  incidents: incidentTable(),
};

/** What stands between the marks now; undefined where there are none. */
export function sectionOf(readme: string, name: string): string | undefined {
  const [from, to] = boundsOf(readme, name);
  return from === -1 || to === -1 ? undefined : readme.slice(from, to).trim();
}

export function renewed(readme: string, what: Readonly<Record<string, string>> = sections): string {
  let text = readme;
  for (const [name, body] of Object.entries(what)) {
    const [from, to] = boundsOf(text, name);
    if (from === -1 || to === -1) throw new Error(`README.md lacks <!-- ${name} --> … <!-- /${name} -->`);
    text = `${text.slice(0, from)}\n\n${body}\n\n${text.slice(to)}`;
  }
  return text;
}

/** Every metric, by what a scrape says of it. */
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
  // What it has in common with the agent is told there.
  return body.replace(/^# (HELP|TYPE) (?!drypull_catalog_).*$/gm, '');
}

function boundsOf(readme: string, name: string): readonly [from: number, to: number] {
  const mark = `<!-- ${name} -->`;
  const at = readme.indexOf(mark);
  return [at === -1 ? -1 : at + mark.length, readme.indexOf(`<!-- /${name} -->`)];
}

if (import.meta.main) await writeFile(readmePath, renewed(await readFile(readmePath, 'utf8')));
