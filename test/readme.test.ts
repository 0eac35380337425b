import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { faultCodes } from '#report/fault.ts';
import { readmePath, renewed, sectionOf, sections } from './write-readme.ts';

test.each(Object.keys(sections))(
  'the README says of %s what the code says (npm run readme writes it)',
  async (name) => {
    expect(sectionOf(await readFile(readmePath, 'utf8'), name)).toBe(sections[name]);
  },
);

test('every fault has an anchor to link to', async () => {
  const readme = await readFile(readmePath, 'utf8');
  for (const code of faultCodes) expect(readme).toContain(`<a id="${code}"></a>`);
});

test('what stands around the marks is left alone, also the second time', () => {
  const faults = { faults: sections['faults'] ?? '' };
  const once = renewed('before\n<!-- faults -->\nold\n<!-- /faults -->\nafter\n', faults);
  expect(once).toMatch(/^before\n<!-- faults -->\n\n\| Fault [^]*\n\n<!-- \/faults -->\nafter\n$/);
  expect(renewed(once, faults)).toBe(once);
});

test('a README without marks is not written over', () => {
  expect(() => renewed('no marks')).toThrow('README.md lacks <!-- config -->');
});
