/** The documents: generated parts are up to date, links lead somewhere, and README.md stays a front page. */
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import GithubSlugger from 'github-slugger';
import { lexer, walkTokens, type Token } from 'marked';
import { describe, expect, test } from 'vitest';
import { imageRules, nodeRules } from '#forecast/rules.ts';
import { faultCodes } from '#report/fault.ts';
import { root, sectionOf, sections, withSection } from '../scripts/docs.ts';

const mostBytes = 12_000;
const read = (file: string): Promise<string> => readFile(join(root, file), 'utf8');

describe('a generated part', () => {
  test.each(sections.map((section) => [`${section.file} ${section.name}`, section] as const))(
    '%s is what `npm run docs` writes',
    async (_, { file, name, body }) => {
      expect(sectionOf(await read(file), name)).toBe(body);
    },
  );

  test('replaces what is between its marks and nothing else, also the second time', () => {
    const section = { file: 'a.md', name: 'part', body: 'new' };
    const once = withSection('before\n<!-- part -->\nold\n<!-- /part -->\nafter\n', section);
    expect(once).toBe('before\n<!-- part -->\n\nnew\n\n<!-- /part -->\nafter\n');
    expect(withSection(once, section)).toBe(once);
  });

  test('is refused where a mark is missing', () => {
    const section = { file: 'a.md', name: 'part', body: 'new' };
    expect(() => withSection('<!-- part -->', section)).toThrow('a.md lacks <!-- part --> … <!-- /part -->');
  });
});

test('every fault has an anchor to link to', async () => {
  const faults = await anchorsOf('docs/faults.md');
  expect(faultCodes.filter((code) => !faults.has(code))).toEqual([]);
});

test('every forecast rule has an anchor to link to', async () => {
  const forecasts = await anchorsOf('docs/forecasts.md');
  const names = [...imageRules, ...nodeRules].map(({ name }) => name);
  expect(names.filter((name) => !forecasts.has(name))).toEqual([]);
});

test('README.md is a front page', async () => {
  expect((await stat(join(root, 'README.md'))).size).toBeLessThanOrEqual(mostBytes);
});

const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'src/README.md',
  ...(await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
];

describe.each(documents)('%s', (file) => {
  test('has no link to a file or an anchor that is missing', async () => {
    const broken: string[] = [];
    for (const link of linksIn(await read(file))) if (!(await leadsSomewhere(file, link))) broken.push(link);
    expect(broken).toEqual([]);
  });
});

test('a missing file and a missing anchor are noticed', async () => {
  expect(await leadsSomewhere('docs/faults.md', 'forecasts.md#tag-moved')).toBe(true);
  expect(await leadsSomewhere('docs/faults.md', 'forecasts.md#tag-moves')).toBe(false);
  expect(await leadsSomewhere('docs/faults.md', 'forecast.md')).toBe(false);
  expect(await leadsSomewhere('docs/faults.md', '#no-such-code')).toBe(false);
});

/** Relative links of Markdown and of HTML; what has a scheme is another site, or an example of one. */
function linksIn(document: string): readonly string[] {
  const links = tokensOf(document).flatMap((token) => {
    if (token.type === 'link' || token.type === 'image') return [String(token.href)];
    if (token.type !== 'html') return [];
    return [...token.raw.matchAll(/\b(?:href|src|srcset)="([^"]+)"/g)].map(([, href = '']) => href);
  });
  return links.filter((link) => !/^[a-z][a-z\d+.-]*:/i.test(link));
}

async function leadsSomewhere(from: string, link: string): Promise<boolean> {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? from : relative(root, join(root, dirname(from), decodeURIComponent(path)));
  if (!existsSync(join(root, target))) return false;
  return anchor === undefined || (await anchorsOf(target)).has(anchor);
}

/** Headings as GitHub names them, and what has an id. */
async function anchorsOf(file: string): Promise<ReadonlySet<string>> {
  const slugger = new GithubSlugger();
  const document = await read(file);
  const anchors = tokensOf(document).flatMap((token) => {
    if (token.type === 'heading') return [slugger.slug(String(token.text).replaceAll('`', ''))];
    return token.type === 'html' ? [...token.raw.matchAll(/\bid="([^"]+)"/g)].map(([, id = '']) => id) : [];
  });
  return new Set(anchors);
}

/** Every token of a document, nested ones included; code is no link. */
function tokensOf(document: string): readonly Token[] {
  const found: Token[] = [];
  void walkTokens(lexer(document), (token) => {
    found.push(token);
  });
  return found;
}
