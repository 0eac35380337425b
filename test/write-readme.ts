/** `npm run readme`: rewrites the parts of README.md that the code knows best, between their marks. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { faultTable } from '../src/tell/words.ts';

export const readmePath = join(import.meta.dirname, '..', 'README.md');

/** The name in the marks `<!-- name -->` and `<!-- /name -->`, and what belongs between them. */
export const sections: Readonly<Record<string, () => string>> = { faults: faultTable };

/** What stands between the marks now; undefined where there are none. */
export function sectionOf(readme: string, name: string): string | undefined {
  const [from, to] = boundsOf(readme, name);
  return from === -1 || to === -1 ? undefined : readme.slice(from, to).trim();
}

export function renewed(readme: string): string {
  let text = readme;
  for (const [name, write] of Object.entries(sections)) {
    const [from, to] = boundsOf(text, name);
    if (from === -1 || to === -1) throw new Error(`README.md lacks <!-- ${name} --> … <!-- /${name} -->`);
    text = `${text.slice(0, from)}\n\n${write()}\n\n${text.slice(to)}`;
  }
  return text;
}

function boundsOf(readme: string, name: string): readonly [from: number, to: number] {
  const mark = `<!-- ${name} -->`;
  const at = readme.indexOf(mark);
  return [at === -1 ? -1 : at + mark.length, readme.indexOf(`<!-- /${name} -->`)];
}

if (import.meta.main) await writeFile(readmePath, renewed(await readFile(readmePath, 'utf8')));
