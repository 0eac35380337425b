/** The bill of materials lists what is in the bundle, and nothing else. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundledPackages, licenseTexts, type Metafile } from '../scripts/bundled.ts';
import { differences, type Lockfile, type Sbom, sbomOf } from '../scripts/sbom.ts';
import { scratch } from './kit/program.ts';

const top = join(import.meta.dirname, '..');
const info = { commit: '0123456789abcdef0123456789abcdef01234567', built: '2026-03-01T12:00:00Z' };

describe('the SBOM', () => {
  let metafile: Metafile;
  let lockfile: Lockfile;
  let sbom: Sbom;

  beforeAll(async () => {
    const directory = await scratch('sbom');
    const env = { ...process.env, METAFILE: join(directory, 'meta.json') };
    await promisify(execFile)(process.execPath, ['bundle.js', 'src/main.ts', join(directory, 'main.mjs')], {
      cwd: top,
      env,
    });
    metafile = JSON.parse(await readFile(env.METAFILE, 'utf8')) as Metafile;
    lockfile = JSON.parse(await readFile(join(top, 'package-lock.json'), 'utf8')) as Lockfile;
    sbom = sbomOf(metafile, lockfile, info);
  }, 60_000);

  test('agrees with the bundle', () => {
    expect(differences(sbom, metafile, lockfile)).toEqual([]);
    expect(sbom.packages.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['drypull', 'undici', '@kubernetes/client-node']),
    );
  });

  test('says of each package where it comes from, its hash and its licence', () => {
    for (const one of sbom.packages.slice(1) as unknown as readonly Record<string, unknown>[]) {
      expect(one['checksums']).toEqual([
        { algorithm: 'SHA512', checksumValue: expect.stringMatching(/^[0-9a-f]{128}$/) as unknown },
      ]);
      expect(one['licenseDeclared']).toMatch(/^(Apache-2\.0|BlueOak-1\.0\.0|BSD-3-Clause|ISC|LGPL-3\.0\+|MIT)$/);
      expect(one['externalRefs']).toMatchObject([
        { referenceLocator: expect.stringMatching(/^pkg:npm\/.+@\d/) as unknown },
      ]);
      expect(one['SPDXID']).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/);
    }
  });

  test('has what SPDX 2.3 demands of a document', () => {
    const id = info.commit;
    expect(sbom).toMatchObject({ spdxVersion: 'SPDX-2.3', dataLicense: 'CC0-1.0', SPDXID: 'SPDXRef-DOCUMENT' });
    expect(sbom['creationInfo']).toMatchObject({ created: info.built });
    expect(sbom['documentNamespace']).toMatch(new RegExp(`^https://.*/${id}$`));
    const relationships = sbom['relationships'] as readonly { readonly relationshipType: string }[];
    expect(relationships.filter(({ relationshipType }) => relationshipType === 'DESCRIBES')).toHaveLength(1);
    expect(relationships.filter(({ relationshipType }) => relationshipType === 'CONTAINS')).toHaveLength(
      sbom.packages.length - 1,
    );
  });

  test('is found out where it lacks a package, or has one too many', () => {
    const lacking = { ...sbom, packages: sbom.packages.filter(({ name }) => name !== 'undici') };
    expect(differences(lacking, metafile, lockfile)).toEqual([
      expect.stringMatching(/^undici@.* is in the bundle and not in/),
    ]);
    const padded = { ...sbom, packages: [...sbom.packages, { name: 'left-pad', versionInfo: '1.0.0' }] };
    expect(differences(padded, metafile, lockfile)).toEqual(['left-pad@1.0.0 is in the SBOM and not in the bundle']);
  });

  test('is not made of a bundle that the lockfile does not know', () => {
    const inputs = { ...metafile.inputs, 'node_modules/stranger/index.js': {} };
    expect(() => sbomOf({ inputs }, lockfile, info)).toThrow('package-lock.json lacks node_modules/stranger');
  });

  test('the licences of all of them go with the bundle', async () => {
    const text = await licenseTexts(metafile, top);
    for (const { name, versionInfo } of sbom.packages.slice(1)) expect(text).toContain(`${name} ${versionInfo} (`);
    expect(text.match(/Permission is hereby granted/g)?.length).toBeGreaterThan(10);
  });
});

test.each([
  ['node_modules/a/index.js', 'node_modules/a'],
  ['node_modules/@s/a/lib/b.js', 'node_modules/@s/a'],
  ['node_modules/a/node_modules/@s/b/c.js', 'node_modules/a/node_modules/@s/b'],
  ['later:node_modules/a/c.js', 'node_modules/a'],
])('%s is of %s', (path, folder) => {
  expect(bundledPackages({ inputs: { [path]: {}, 'src/main.ts': {} } })).toEqual([folder]);
});
