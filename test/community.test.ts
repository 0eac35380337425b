/** The files that GitHub, Artifact Hub and contributors read are well formed, and lead to places that are there. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../package.json' with { type: 'json' };
import { repository } from './kit/repository-copy.ts';

const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const pages = [
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'GOVERNANCE.md',
  'SECURITY.md',
  'README.md',
  'charts/drypull/README.md',
  ...readdirSync(join(repository, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

test.each(pages)('%s leads to files that are there', (page) => {
  const links = [...read(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, path = '']) => path);
  expect(links.filter((path) => !existsSync(join(repository, dirname(page), path)))).toEqual([]);
});

test('CONTRIBUTING.md names scripts and files that are there', () => {
  const text = read('CONTRIBUTING.md');
  const scripts = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name);
  expect(scripts.filter((name) => !(name in packageJson.scripts))).toEqual([]);
  const files = [...text.matchAll(/\b((?:src|test|scripts|charts|manifests)\/[\w./-]*\w)/g)].map(
    ([, path = '']) => path,
  );
  expect(files.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
});

interface Form {
  readonly name: string;
  readonly description: string;
  readonly body: readonly {
    readonly type: string;
    readonly id?: string;
    readonly attributes: { readonly label?: string; readonly value?: string };
  }[];
}

const forms = readdirSync(join(repository, '.github/ISSUE_TEMPLATE')).filter((name) => name !== 'config.yml');

describe.each(forms)('the issue form %s', (name) => {
  const form = parse(read(`.github/ISSUE_TEMPLATE/${name}`)) as Form;

  test('is what GitHub accepts', () => {
    expect(form.name).toMatch(/\S/);
    expect(form.description).toMatch(/\S/);
    const ids = form.body.flatMap(({ id }) => id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { type, id, attributes } of form.body) {
      expect(['markdown', 'textarea', 'input', 'dropdown', 'checkboxes']).toContain(type);
      if (type === 'markdown') expect(attributes.value).toMatch(/\S/);
      else expect([id, attributes.label]).toEqual([expect.stringMatching(/^[\w-]+$/), expect.stringMatching(/\S/)]);
    }
  });
});

test('Dependabot updates every bundled package in one group', () => {
  const { updates } = parse(read('.github/dependabot.yml')) as {
    readonly updates: readonly {
      readonly groups: Readonly<Record<string, { readonly patterns: readonly string[] }>>;
    }[];
  };
  const bundled = updates[0]?.groups['bundled']?.patterns ?? [];
  expect(bundled.filter((name) => !(name in packageJson.devDependencies))).toEqual([]);
});

test('CHANGELOG.md is in the form of Keep a Changelog', () => {
  const lines = read('CHANGELOG.md').split('\n');
  const sections = lines.filter((line) => line.startsWith('## '));
  expect(sections[0]).toBe('## [Unreleased]');
  for (const line of sections) expect(line).toMatch(/^## \[(Unreleased|\d+\.\d+\.\d+)\]( - \d{4}-\d\d-\d\d)?$/);
  const kinds = lines.filter((line) => line.startsWith('### ')).map((line) => line.slice(4));
  const known = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];
  expect(kinds.filter((kind) => !known.includes(kind))).toEqual([]);
  for (const [, name] of sections.map((line) => /\[(.*)\]/.exec(line) ?? []))
    expect(lines.some((line) => line.startsWith(`[${String(name)}]: https://`))).toBe(true);
});
