/** Every rule of foresight against the tests: what it foretells is brought about, or it is said why not. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { faultCodes } from '#report/fault.ts';
import { imageRules, nodeRules } from '#forecast/rules.ts';
import { foretellable } from '../../kit/foretellable.ts';

const rules = [...imageRules, ...nodeRules].map(({ name }) => name).toSorted();
const forecast = join(import.meta.dirname, '../../../src/forecast');
async function textsIn(folder: string, ending: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ending));
  return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
}

/** `broughtAbout('tag-moved', 'manifest.tag_moved', …)`, which fails where it was not so. */
async function claimsIn(folder: string): Promise<readonly string[]> {
  const found = /broughtAbout\(\s*'([a-z-]+)',\s*'([a-z_.]+)'/g;
  const texts = await textsIn(folder, '.test.ts');
  return texts.flatMap((text) => [...text.matchAll(found)].map(([, rule, fault]) => `${rule} ${fault}`));
}

const claims = await claimsIn(import.meta.dirname);
/** The same against other people's programs, which are not everywhere: they stand in for none of these. */
const others = await claimsIn(join(import.meta.dirname, '../../servers'));

test('every rule has its row, and no row is without a rule', () => {
  expect(Object.keys(foretellable)).toEqual(rules);
});

describe.each(Object.entries(foretellable))('%s', (rule, { comes, not = {}, asksFor = [] }) => {
  test.each(comes)('foretells %s, and a test brings it about', (fault) => {
    expect(claims).toContain(`${rule} ${fault}`);
  });

  test('foretells nothing else that a test could bring about', async () => {
    const source = (await textsIn(forecast, '.ts')).find((text) => text.includes(`name: '${rule}'`)) ?? '';
    const code = source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    const named = faultCodes.filter((fault) => code.includes(`'${fault}'`));
    const known: readonly string[] = [...comes, ...Object.keys(not), ...asksFor];
    expect(named.filter((fault) => !known.includes(fault))).toEqual([]);
    // What is said not to be brought about is foretold indeed.
    expect(Object.keys(not).filter((fault) => !(named as readonly string[]).includes(fault))).toEqual([]);
  });
});

test('no claim is of a rule or a fault that is not foretold', () => {
  const known = Object.entries(foretellable).flatMap(([rule, { comes }]) => comes.map((fault) => `${rule} ${fault}`));
  expect([...claims, ...others].filter((claim) => !known.includes(claim))).toEqual([]);
});
