/** Which packages have a file in the bundle, by esbuild's metafile, and under which licences they come. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

export interface Metafile {
  readonly inputs: Readonly<Record<string, unknown>>;
}

const folder = 'node_modules/';

/** Their folders, which are also their keys in package-lock.json. */
export function bundledPackages({ inputs }: Metafile): readonly string[] {
  const folders = Object.keys(inputs).flatMap((path) => {
    const at = path.lastIndexOf(folder);
    if (at === -1) return [];
    // A plugin of bundle.js writes its namespace before the path.
    const above = path.slice(path.indexOf(folder), at);
    const parts = path.slice(at + folder.length).split('/');
    return [`${above}${folder}${parts.slice(0, parts[0]?.startsWith('@') === true ? 2 : 1).join('/')}`];
  });
  return [...new Set(folders)].toSorted();
}

/** `@scope/name` of such a folder. */
export function packageName(path: string): string {
  return path.slice(path.lastIndexOf(folder) + folder.length);
}

/** The text of every licence, which most licences demand to be passed on. Throws where a package has none. */
export async function licenseTexts(metafile: Metafile, top: string): Promise<string> {
  const texts = await Promise.all(
    bundledPackages(metafile).map((path) => licenseText(join(top, path), packageName(path))),
  );
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}

async function licenseText(path: string, name: string): Promise<string> {
  const files = (await readdir(path)).filter((file) => /^(licen[cs]e|copying|notice)(\.|-|$)/i.test(file)).toSorted();
  const { version, license } = JSON.parse(await readFile(join(path, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  if (files.length === 0 && license === undefined) throw new Error(`${name} has no licence`);
  const texts = await Promise.all(files.map((file) => readFile(join(path, file), 'utf8')));
  return [`${name} ${String(version)} (${String(license)})`, ...texts.map((text) => text.trim())].join('\n\n') + '\n';
}
